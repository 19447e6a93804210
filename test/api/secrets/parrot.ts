// The worst upstream for a secret: whatever it answers, it repeats the key that it was given, in bodies, headers and events.
// The prompt says how it answers: `status=401`, `status=200 page`, `status=200 event` or `status=200 broken`.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Parrot {
  /** With /v1. */
  readonly url: string;
  /** The keys that were given to it. */
  readonly heard: ReadonlySet<string>;
  close(): void;
}

export async function startParrot(): Promise<Parrot> {
  const heard = new Set<string>();
  const server = createServer(async (req, res) => {
    let asked = '';
    for await (const chunk of req) asked += chunk;
    const given = keyIn(req);
    heard.add(given);
    repeat(res, asked, given);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    heard,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function keyIn({ headers }: IncomingMessage): string {
  return headers.authorization?.replace(/^Bearer /, '') ?? String(headers['x-api-key']);
}

function repeat(res: ServerResponse, asked: string, given: string): void {
  const [, status = '200', how] = /status=(\d+)(?: (\w+))?/.exec(asked) ?? [];
  const error = { message: `Access denied for the key ${given}.`, type: `key ${given}`, code: given, param: given };
  const body = JSON.stringify({ error, detail: given });
  const echo = { 'x-your-key': given, 'set-cookie': `key=${given}`, 'x-request-id': given };
  if (how === 'page') {
    res.writeHead(Number(status), { ...echo, 'content-type': 'text/html' }).end(`<p>${given}</p>`);
  } else if (how === 'event' || how === 'broken') {
    res.writeHead(Number(status), { ...echo, 'content-type': 'text/event-stream' });
    res.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'four' } }] })}\n\n`);
    if (how === 'event') res.end(`data: ${body}\n\n`);
    else res.end(`data: {"error": ${given}\n\n`);
  } else {
    res.writeHead(Number(status), { ...echo, 'content-type': 'application/json' }).end(body);
  }
}
