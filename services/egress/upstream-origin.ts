// All connections to one origin: as many as there are requests under way, and those that wait for the next one. Our own client,
// because undici's `dispatch` costs 18 µs more of 121 for a whole request (D29).
import { type AnswerListener, type ConnectionOwner, type Dial, UpstreamConnection } from './upstream-connection.ts';

/** Shorter than what providers and their proxies keep idle connections for, so that they rarely close one under a request. */
const IDLE_MS = 30_000;
const LOOK_EVERY_MS = 1_000;
const PATH = /^\/[\x21-\x7e]*$/;
// A character beyond latin1 would be cut to its last byte, which may be a line feed.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export interface UpstreamRequest {
  readonly path: string;
  /** Names and values in turn, without host and content-length: those are said here. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export class UpstreamOrigin implements ConnectionOwner {
  readonly #host: string;
  readonly #dial: Dial;
  readonly #open = new Set<UpstreamConnection>();
  /** The one that was freed last is used next, so that the others grow old and are closed. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #timer: NodeJS.Timeout;
  #allClosed: (() => void) | null = null;

  /** @param host as the Host header has it */
  constructor(host: string, dial: Dial) {
    this.#host = host;
    this.#dial = dial;
    this.#timer = setInterval(() => this.#closeIdle(performance.now()), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Returns the connection that it goes over. @throws TypeError for what HTTP cannot carry, Error after `close` */
  post(request: UpstreamRequest, listener: AnswerListener): UpstreamConnection {
    if (this.#allClosed !== null) throw new Error('no requests are sent any more');
    const head = headOf(request, this.#host);
    const connection = this.#takeIdle() ?? this.#newConnection();
    connection.send(head, request.body, listener);
    return connection;
  }

  /** Resolves when the answers that are under way have ended. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    return new Promise((resolve) => {
      this.#allClosed = resolve;
      for (const connection of this.#idle.splice(0)) connection.close();
      if (this.#open.size === 0) resolve();
    });
  }

  freed(connection: UpstreamConnection, idleForAtMostMs: number): void {
    if (this.#allClosed !== null) {
      connection.close();
      return;
    }
    connection.idleUntilMs = performance.now() + Math.min(IDLE_MS, idleForAtMostMs);
    this.#idle.push(connection);
  }

  closed(connection: UpstreamConnection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#open.size === 0) this.#allClosed?.();
  }

  #takeIdle(): UpstreamConnection | undefined {
    const nowMs = performance.now();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || (connection.isUsable && connection.idleUntilMs > nowMs)) return connection;
      connection.close();
    }
  }

  #newConnection(): UpstreamConnection {
    const connection = new UpstreamConnection(this.#dial, this);
    this.#open.add(connection);
    return connection;
  }

  #closeIdle(nowMs: number): void {
    for (const connection of this.#idle.filter(({ idleUntilMs }) => idleUntilMs <= nowMs)) connection.close();
  }
}

function headOf({ path, headers, body }: UpstreamRequest, host: string): string {
  if (!PATH.test(path)) throw new TypeError('a path that HTTP cannot carry');
  let head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (let at = 0; at < headers.length; at += 2) {
    const value = headers[at + 1] ?? '';
    if (!HEADER_VALUE.test(value)) throw new TypeError(`a value of ${headers[at]} that HTTP cannot carry`);
    head += `${headers[at]}: ${value}\r\n`;
  }
  return `${head}content-length: ${body.length}\r\n\r\n`;
}
