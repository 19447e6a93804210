// A stream spends what is reserved for it and not a token more: it asks for more in time, waits where the answer is late, and
// ends with the family's own error when there is no more (gateways.md T5, design.md 3.2).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openBareGateway } from '../../../support/bare-gateway.ts';
import { until } from '../../../support/until.ts';
import { type Call, type Caller, call } from './caller.ts';
import { chat, messages, PROMPT_TOKENS, type Speech } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import {
  BYTES_PER_TOKEN,
  charge,
  closedBooks,
  estimatedCharge,
  holderOf,
  INPUT_NANO,
  newCustomer,
  OUTPUT_NANO,
  receiptOf,
  STEP_TOKENS,
  sell,
} from './shop.ts';

const STEP_NANO = BigInt(STEP_TOKENS) * OUTPUT_NANO;
const INPUT_OF_PROMPT_NANO = BigInt(PROMPT_TOKENS) * INPUT_NANO;

let gateway: Gateway;
let upstream: ScriptedUpstream;
let modelId: string;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  ({ modelId } = await sell(gateway, { baseUrl: upstream.baseUrl }));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const speeches: [string, Speech][] = [
  ['an OpenAI stream', chat],
  ['an Anthropic stream', messages],
];

interface Running {
  readonly caller: Caller;
  readonly arrival: Arrival;
}

/** A stream whose first content has reached its caller. */
async function running(speech: Speech, key: string): Promise<Running> {
  const asked: Call = { path: speech.path, key, body: speech.request(modelId) };
  const { answered } = call(gateway.url, asked);
  const arrival = await upstream.next();
  arrival.send(speech.opening, speech.content('Toll'));
  return { caller: await answered, arrival };
}

const words = (tokens: number) => 'gate'.repeat(tokens);
const tokensOf = (speech: Speech, text: string) => speech.contentOf(text).length / BYTES_PER_TOKEN;

test.each(speeches)('%s that outgrows its reserve gets credit in steps and all of its answer', async (_, speech) => {
  const customer = await newCustomer(gateway, 10n * STEP_NANO);
  const { caller, arrival } = await running(speech, customer.key);
  const reserved = [gateway.parts.leases.snapshot().reservedNano];
  for (let tokens = 1; tokens < 2_500; tokens += 250) {
    arrival.send(speech.content(words(250)));
    await until(() => tokensOf(speech, caller.text) >= tokens + 250);
    reserved.push(gateway.parts.leases.snapshot().reservedNano);
  }
  arrival.send(speech.finish(PROMPT_TOKENS, 2_501), speech.end);
  arrival.end();

  expect(await caller.over()).toBe('clean');
  expect(speech.contentOf(caller.text)).toBe(`Toll${words(2_500)}`);
  expect(speech.errorOf(caller.text)).toBeNull();
  const steps = new Set(reserved);
  expect(steps.size).toBeGreaterThan(3);
  for (const amount of steps) expect((amount - INPUT_OF_PROMPT_NANO) % STEP_NANO).toBe(0n);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 2_501));
  await closedBooks(gateway, customer);
});

test.each(speeches)(
  '%s without money ends in the error of its family, and costs no more than there was',
  async (_, speech) => {
    const granted = 2n * STEP_NANO + STEP_NANO / 2n;
    const customer = await newCustomer(gateway, granted);
    const { caller, arrival } = await running(speech, customer.key);
    let isClosed = false;
    void arrival.closed.then(() => {
      isClosed = true;
    });
    for (let sent = 0; sent < 5_000 && !isClosed; sent += 25) {
      arrival.send(speech.content(words(25)));
      await until(() => isClosed || gateway.attempts.count === 0 || tokensOf(speech, caller.text) >= sent + 25);
    }

    await arrival.closed;
    expect(await caller.over()).toBe('broken');
    const error = speech.errorOf(caller.text);
    expect(error?.type).toBe(speech.family === 'openai' ? 'insufficient_quota' : 'billing_error');
    expect(error?.message).toContain(caller.requestId);
    expect(caller.text).not.toContain(speech.end);
    const receipt = await receiptOf(gateway, caller.requestId);
    const delivered = speech.contentOf(caller.text).length;
    expect(receipt).toMatchObject({ outcome: 'credit_exhausted', source: 'estimate', deliveredBytes: delivered });
    expect(receipt.charge).toBe(estimatedCharge(PROMPT_TOKENS, delivered));
    expect(receipt.charge).toBe(receipt.rated);
    const { balance } = await closedBooks(gateway, customer);
    expect(balance).toBeGreaterThanOrEqual(0n);
    expect(balance).toBeLessThan(STEP_NANO); // the last of the money was used, but for a rest that is not worth a step
  },
);

test('what one burst brings beyond the reserve is not handed on before it is paid for, and never where it cannot be', async () => {
  const customer = await newCustomer(gateway, 2n * STEP_NANO);
  const { caller, arrival } = await running(chat, customer.key);
  arrival.send(chat.content(words(40_000)) + chat.finish(PROMPT_TOKENS, 40_001) + chat.end);
  arrival.end();

  expect(await caller.over()).toBe('broken');
  expect(chat.contentOf(caller.text)).toBe('Toll');
  expect(chat.errorOf(caller.text)?.code).toBe('insufficient_quota');
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(estimatedCharge(PROMPT_TOKENS, 4));
  const { balance } = await closedBooks(gateway, customer);
  expect(balance).toBe(2n * STEP_NANO - estimatedCharge(PROMPT_TOKENS, 4));
});

