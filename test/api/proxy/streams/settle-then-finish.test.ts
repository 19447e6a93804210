// The end of an answer and its charge: the charge first. Whoever has seen the end has been charged durably, and who could not be
// charged does not see it and owes nothing (design.md 3.4).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recoverDeadGateways } from '../../../../services/incarnations/recovery.ts';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat, messages, PROMPT_TOKENS, type Speech } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, newCustomer, receiptOf, sell } from './shop.ts';

const A_DOLLAR = 1_000_000_000n;

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

interface Asked {
  readonly answered: Promise<Caller>;
  readonly arrival: Arrival;
}

async function ask(at: Gateway, { key }: Customer, body: object, path: string): Promise<Asked> {
  const { answered } = call(at.url, { path, key, body });
  return { answered, arrival: await upstream.next() };
}

const stream = (at: Gateway, who: Customer, speech: Speech, model: string) =>
  ask(at, who, speech.request(model), speech.path);

const plainRequest = (model: string) => ({ ...chat.request(model), stream: false });
const PLAIN_ANSWER = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'Toll' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 5 },
};

async function isInPostgres(requestId: string): Promise<boolean> {
  return (await gateway.admin.query('select from usage_records where request_id = $1', [requestId])).rowCount === 1;
}

function isInJournal(requestId: string): boolean {
  const { folder } = gateway.bare.journal;
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  return lines.some((line) => line.includes('"spilled"') && line.includes(requestId));
}

test.each(speeches)('the charge of %s is in PostgreSQL when its end is seen', async (_, speech) => {
  const customer = await newCustomer(gateway, A_DOLLAR);
  for (let n = 1; n <= 10; n += 1) {
    const { answered, arrival } = await stream(gateway, customer, speech, modelId);
    arrival.send(speech.opening, speech.content('Toll'), speech.finish(PROMPT_TOKENS, n), speech.end);
    arrival.end();
    const caller = await answered;
    await caller.sees(speech.end);
    expect(await isInPostgres(caller.requestId)).toBe(true);
    expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, n));
  }
  await closedBooks(gateway, customer);
});

/** Settlement stands still: PostgreSQL cannot commit, and the journal was asked and waits for `release`. */
interface Withheld {
  readonly reached: Promise<void>;
  release(): void;
  /** The journal cannot be written to. */
  fail(): void;
}

async function withholdingSettlement(work: (withheld: Withheld) => Promise<void>): Promise<void> {
  const { journal } = gateway.bare;
  const spill = journal.spill.bind(journal);
  const asked = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  journal.spill = async (records) => {
    asked.resolve();
    await open.promise;
    return spill(records);
  };
  const lock = await gateway.admin.connect();
  try {
    await lock.query('begin');
    await lock.query('lock table usage_records in share mode');
    await work({ reached: asked.promise, release: open.resolve, fail: () => open.reject(new Error('disk full')) });
  } finally {
    await lock.query('rollback');
    lock.release();
    journal.spill = spill;
  }
}

test.each(speeches)(
  'the end of %s is held while its charge is not durable, and comes when it is',
  async (_, speech) => {
    const customer = await newCustomer(gateway, A_DOLLAR);
    const { answered, arrival } = await stream(gateway, customer, speech, modelId);
    arrival.send(speech.opening, speech.content('Toll'));
    const caller = await answered;
    await caller.sees('Toll');
    await withholdingSettlement(async ({ reached, release }) => {
      arrival.send(speech.content('house'), speech.finish(PROMPT_TOKENS, 5), speech.end);
      arrival.end();
      await caller.sees('house');
      await reached;
      expect(caller.ending).toBeNull();
      expect(caller.text).not.toMatch(/"(finish_reason":"stop|stop_reason":"end_turn)"/);
      release();
      expect(await caller.over()).toBe('clean');
      expect([isInJournal(caller.requestId), await isInPostgres(caller.requestId)]).toEqual([true, false]);
    });

    expect(caller.text.endsWith(speech.end)).toBe(true);
    expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 5));
    await closedBooks(gateway, customer);
  },
);

