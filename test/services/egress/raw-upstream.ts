// An upstream of which a test writes every byte on the socket, and what the two clients are asked over it.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Egress } from '../../../services/egress/egress.ts';

/** What the tests opened; whoever uses this file closes it after each of them. */
export const closers: (() => Promise<unknown>)[] = [];

export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** Gets a connection, how many came before it, and all that its client has sent when a request's head is there. */
export type Script = (socket: Socket, before: number, request: string) => unknown;

export interface RawUpstream {
  readonly url: string;
  readonly connections: readonly Socket[];
}

export async function rawUpstream(script: Script): Promise<RawUpstream> {
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    const before = connections.push(socket) - 1;
    let request = '';
    socket.on('error', () => undefined); // clients that give up reset it
    socket.on('data', (bytes) => {
      request += bytes.toString('latin1');
      if (!request.includes('\r\n\r\n')) return;
      script(socket, before, request);
      request = '';
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/v1`, connections };
}

export function newEgress(): Egress {
  const egress = new Egress();
  closers.push(() => egress.close());
  return egress;
}

export const OK = 'HTTP/1.1 200 OK\r\n';
export const TRUE_ANSWER = `${OK}content-length: 4\r\n\r\ntrue`;
export const FORGED_ANSWER = `${OK}content-length: 6\r\n\r\nforged`;