test('a burst that the balance pays for is asked for in one step and arrives whole', async () => {
  const customer = await newCustomer(gateway, 50n * STEP_NANO);
  const { caller, arrival } = await running(chat, customer.key);
  arrival.send(chat.content(words(40_000)) + chat.finish(PROMPT_TOKENS, 40_001) + chat.end);
  arrival.end();

  expect(await caller.over()).toBe('clean');
  expect(chat.contentOf(caller.text)).toBe(`Toll${words(40_000)}`);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 40_001));
  await closedBooks(gateway, customer);
});

test('a stream that cannot be begun for lack of credit is refused as a request, and costs nothing', async () => {
  const customer = await newCustomer(gateway, STEP_NANO);
  const { answered } = call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(modelId) });
  const arrival = await upstream.next();
  arrival.send(chat.opening + chat.content(words(40_000)));
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  expect([caller.status, JSON.parse(caller.text).error.code]).toEqual([402, 'insufficient_quota']);
  await arrival.closed;
  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({ outcome: 'credit_exhausted', charge: 0n });
  expect((await closedBooks(gateway, customer)).balance).toBe(STEP_NANO);
});

/** Megabytes, so that the kernel cannot swallow them: the upstream is backed up when the gateway has paused it. */
const MANY_TOKENS = 2_000_000;

test('a stream whose credit another gateway holds pauses, and goes on when that is given back', async () => {
  const customer = await newCustomer(gateway, 40_000_000_000n);
  const { caller, arrival } = await running(chat, customer.key);
  const other = await openBareGateway(gateway.database);
  const held = await other.hold(await holderOf(gateway, customer), '39.9');
  for (let sent = 0; sent < MANY_TOKENS; sent += 20_000) arrival.send(chat.content(words(20_000)));
  await until(() => arrival.isBackedUp());
  expect(tokensOf(chat, caller.text)).toBeLessThanOrEqual(10 * STEP_TOKENS); // what the rest of the balance paid for
  other.leases.release(held);
  await other.close();
  arrival.send(chat.finish(PROMPT_TOKENS, MANY_TOKENS + 1), chat.end);
  arrival.end();

  expect(await caller.over()).toBe('clean');
  expect(tokensOf(chat, caller.text)).toBe(MANY_TOKENS + 1);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, MANY_TOKENS + 1));
  await closedBooks(gateway, customer);
});

test.each(speeches)(
  '%s that waits for credit is kept alive, and after half a minute told that the ledger is silent',
  async (_, speech) => {
    const customer = await newCustomer(gateway, 100n * STEP_NANO);
    const { caller, arrival } = await running(speech, customer.key);
    await caller.sees('Toll');
    const lock = await gateway.admin.connect();
    try {
      await lock.query('begin');
      await lock.query('select from organizations where id = $1 for update', [customer.orgId]);
      arrival.send(speech.content(words(20 * STEP_TOKENS))); // more than its key has leased
      await until(async () => (await gateway.admin.query(WAITS_FOR_CREDIT)).rowCount === 1);
      gateway.attempts.pass(10_001);
      await caller.sees(speech.family === 'openai' ? ': keep-alive' : 'event: ping');
      gateway.attempts.pass(30_001);
      expect(await caller.over()).toBe('broken');
    } finally {
      await lock.query('rollback');
      lock.release();
    }

    const error = speech.errorOf(caller.text);
    expect(speech.family === 'openai' ? error?.code : error?.type).toBe(
      speech.family === 'openai' ? 'service_unavailable' : 'api_error',
    );
    expect(speech.contentOf(caller.text)).toBe('Toll');
    expect((await receiptOf(gateway, caller.requestId)).charge).toBe(estimatedCharge(PROMPT_TOKENS, 4));
    await closedBooks(gateway, customer);
  },
);

const WAITS_FOR_CREDIT = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%take_credit%'`;

test('what a key learns is the reserve that its streams use up, also where their provider counts fewer tokens than we', async () => {
  const customer = await newCustomer(gateway, 50n * STEP_NANO);
  const first = await running(chat, customer.key);
  first.arrival.send(chat.content(words(2_500)) + chat.finish(PROMPT_TOKENS, 10) + chat.end);
  first.arrival.end();
  await first.caller.over();

  const second = await running(chat, customer.key);
  const { reservedNano } = gateway.parts.leases.snapshot();
  second.arrival.send(chat.finish(PROMPT_TOKENS, 1) + chat.end);
  second.arrival.end();
  await second.caller.over();

  expect(reservedNano - INPUT_OF_PROMPT_NANO).toBeGreaterThan(2_500n * OUTPUT_NANO);
  const tokensLeft = ({ headers }: Caller) => Number(headers['x-ratelimit-remaining-tokens']);
  expect(tokensLeft(first.caller) - tokensLeft(second.caller)).toBeLessThan(250); // of the rate, what the provider counts
  expect((await receiptOf(gateway, first.caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 10));
  await closedBooks(gateway, customer);
});
