// The whole product and Stripe, while processes die and webhooks come in every wrong way: each pack that was paid is credited once.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { verifyLedger } from '../../services/ledger/verifier.ts';
import { control, ledgerOf, noMoreFaults, submit } from '../fake-stripe/stripe-client.ts';
import { type RunningProduct, startRunningProduct } from '../support/running-product.ts';
import { type StripeProcess, startStripeProcess } from '../support/stripe-process.ts';
import { until } from '../support/until.ts';

const WEBHOOK_SECRET = 'whsec_under_fire';

let stripe: StripeProcess;
let product: RunningProduct;

beforeAll(async () => {
  stripe = await startStripeProcess();
  product = await startRunningProduct({
    STRIPE_API_BASE: stripe.url,
    STRIPE_SECRET_KEY: 'sk_test_under_fire',
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  });
  await control(stripe.url, 'webhooks', { url: `${product.api}/webhooks/stripe`, secret: WEBHOOK_SECRET });
});
afterAll(async () => {
  await product.stop();
  await stripe.close();
});

test('a gateway that is killed between the capture and the books leaves a payment that is credited once', async () => {
  const orgId = await newOrganization();
  await control(stripe.url, 'fault', {
    answer: 'GET /v1/payment_intents/*',
    fault: 'delay_after',
    ms: 600_000,
    count: 100,
  });
  await pay(orgId);
  // The gateway, the caretaker, or both wait for Stripe's answer, each with an event in hand.
  await until(async () => ((await webhooks()).faulted.delay_after ?? 0) > 0);

  await killGateway();
  await noMoreFaults(stripe.url);

  await until(async () => (await grantsOf(orgId)) === 2);
  await allIsFollowed();
  expect(await differences()).toEqual([]);
});

test('a gateway that is killed after the books and before Stripe knows is told again, and credits nothing', async () => {
  const orgId = await newOrganization();
  await pay(orgId);
  await until(async () => (await grantsOf(orgId)) === 2);
  const { rows } = await product.admin.query<{ payload: object }>(
    `select payload from stripe_events where type = 'payment_intent.succeeded' order by received_at desc limit 1`,
  );

  await killGateway();
  const statuses = [
    await tellAgain(JSON.stringify(rows[0]?.payload)),
    await tellAgain(JSON.stringify(rows[0]?.payload)),
  ];

  expect(statuses).toEqual([200, 200]);
  await allIsFollowed();
  expect(await grantsOf(orgId)).toBe(2);
  expect(await differences()).toEqual([]);
});

test('webhooks that come twice, late, in the wrong order and under two ids credit each pack once', async () => {
  const orgIds = await Promise.all(Array.from({ length: 6 }, newOrganization));
  for (const fault of ['duplicate', 'reorder', 'twin', 'duplicate', 'delay']) {
    await control(stripe.url, 'fault', { webhook: '*', fault, count: 2, ms: 200 });
  }

  await Promise.all(orgIds.map(pay));

  for (const orgId of orgIds) await until(async () => (await grantsOf(orgId)) === 2);
  await until(async () => {
    await tryAgainAtOnce();
    return (await underWay()) === 0;
  });
  await allIsFollowed();
  for (const orgId of orgIds) expect(await grantsOf(orgId)).toBe(2);
  expect(await differences()).toEqual([]);
});

async function call(path: string, body: object): Promise<Record<string, string>> {
  const answer = await fetch(`${product.api}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${path} was answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

async function newOrganization(): Promise<string> {
  return (await call('/organizations', { name: 'Acme' })).id ?? '';
}

async function pay(orgId: string): Promise<void> {
  const { url = '' } = await call(`/organizations/${orgId}/checkouts`, { pack: 'pack_50' });
  expect((await submit(url, { payment_method: 'pm_card_visa' })).status).toBe(303);
}

/** The newest gateway; its supervisor starts another. */
async function killGateway(): Promise<void> {
  const { rows } = await product.admin.query<{ pid: number }>(
    'select pid from gateway_incarnations where fenced_at is null order by started_at desc limit 1',
  );
  process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
  await until(
    async () =>
      (await count(`select from gateway_incarnations where pid = ${rows[0]?.pid} and fenced_at is not null`)) === 1,
  );
  await until(async () => (await fetch(`${product.api}/readyz`).catch(() => null))?.status === 200);
}

async function tellAgain(body: string): Promise<number> {
  const at = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(`${at}.${body}`).digest('hex');
  const headers = { 'stripe-signature': `t=${at},v1=${signature}`, 'content-type': 'application/json' };
  const answer = await fetch(`${product.api}/webhooks/stripe`, { method: 'POST', headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

async function count(sql: string): Promise<number> {
  return (await product.admin.query(sql)).rows.length;
}

function grantsOf(orgId: string): Promise<number> {
  return count(`select from credit_grants where org_id = '${orgId}'`);
}

function allIsFollowed(): Promise<void> {
  return until(async () => (await count('select from stripe_events where processed_at is null')) === 0);
}

/** What found no gateway twice would wait for half a minute. */
async function tryAgainAtOnce(): Promise<void> {
  const { next_due_at: dueAt }: { next_due_at: string | null } = JSON.parse(
    await (await fetch(`${stripe.url}/_test/clock`)).text(),
  );
  if (dueAt !== null) await control(stripe.url, 'clock', { advance_to: dueAt });
}

async function underWay(): Promise<number> {
  return (await webhooks()).deliveries.filter(({ givenUp }) => !givenUp).length;
}

async function webhooks(): Promise<{ deliveries: { givenUp: boolean }[]; faulted: Record<string, number> }> {
  return JSON.parse(await (await fetch(`${stripe.url}/_test/webhooks`)).text());
}

/** What the verifier finds, and what Stripe captured beyond or short of the books. */
async function differences(): Promise<string[]> {
  const { checks } = await verifyLedger(product.admin);
  const found = checks.filter(({ ok }) => !ok).map(({ id, examples }) => `${id} ${examples}`);
  const { rows } = await product.admin.query<{ intent: string; nano: string }>(
    `select p.stripe_payment_intent as intent, e.amount_nano as nano from payments p
       join ledger_entries e on e.transaction_id = p.transaction_id and e.account = 'stripe_clearing'`,
  );
  const booked = Object.fromEntries(rows.map(({ intent, nano }) => [intent, nano]));
  const taken = Object.entries(await ledgerOf(stripe.url)).map(([intent, { captured }]) => [
    intent,
    `${captured}0000000`,
  ]);
  expect(booked).toEqual(Object.fromEntries(taken));
  return found;
}