test('a plain answer is held while its charge is not durable', async () => {
  const customer = await newCustomer(gateway, A_DOLLAR);
  const { answered, arrival } = await ask(gateway, customer, plainRequest(modelId), chat.path);
  let isAnswered = false;
  void answered.then(() => {
    isAnswered = true;
  });
  await withholdingSettlement(async ({ reached, release }) => {
    arrival.answer(200, PLAIN_ANSWER);
    await reached;
    expect(isAnswered).toBe(false);
    release();
    const caller = await answered;
    expect(await caller.over()).toBe('clean');
    expect([caller.status, JSON.parse(caller.text)]).toEqual([200, PLAIN_ANSWER]);
    expect([isInJournal(caller.requestId), await isInPostgres(caller.requestId)]).toEqual([true, false]);
  });

  expect((await receiptOf(gateway, arrival.requestId)).charge).toBe(charge(PROMPT_TOKENS, 5));
  await closedBooks(gateway, customer);
});

test('a plain answer of which nobody can say whether it is charged is an error that says so and is not repeated by itself', async () => {
  const customer = await newCustomer(gateway, A_DOLLAR);
  const { answered, arrival } = await ask(gateway, customer, plainRequest(modelId), chat.path);
  await withholdingSettlement(async ({ reached, fail }) => {
    arrival.answer(200, PLAIN_ANSWER);
    await reached;
    fail();
    const caller = await answered;
    expect(await caller.over()).toBe('clean');
    const { error } = JSON.parse(caller.text);
    expect([caller.status, error.code, caller.headers['x-should-retry']]).toEqual([500, 'settlement_unknown', 'false']);
    expect(error.message).not.toMatch(/nothing (is|was) charged/i);
    expect(error.message).toContain(arrival.requestId);
  });

  await until(() => isInPostgres(arrival.requestId));
  expect((await receiptOf(gateway, arrival.requestId)).charge).toBe(charge(PROMPT_TOKENS, 5));
});

/** In a gateway of its own, which is over afterwards. */
async function fencedGateway(
  work: (fenced: Gateway, customer: Customer, model: string) => Promise<void>,
): Promise<void> {
  const fenced = await openGateway();
  try {
    const customer = await newCustomer(fenced, A_DOLLAR);
    const sold = await sell(fenced, { baseUrl: upstream.baseUrl });
    await work(fenced, customer, sold.modelId);
    await recoverDeadGateways(fenced.admin, fenced.parts.log, fenced.bare.journalDir);
    expect(await closedBooks(fenced, customer)).toEqual({ balance: A_DOLLAR, charged: 0n });
    const { rows } = await fenced.admin.query('select outcome, cost_nano from attempts');
    expect(rows).toEqual([{ outcome: 'orphaned', cost_nano: null }]);
  } finally {
    await fenced.close();
  }
}

const fence = ({ admin }: Gateway) => admin.query('update gateway_incarnations set fenced_at = clock_timestamp()');

test.each(speeches)('%s whose gateway was fenced meanwhile ends in an error and costs nothing', async (_, speech) => {
  await fencedGateway(async (fenced, customer, model) => {
    const { answered, arrival } = await stream(fenced, customer, speech, model);
    arrival.send(speech.opening, speech.content('Toll'));
    const caller = await answered;
    await caller.sees('Toll');
    await fence(fenced);
    arrival.send(speech.content('house'), speech.finish(PROMPT_TOKENS, 5), speech.end);
    arrival.end();

    expect(await caller.over()).toBe('broken');
    expect(speech.contentOf(caller.text)).toBe('Tollhouse');
    const error = speech.errorOf(caller.text);
    expect(error).toMatchObject(speech === chat ? { code: 'settlement_failed' } : { type: 'api_error' });
    expect(error?.message).toContain(caller.requestId);
    expect(caller.text).not.toContain(speech.end);
  });
});

test('a plain answer whose gateway was fenced meanwhile is a 503 that may be tried again, and costs nothing', async () => {
  await fencedGateway(async (fenced, customer, model) => {
    const { answered, arrival } = await ask(fenced, customer, plainRequest(model), chat.path);
    await fence(fenced);
    arrival.answer(200, PLAIN_ANSWER);
    const caller = await answered;

    expect(await caller.over()).toBe('clean');
    expect([caller.status, JSON.parse(caller.text).error.code]).toEqual([503, 'settlement_failed']);
    expect(caller.headers['x-should-retry']).toBeUndefined();
    expect(Number(caller.headers['retry-after'])).toBeGreaterThan(0);
    expect(caller.text).not.toContain('Toll"');
  });
});
