// An upstream of which the test writes every byte, and sees every byte that it is sent. Strict: what a provider would refuse
// (no attempt id, no credential, a body that is not JSON) fails the request and is told by `close`.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** One attempt of the gateway, as it came in. */
export interface Arrival {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly attemptId: string;
  readonly requestId: string;
  /** Status 200 and the head of an event stream. */
  open(headers?: Record<string, string>): void;
  /** Opens first when that has not been done. */
  send(...events: readonly string[]): void;
  end(): void;
  answer(status: number, body: unknown, headers?: Record<string, string>): void;
  /** The connection breaks, as when a machine dies. */
  cut(): void;
  readonly socket: Socket;
  readonly response: ServerResponse;
  /** Resolves when the gateway has hung up or the answer is over. */
  readonly closed: Promise<void>;
  /** The gateway takes no more bytes for now. */
  isBackedUp(): boolean;
}

export interface ScriptedUpstream {
  /** http://127.0.0.1:<port>/v1 */
  readonly baseUrl: string;
  /** Waits for the next attempt that no test has taken yet. */
  next(): Promise<Arrival>;
  /** Attempts that came and were not taken. */
  readonly untaken: number;
  /** Connections of gateways that carry an attempt now. */
  readonly openAttempts: number;
  close(): Promise<void>;
}

export async function startScriptedUpstream(): Promise<ScriptedUpstream> {
  const arrived: Arrival[] = [];
  const waiting: ((arrival: Arrival) => void)[] = [];
  const complaints: string[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer({ keepAliveTimeout: 60_000 }, async (req, res) => {
    open.add(res);
    res.once('close', () => open.delete(res));
    res.on('error', () => {}); // 'close' follows
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const problem = problemOf(req.headers, text);
    if (problem !== null) {
      complaints.push(problem);
      res.writeHead(500).end(problem);
      return;
    }
    const arrival = newArrival(req.url ?? '', req.headers, text, res);
    const taker = waiting.shift();
    if (taker === undefined) arrived.push(arrival);
    else taker(arrival);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    next() {
      const first = arrived.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
    get untaken() {
      return arrived.length;
    },
    get openAttempts() {
      return open.size;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (complaints.length > 0) throw new Error(`the gateway sent what no provider takes: ${complaints.join('; ')}`);
    },
  };
}

function problemOf(headers: IncomingHttpHeaders, text: string): string | null {
  if (!/^[0-9a-f-]{36}\.\d+$/.test(String(headers['x-tollgate-attempt-id']))) return 'no attempt id';
  if (headers.authorization === undefined && headers['x-api-key'] === undefined) return 'no credential';
  if (headers['accept-encoding'] !== 'identity') return 'a compressed answer was asked for';
  if (Number(headers['content-length']) !== Buffer.byteLength(text)) return 'no true Content-Length';
  try {
    JSON.parse(text);
    return null;
  } catch {
    return `a body that is not JSON: ${text.slice(0, 100)}`;
  }
}

function newArrival(path: string, headers: IncomingHttpHeaders, text: string, response: ServerResponse): Arrival {
  const attemptId = String(headers['x-tollgate-attempt-id']);
  const socket = response.socket;
  if (socket === null) throw new Error('a request comes over a socket');
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  const open = (more: Record<string, string> = {}) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...more });
    response.flushHeaders();
  };
  return {
    ...{ path, headers, attemptId, response, socket, closed, open },
    body: JSON.parse(text) as Record<string, unknown>,
    requestId: attemptId.split('.', 1)[0] ?? '',
    send(...events) {
      if (!response.headersSent) open();
      for (const event of events) response.write(event, 'latin1');
    },
    end: () => void response.end(),
    answer(status, body, more = {}) {
      response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body));
    },
    cut: () => void socket.resetAndDestroy(),
    isBackedUp: () => socket.writableLength > 0,
  };
}
