// Upstreams that the tests of egress talk to, and the two ways in which the product talks to them.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Egress } from '../../../services/egress/egress.ts';
import type { AnswerListener } from '../../../services/egress/upstream-connection.ts';
import { upstreamCertificate, upstreamKey } from './upstream-certificate.ts';

export interface Upstream {
  readonly port: number;
  readonly seen: IncomingHttpHeaders[];
  connections: number;
  close(): Promise<unknown>;
}

export async function upstream(answer: RequestListener = (_, res) => res.end('ok'), tls = false): Promise<Upstream> {
  const seen: IncomingHttpHeaders[] = [];
  const listener: RequestListener = (req, res) => {
    seen.push(req.headers);
    answer(req, res);
  };
  const server: Server = tls
    ? createTlsServer({ key: upstreamKey, cert: upstreamCertificate }, listener)
    : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const running = {
    port,
    seen,
    connections: 0,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('connection', () => {
    running.connections += 1;
  });
  return running;
}

export interface Asked {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export interface Answered {
  readonly status: number;
  readonly body: string;
}

export type Send = (asked?: Asked) => Promise<Answered>;

const SECRET = 'Bearer sk-upstream-secret';

/** For customers, and for ourselves: what is promised of one holds for the other. */
export const WAYS: readonly (readonly [
  'upstream' | 'pool',
  (egress: Egress, url: string, allowLocal: boolean) => Send,
])[] = [
  ['upstream', sendUpstream],
  ['pool', sendThroughPool],
];

function sendUpstream(egress: Egress, url: string, allowLocal: boolean): Send {
  const origin = egress.upstream(url, allowLocal);
  return ({ path = '/v1/models', headers = {}, body = '' } = {}) =>
    new Promise((resolve, reject) => {
      const listener = newListener(resolve, reject);
      const flat = Object.entries({ authorization: SECRET, ...headers }).flat();
      origin.post({ path, headers: flat, body: Buffer.from(body) }, listener);
    });
}

function newListener(resolve: (answered: Answered) => void, reject: (error: Error) => void): AnswerListener {
  const pieces: Buffer[] = [];
  let status = 0;
  return {
    answerBegan(code) {
      status = code;
    },
    answerData: (bytes) => pieces.push(bytes),
    answerEnded: () => resolve({ status, body: Buffer.concat(pieces).toString() }),
    answerFailed: reject,
  };
}

function sendThroughPool(egress: Egress, url: string, allowLocal: boolean): Send {
  const pool = egress.pool(url, allowLocal);
  return async ({ path = '/v1/models', headers = {}, body = '' } = {}) => {
    const all = { authorization: SECRET, ...headers };
    const answer = await pool.request({ path, method: 'POST', headers: all, body });
    return { status: answer.statusCode, body: await answer.body.text() };
  };
}
