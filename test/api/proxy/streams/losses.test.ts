// What a broken stream costs us beyond what its customer pays is known from the provider's own export, to the nano, and booked as
// our loss: nothing is guessed and nothing is left out (design.md 3.3). The upstream is the demo provider with its meter.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportingChannels, importUsageExports } from '../../../../services/usage/usage-export.ts';
import { type DemoProvider, startDemoProvider } from '../../../support/demo-provider/server.ts';
import { until } from '../../../support/until.ts';
import { call } from './caller.ts';
import { chat } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { closedBooks, INPUT_NANO, newCustomer, OUTPUT_NANO, receiptOf, sell } from './shop.ts';

let folder: string;
let gateway: Gateway;
let demo: DemoProvider;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'demo-'));
  gateway = await openGateway();
  demo = await startDemoProvider({ port: 0, dataDir: folder });
});
afterAll(async () => {
  await gateway.close();
  await demo.close();
  rmSync(folder, { recursive: true });
});

interface Metered {
  readonly attemptId: string;
  readonly usage: Readonly<Record<string, number>>;
}

async function meteredCosts(): Promise<Map<string, bigint>> {
  const answer = await fetch(`${demo.url}/usage-export?after=&limit=1000`, {
    headers: { authorization: 'Bearer demo-key' },
  });
  const { rows } = (await answer.json()) as { rows: Metered[] };
  return new Map(rows.map(({ attemptId, usage }) => [attemptId, costOf(usage)]));
}

/** At half of what is sold, in the two prices that the test's model has. */
function costOf(usage: Metered['usage']): bigint {
  let cost = 0n;
  for (const [meter, quantity] of Object.entries(usage)) {
    const isOutput = meter.startsWith('output') || meter === 'reasoning';
    cost += (BigInt(quantity) * (isOutput ? OUTPUT_NANO : INPUT_NANO)) / 2n;
  }
  return cost;
}

const FAULTS = [
  'cut=9000',
  'end=9000',
  'error-mid,chunk-delay=2', // so that something has gone out before it
  'garbage-mid',
  'no-usage',
  'zero-usage',
  'absurd-usage=huge',
  'wrong-length',
];

test('what the provider metered and no customer paid for is our loss, attempt by attempt', async () => {
  const customer = await newCustomer(gateway, 10_000_000_000n);
  const requestIds: string[] = [];
  for (const fault of FAULTS) {
    const { modelId } = await sell(gateway, { baseUrl: `${demo.url}/v1`, usageExport: 'demo' });
    const content = `[[demo:${fault},tokens=200]] Tell me all that is known of toll gates.`;
    const body = chat.request(modelId, { messages: [{ role: 'user', content }] });
    const caller = await call(gateway.url, { path: chat.path, key: customer.key, body }).answered;
    await caller.over();
    requestIds.push(caller.requestId);
  }
  const before = await Promise.all(requestIds.map((requestId) => receiptOf(gateway, requestId)));
  expect(before.map(({ outcome, source }) => [outcome, source])).toEqual([
    ['cut', 'estimate'],
    ['cut', 'estimate'],
    ['cut', 'estimate'],
    ['complete', 'provider'],
    ['complete', 'estimate'],
    ['complete', 'provider'],
    ['quarantined', 'none'],
    ['complete', 'provider'],
  ]);

  let metered = new Map<string, bigint>();
  await until(async () => {
    metered = await meteredCosts();
    return requestIds.every((requestId) => metered.has(`${requestId}.1`));
  });
  const { admin, vault, parts } = gateway;
  await importUsageExports(admin, parts.egress, await exportingChannels(admin, vault), parts.log);

  const { rows } = await admin.query<{ id: string; loss: string }>(
    `select a.request_id as id, coalesce(sum(l.amount_nano), 0)::text as loss
       from attempts a left join ops_losses l on l.request_id = a.request_id and l.n = a.n
      where a.reconciled_at is not null group by a.request_id`,
  );
  const losses = new Map(rows.map(({ id, loss }) => [id, BigInt(loss)]));
  for (const [index, requestId] of requestIds.entries()) {
    const paidFor = before[index]?.attempts[0]?.cost ?? 0n;
    expect([FAULTS[index], losses.get(requestId)]).toEqual([
      FAULTS[index],
      (metered.get(`${requestId}.1`) ?? 0n) - paidFor,
    ]);
  }
  await closedBooks(gateway, customer);
});
