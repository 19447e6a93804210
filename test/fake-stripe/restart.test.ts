// Killed with -9 at any moment, the fake has lost nothing that it answered: else a test of billing would take its loss for ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { client, control, ledgerOf, type Receiver, receiver, refusalOf, SECRET, withCard } from './stripe-client.ts';

const MAIN = join(import.meta.dirname, '../support/fake-stripe/main.ts');

interface StripeProcess {
  readonly url: string;
  readonly stripe: Stripe;
  readonly child: ChildProcess;
  readonly stdout: () => string;
}

let dataDir: string;
let port: number;
let started: ChildProcess[];
let endpoint: Receiver;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'fake-stripe-'));
  port = await freePort();
  started = [];
  endpoint = await receiver();
});
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  await endpoint.close();
  await rm(dataDir, { recursive: true });
});

async function startProcess(more: Record<string, string> = {}): Promise<StripeProcess> {
  const env = { ...process.env, FAKE_STRIPE_DATA_DIR: dataDir, PORT: String(port), ...more };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  let stdout = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the fake Stripe ended with ${code}`)));
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      if (stdout.endsWith('\n')) resolve();
    });
  });
  const url = stdout.trim().split(' ').at(-1) ?? '';
  return { url, stripe: client(url), child, stdout: () => stdout };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return exit;
}

const PRICE = { amount: 1_900, currency: 'usd', allowed_payment_method_types: ['card' as const] };

test('killed between processing and answering: after a restart it is paid, and the retried key has the same answer', async () => {
  const first = await startProcess();
  const { customer, payment_method } = await withCard(first.stripe, 'pm_card_visa');
  const { id } = await first.stripe.paymentIntents.create({ ...PRICE, customer });
  const confirm = (stripe: Stripe) =>
    stripe.paymentIntents.confirm(id, { payment_method, off_session: true }, { idempotencyKey: 'confirm-1' });
  await control(first.url, 'fault', { answer: 'POST /v1/payment_intents/*/confirm', fault: 'delay_after', ms: 60_000 });
  const unanswered = refusalOf(confirm(first.stripe));
  await until(async () => (await first.stripe.paymentIntents.retrieve(id)).status === 'succeeded');
  await stop(first.child, 'SIGKILL');
  expect((await unanswered).type).toBe('StripeConnectionError');

  const second = await startProcess();
  const retried = await confirm(second.stripe);
  expect(retried).toMatchObject({ id, status: 'succeeded', amount_received: 1_900 });
  expect(retried.lastResponse.headers['idempotent-replayed']).toBe('true');
  expect((await ledgerOf(second.url))[id]).toMatchObject({ captures: 1, captured: 1_900 });
  expect((await second.stripe.events.list({ type: 'payment_intent.succeeded' })).data).toHaveLength(1);
});

test('tax that was booked when it was killed is booked after a restart: under its key that is the answer, under another it is refused', async () => {
  const first = await startProcess();
  const { id: calculation } = await first.stripe.tax.calculations.create({
    currency: 'usd',
    customer_details: { address: { country: 'DE' }, address_source: 'billing' },
    line_items: [{ amount: 1_900, reference: 'sale' }],
  });
  const book = (stripe: Stripe, idempotencyKey: string) =>
    stripe.tax.transactions.createFromCalculation(
      { calculation: calculation ?? '', reference: 'sale-1' },
      { idempotencyKey },
    );
  await control(first.url, 'fault', { answer: 'POST /v1/tax/transactions/*', fault: 'delay_after', ms: 60_000 });
  const unanswered = refusalOf(book(first.stripe, 'book-1'));
  const booked = async () => JSON.parse(await (await fetch(`${first.url}/_test/taxes`)).text()).transactions['sale-1'];
  await until(async () => (await booked()) !== undefined);
  await stop(first.child, 'SIGKILL');
  // Before the second: the SDK asks once more by itself when a connection is cut.
  expect((await unanswered).type).toBe('StripeConnectionError');

  const second = await startProcess();
  const retried = await book(second.stripe, 'book-1');
  const again = await refusalOf(book(second.stripe, 'book-2'));

  expect(retried).toMatchObject({ reference: 'sale-1', type: 'transaction' });
  expect(again.code).toBe('resource_already_exists');
});

test('killed under load, again and again: every answered payment is there, and none is captured twice', async () => {
  const answered = new Set<string>();
  const intents: string[] = [];
  for (let round = 0; round < 3; round++) {
    const { stripe, child } = await startProcess();
    const { customer, payment_method } = await withCard(stripe, 'pm_card_visa');
    const pay = async (number: number): Promise<void> => {
      const { id } = await stripe.paymentIntents.create(
        { ...PRICE, customer },
        { idempotencyKey: `pi-${round}-${number}` },
      );
      intents.push(id);
      const options = { idempotencyKey: `confirm-${round}-${number}` };
      await stripe.paymentIntents.confirm(id, { payment_method, off_session: true }, options);
      answered.add(id);
    };
    const load = Promise.allSettled(Array.from({ length: 40 }, (_, number) => pay(number)));
    await until(() => answered.size >= round * 40 + 5);
    await stop(child, 'SIGKILL');
    await load;
  }

  const { stripe, url } = await startProcess();
  const ledger = await ledgerOf(url);
  for (const id of answered) expect(ledger[id]).toMatchObject({ captures: 1, captured: 1_900 });
  for (const id of intents) {
    const { status } = await stripe.paymentIntents.retrieve(id);
    expect(status === 'succeeded').toBe(Object.hasOwn(ledger, id));
  }
});

test('webhooks that a kill interrupted are sent after the restart, and the clock stands where it was moved', async () => {
  const webhook = { FAKE_STRIPE_WEBHOOK_URL: endpoint.url, FAKE_STRIPE_WEBHOOK_SECRET: SECRET };
  const first = await startProcess(webhook);
  await control(first.url, 'clock', { advance_to: '2031-05-01T00:00:00Z' });
  await control(first.url, 'fault', { webhook: '*', fault: 'delay', ms: 60_000 });
  const { id } = await first.stripe.customers.create();
  await stop(first.child, 'SIGKILL');
  expect(endpoint.received).toEqual([]);

  const second = await startProcess(webhook);
  await until(() => endpoint.received.length > 0);
  const [received] = endpoint.received;
  expect(received?.event).toMatchObject({ type: 'customer.created', data: { object: { id } } });
  expect(received?.event.created).toBeGreaterThanOrEqual(Date.parse('2031-05-01T00:00:00Z') / 1000);
  expect((await second.stripe.customers.create()).created).toBeGreaterThanOrEqual(received?.event.created ?? 0);
});

test('a payment under way when it was killed is decided after the restart', async () => {
  const first = await startProcess();
  const { customer, payment_method } = await withCard(first.stripe, 'pm_fake_processing');
  const pay = { ...PRICE, customer, payment_method, confirm: true, off_session: true };
  const { id } = await first.stripe.paymentIntents.create(pay);
  await stop(first.child, 'SIGKILL');

  const second = await startProcess();
  await control(second.url, 'clock', { advance_to: Math.floor(Date.now() / 1000) + 3_600 });
  expect((await second.stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
});

test('a torn last line is dropped at the restart, and what was written before it stays', async () => {
  const first = await startProcess();
  const { id } = await first.stripe.customers.create({ name: 'Zoë' });
  await stop(first.child, 'SIGKILL');
  appendFileSync(join(dataDir, 'journal.jsonl'), '[["customer","cus_torn",{"id":"cus_t');

  const second = await startProcess();
  await second.stripe.customers.create();
  expect((await second.stripe.customers.retrieve(id)).lastResponse.statusCode).toBe(200);
  expect(readFileSync(join(dataDir, 'journal.jsonl'), 'utf8')).not.toContain('cus_torn');
});

test('stdout is one line that says where it listens, and TERM ends it', async () => {
  const { child, stdout } = await startProcess();
  expect(await stop(child, 'SIGTERM')).toBe(0);
  expect(stdout()).toMatch(/^fake stripe listening on http:\/\/127\.0\.0\.1:\d+\n$/);
});
