// The demo provider: an upstream of our own that speaks the surfaces of OpenAI and Anthropic, meters what it gives away before it
// gives it, and fails in every way that real providers do. It shares no code with the product that is judged by its meter.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AccountKeys } from './account-keys.ts';
import { admin, isAdminPath } from './admin.ts';
import { KeyFaults } from './faults.ts';
import { inference, type Upstream } from './inference.ts';
import { type Meter, openMeter } from './meter.ts';

export interface DemoProviderOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly dataDir: string;
  readonly host?: string;
}

export interface DemoProvider {
  readonly url: string;
  close(): Promise<void>;
}

// Longer than any gateway keeps an idle connection, so that it is never we who close one that it is about to use.
const KEEP_ALIVE_MS = 75_000;

export async function startDemoProvider({
  port,
  dataDir,
  host = '127.0.0.1',
}: DemoProviderOptions): Promise<DemoProvider> {
  const meter = await openMeter(dataDir);
  const upstream: Upstream = { meter, keyFaults: new KeyFaults(), accountKeys: new AccountKeys(dataDir) };
  const running = new Set<Promise<void>>();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const work = answer(upstream, request, response).finally(() => running.delete(work));
    running.add(work);
  });
  await listen(server, port, host);
  return { url: `http://${host}:${portOf(server)}`, close: () => close(server, running, meter) };
}

async function answer(upstream: Upstream, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = `req_${randomUUID().replaceAll('-', '')}`;
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  try {
    if (isAdminPath(path)) await admin(upstream, path, request, response);
    else await inference(upstream, path, request, response, requestId);
  } catch (error) {
    // A mistake of ours fails the one request, and loudly: nobody is to take it for a fault that was asked for.
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end(`demo provider broke: ${String(error)}`);
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the demo provider listens on no port');
  return address.port;
}

async function close(server: Server, running: ReadonlySet<Promise<void>>, meter: Meter): Promise<void> {
  server.close();
  server.closeAllConnections();
  await Promise.all(running);
  meter.close();
}
