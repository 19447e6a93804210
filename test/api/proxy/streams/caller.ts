// A customer's program, down to its socket: it sees which bytes came, whether the end was clean, and can stop reading or leave.
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { until } from '../../../support/until.ts';

export interface Call {
  readonly path: string;
  readonly key: string;
  readonly body: object;
}

export class Caller {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What has come so far, decoded latin1. */
  text = '';
  /** null: it is not over. */
  ending: 'clean' | 'broken' | null = null;
  /** Its end of the connection. */
  readonly port: number;
  readonly #answer: IncomingMessage;

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    this.port = answer.socket.localPort ?? 0;
    this.status = answer.statusCode ?? 0;
    this.headers = answer.headers;
    answer.setEncoding('latin1');
    answer.on('data', (text: string) => {
      this.text += text;
    });
    answer.on('error', () => {}); // 'close' follows
    answer.on('close', () => {
      this.ending = answer.complete ? 'clean' : 'broken';
    });
  }

  get requestId(): string {
    return String(this.headers['x-request-id']);
  }

  async sees(text: string): Promise<void> {
    await until(() => {
      if (this.ending !== null && !this.text.includes(text)) throw new Error(`ended without ${text}: ${this.text}`);
      return this.text.includes(text);
    });
  }

  async over(): Promise<'clean' | 'broken'> {
    await until(() => this.ending !== null);
    return this.ending ?? 'broken';
  }

  leave(): void {
    this.#answer.destroy();
  }

  stopReading(): void {
    this.#answer.pause();
  }

  readOn(): void {
    this.#answer.resume();
  }
}

/** Sends at once; the answer's head may take its time. */
export function call(url: string, { path, key, body }: Call): { readonly answered: Promise<Caller>; leave(): void } {
  const text = JSON.stringify(body);
  const sent = request(url + path, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    },
  });
  const answered = once(sent, 'response').then(([answer]) => new Caller(answer as IncomingMessage));
  answered.catch(() => {}); // of a caller that leaves, nobody asks
  sent.end(text);
  return { answered, leave: () => void sent.destroy() };
}

export interface RawCaller {
  readonly socket: Socket;
  /** All bytes of the answer, its head and its chunk sizes with it. */
  received(): string;
}

/** For those who look at the connection itself. */
export async function rawCall(url: string, { path, key, body }: Call): Promise<RawCaller> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => {}); // 'close' follows
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: tollgate',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
  return { socket, received: () => received };
}
