// The way out to the client, and where the faults of transport happen: bodies that stop, hang, lie about their length or come
// compressed. `open` turns false the moment nothing more can arrive, so that whoever generates text stops generating it.
import type { ServerResponse } from 'node:http';
import { constants, createGzip, type Gzip } from 'node:zlib';
import type { BodyStop, Fault } from './fault-grammar.ts';

const LENGTH_LIE_BYTES = 1_000;
const LENGTH_OF_WRONG_STREAM_BYTES = 100_000_000;

export class Sink {
  open = true;
  readonly #response: ServerResponse;
  readonly #stop: BodyStop | null;
  readonly #wrongLength: boolean;
  readonly #gzip: SyncGzip | null;
  readonly #closed: Promise<void>;
  #sentBytes = 0;
  #wake: () => void = () => {};

  constructor(response: ServerResponse, fault: Fault) {
    this.#response = response;
    this.#stop = fault.stop;
    this.#wrongLength = fault.wrongLength;
    this.#gzip = fault.gzip ? new SyncGzip() : null;
    response.on('drain', () => this.#wake());
    response.on('error', () => {}); // always followed by 'close', which says all that matters here
    this.#closed = new Promise((resolve) => {
      const leave = () => {
        this.open = false;
        this.#wake();
        resolve();
      };
      if (response.closed) leave();
      else response.on('close', leave);
    });
  }

  async sendWhole(status: number, headers: Record<string, string>, body: string | Buffer): Promise<void> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    await this.head(status, headers, bytes.length);
    await this.send(bytes);
    await this.end();
  }

  /** bodyBytes null: a stream. */
  async head(status: number, headers: Record<string, string>, bodyBytes: number | null): Promise<void> {
    if (!this.open) return;
    const length = this.#lengthToClaim(bodyBytes);
    this.#response.writeHead(status, {
      ...headers,
      ...(this.#gzip === null ? {} : { 'content-encoding': 'gzip' }),
      ...(length === null ? {} : { 'content-length': length }),
    });
    if (bodyBytes === null) this.#response.flushHeaders();
    if (this.#stop?.afterBytes === 0) await this.#stopHere(this.#stop, Buffer.alloc(0));
  }

  #lengthToClaim(bodyBytes: number | null): number | null {
    if (this.#wrongLength) return bodyBytes === null ? LENGTH_OF_WRONG_STREAM_BYTES : bodyBytes + LENGTH_LIE_BYTES;
    if (bodyBytes === null || this.#gzip !== null) return null;
    return this.#stop?.kind === 'end' ? Math.min(bodyBytes, this.#stop.afterBytes) : bodyBytes;
  }

  /** Resolves when the client can take more, or is gone. */
  async send(body: string | Buffer): Promise<void> {
    if (!this.open || body.length === 0) return;
    if (this.#stop === null && this.#gzip === null) return this.#write(body);
    const plain = Buffer.from(body);
    const bytes = this.#gzip === null ? plain : await this.#gzip.compress(plain);
    const room = this.#stop === null ? Number.POSITIVE_INFINITY : this.#stop.afterBytes - this.#sentBytes;
    if (this.#stop !== null && bytes.length >= room) return this.#stopHere(this.#stop, bytes.subarray(0, room));
    this.#sentBytes += bytes.length;
    return this.#write(bytes);
  }

  async #write(body: string | Buffer): Promise<void> {
    if (!this.#response.write(body)) await this.#woken();
  }

  async #stopHere(stop: BodyStop, lastBytes: Buffer): Promise<void> {
    this.open = false;
    await new Promise<void>((flushed) => {
      this.#response.once('close', flushed);
      this.#response.write(lastBytes, () => flushed());
    });
    if (stop.kind === 'cut') this.#response.socket?.destroy();
    if (stop.kind === 'end') this.#response.end();
  }

  /** Resolves after the time, or at once when the client leaves. */
  async pause(durationMs: number): Promise<void> {
    if (durationMs === 0 || !this.open) return;
    const timer = setTimeout(() => this.#wake(), durationMs);
    await this.#woken();
    clearTimeout(timer);
  }

  /** Resolves when the exchange is over: all of it handed to the system, or the connection gone. */
  async end(): Promise<void> {
    if (this.open) {
      if (this.#gzip !== null) await this.#write(await this.#gzip.finish());
      if (this.#wrongLength) await this.#stopHere({ kind: 'cut', afterBytes: 0 }, Buffer.alloc(0));
      else this.#response.end();
    }
    await this.#closed;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (!this.open) resolve();
    });
  }
}

// One gzip member for the whole stream, flushed after each piece: a decoder must be able to read every event as it comes.
class SyncGzip {
  readonly #gzip: Gzip = createGzip();
  #made: Buffer[] = [];

  constructor() {
    this.#gzip.on('data', (bytes: Buffer) => this.#made.push(bytes));
  }

  compress(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#gzip.write(bytes);
      this.#gzip.flush(constants.Z_SYNC_FLUSH, () => resolve(this.#taken()));
    });
  }

  finish(): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#gzip.once('end', () => resolve(this.#taken()));
      this.#gzip.end();
    });
  }

  #taken(): Buffer {
    const made = Buffer.concat(this.#made);
    this.#made = [];
    return made;
  }
}
