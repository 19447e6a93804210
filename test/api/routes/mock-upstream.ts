// Anybody's upstream: answers chat completions and embeddings in a few lines and keeps what it was sent.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MockUpstream {
  /** Without /v1. */
  readonly url: string;
  readonly received: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
  /** What the next requests are answered. */
  answer: { status: number; body: unknown };
  /** They are answered when this resolves. */
  hold: Promise<void>;
  close(): void;
}

const HELLO = { choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }] };

export async function startMockUpstream(): Promise<MockUpstream> {
  const received: MockUpstream['received'] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    received.push({ path: req.url ?? '', headers: req.headers, body: Buffer.concat(chunks).toString() });
    await upstream.hold;
    res.writeHead(upstream.answer.status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(upstream.answer.body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream: MockUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: { status: 200, body: HELLO },
    hold: Promise.resolve(),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return upstream;
}
