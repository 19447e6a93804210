// Temporal is late when it is away, and nothing else: the gateway serves and bills without it, and a worker waits for it, at its
// start and later, and goes on.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { homeFolder } from '../../scripts/parts/home.ts';
import { declareSearchAttributes, TEMPORAL_NAMESPACE } from '../../scripts/parts/temporal.ts';
import { findOrFetch, TEMPORAL } from '../../scripts/parts/temporal-programs.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { freePort } from '../support/free-port.ts';
import { type RunningProduct, startRunningProduct } from '../support/running-product.ts';
import { until } from '../support/until.ts';
import { keyringOf, startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const OUTAGES_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'tollgate-temporal-away-'));
const port = await freePort();
const address = `127.0.0.1:${port}`;
let product: RunningProduct;
let worker: WorkerProcess;
let server: ChildProcess | null = null;

beforeAll(async () => {
  product = await startRunningProduct();
  worker = await startWorkerProcess({
    temporalAddress: address,
    namespace: TEMPORAL_NAMESPACE,
    databaseUrl: product.database.urlFor('worker'),
    environment: { TOLLGATE_MASTER_KEYS: keyringOf(product.secrets.masterKey) },
  });
});
afterAll(async () => {
  await worker.stop();
  server?.kill('SIGKILL');
  await product.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function startServer(): Promise<void> {
  const interrupted = new AbortController().signal;
  const { file } = await findOrFetch(TEMPORAL, { ...homeFolder(), say: () => undefined, interrupted });
  const settings = ['--port', String(port), '--namespace', TEMPORAL_NAMESPACE, '--db-filename', join(folder, 'data')];
  server = spawn(file, ['server', 'start-dev', '--headless', ...settings], { stdio: 'ignore' });
  await until(async () => {
    const declared = declareSearchAttributes(address, SEARCH_ATTRIBUTES);
    return declared.then(() => true).catch(() => false);
  });
}

async function killServer(): Promise<void> {
  if (server === null) return;
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}

/** Its charge. */
async function billedRequest(): Promise<bigint> {
  const headers = { authorization: `Bearer ${product.customerKey}`, 'content-type': 'application/json' };
  const answer = await fetch(`${product.api}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ model: 'demo-chat', messages: [{ role: 'user', content: 'hi' }] }),
  });
  await answer.text();
  const receipt = await fetch(`${product.api}/v1/requests/${answer.headers.get('x-request-id')}`, { headers });
  const { chargeNano } = (await receipt.json()) as { chargeNano: string };
  return BigInt(chargeNano);
}

function timesSaid(event: string): number {
  return worker.output.join('').split(`"msg":"${event}"`).length - 1;
}

test(
  'while Temporal is away requests are served and billed, and a worker says so once and goes on when it is back',
  async () => {
    await until(() => timesSaid('temporal_away') === 1);
    expect([await worker.readiness(), (await billedRequest()) > 0n]).toEqual([503, true]);
    await startServer();
    await worker.ready();

    await killServer();
    await until(() => timesSaid('temporal_away') === 2);
    const [whileAway, charge] = [await worker.readiness(), await billedRequest()];
    await startServer();
    await worker.ready();

    expect([whileAway, charge > 0n]).toEqual([503, true]);
    await until(() => timesSaid('temporal_connected') === 2);
    expect(timesSaid('temporal_away')).toBe(2);
    await killServer();
    await until(() => timesSaid('temporal_away') === 3);
    expect(await worker.stop()).toBe(0);
  },
  OUTAGES_MS,
);
