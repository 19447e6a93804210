// What operators see of requests: every one counts once, under what was sent; a line with its id stands for each that went wrong,
// and none for those that went well.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ChannelHealth } from '../../../../services/channels/channel-health.ts';
import { healthToldIn } from '../../../../services/channels/health-log.ts';
import { createLog } from '../../../../services/platform/log.ts';
import { LogSample } from '../../../../services/platform/log-sample.ts';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat, finishReason, PROMPT_TOKENS, usageChunk } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, newCustomer, receiptOf, type Sold, sell } from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;
let sold: Sold;
const lines: Record<string, unknown>[] = [];
const sink = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };

beforeAll(async () => {
  const log = createLog({ name: 'test', level: 'info' }, sink);
  gateway = await openGateway(() => ({ log, health: new ChannelHealth(Math.random, healthToldIn(log)) }));
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 10_000_000_000n);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

beforeEach(async () => {
  sold = await sell(gateway, { baseUrl: upstream.baseUrl });
  Object.assign(gateway.parts, { logSample: new LogSample() }); // a second later, as far as samples go
  lines.length = 0;
});

const plain = () => ({ ...chat.request(sold.modelId), stream: false });
const plainAnswer = (usage: object) => ({
  choices: [{ index: 0, message: { role: 'assistant', content: 'Toll' }, finish_reason: 'stop' }],
  usage,
});
const USAGE = { prompt_tokens: PROMPT_TOKENS, completion_tokens: 5, total_tokens: PROMPT_TOKENS + 5 };

async function answered(body: object, answer: (arrival: Arrival) => void): Promise<Caller> {
  const { answered: head } = call(gateway.url, { path: chat.path, key: customer.key, body });
  answer(await upstream.next());
  const caller = await head;
  await caller.over();
  return caller;
}

/** The series of a metric, by its labels. */
async function seriesOf(name: string): Promise<Map<string, number>> {
  const text = await gateway.parts.metrics.registry.metrics();
  const found = text.matchAll(new RegExp(`^${name}{(.*)} (\\S+)$`, 'gm'));
  return new Map([...found].map(([, labels = '', value]) => [labels, Number(value)]));
}

/** What was added to each series meanwhile. */
async function growthOf(name: string, work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await seriesOf(name);
  await work();
  const after = [...(await seriesOf(name))].map(
    ([labels, value]) => [labels, value - (before.get(labels) ?? 0)] as const,
  );
  return Object.fromEntries(after.filter(([, growth]) => growth !== 0));
}

test('a request that goes well leaves no line, and counts once under its status and its outcome', async () => {
  let caller: Caller | null = null;
  const requests = await growthOf('tollgate_requests_total', async () => {
    caller = await answered(plain(), (arrival) => arrival.answer(200, plainAnswer(USAGE)));
    await answered(chat.request(sold.modelId), (arrival) => {
      arrival.send(chat.opening, chat.content('Toll'), chat.finish(PROMPT_TOKENS, 5), chat.end);
      arrival.end();
    });
  });

  expect(requests).toEqual({ 'surface="openai-chat",status="200"': 2 });
  expect(await seriesOf('tollgate_outcomes_total')).toEqual(
    new Map([[`model="${sold.modelId}",outcome="complete"`, 2]]),
  );
  expect(caller).toMatchObject({ status: 200 });
  expect(lines).toEqual([]);
});

test('every other request counts once, too: refused, failed, cut, and left by its client', async () => {
  const requests = await growthOf('tollgate_requests_total', async () => {
    await (await call(gateway.url, { path: chat.path, key: 'sk-tg-nobody', body: plain() }).answered).over();
    await answered(plain(), (arrival) =>
      arrival.answer(400, { error: { message: 'no', type: 'invalid_request_error' } }),
    );
    await answered(plain(), (arrival) => arrival.answer(500, { error: { message: 'down', type: 'server_error' } }));
    const { answered: begun } = call(gateway.url, {
      path: chat.path,
      key: customer.key,
      body: chat.request(sold.modelId),
    });
    const broken = await upstream.next();
    broken.send(chat.opening, chat.content('Toll'));
    const caller = await begun;
    await caller.sees('Toll');
    broken.cut();
    await caller.over();
    const { leave } = call(gateway.url, { path: chat.path, key: customer.key, body: plain() });
    const left = await upstream.next();
    leave();
    await left.closed;
    await until(async () => (await seriesOf('tollgate_requests_total')).has('surface="openai-chat",status="499"'));
  });

  expect(requests).toEqual({
    'surface="openai-chat",status="200"': 1, // the head of the stream that was cut
    'surface="openai-chat",status="400"': 1,
    'surface="openai-chat",status="401"': 1,
    'surface="openai-chat",status="499"': 1,
    'surface="openai-chat",status="503"': 1,
  });
});

test('a failed attempt and a refusal are found by the id that the customer has, without a word of the upstream', async () => {
  const key = `demo-key-of-${sold.modelId}`;
  const caller = await answered(plain(), (arrival) =>
    arrival.answer(401, { error: { message: `Incorrect API key: ${key}`, type: 'invalid_request_error' } }),
  );

  const [channelId] = sold.channelIds;
  expect(lines).toMatchObject([
    { msg: 'channel_key_died', level: 50, channelId, reason: 'dead_key', status: 401 },
    {
      msg: 'attempt_failed_over',
      level: 30,
      requestId: caller.requestId,
      n: 1,
      channelId,
      class: 'dead_key',
      status: 401,
    },
    { msg: 'request_refused', level: 30, requestId: caller.requestId, surface: 'openai-chat' },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/demo-key|Incorrect/);
});

const IMPOSSIBLE: readonly (readonly [string, () => Promise<Caller>])[] = [
  [
    'a plain answer',
    () => answered(plain(), (arrival) => arrival.answer(200, plainAnswer({ ...USAGE, completion_tokens: -5 }))),
  ],
  [
    'a stream',
    () =>
      answered(chat.request(sold.modelId), (arrival) => {
        arrival.send(chat.opening, chat.content('Toll'), finishReason, usageChunk(PROMPT_TOKENS, '5'), chat.end);
        arrival.end();
      }),
  ],
];

test.each(IMPOSSIBLE)(
  'usage that cannot be true is an alarm with the request and the channel: %s (T7)',
  async (_, ask) => {
    const caller = await ask();

    const channel = `${sold.modelId}-0`;
    expect(lines).toMatchObject([
      { msg: 'usage_implausible', level: 50, requestId: caller.requestId, channelId: sold.channelIds[0], channel },
    ]);
    expect((await seriesOf('tollgate_usage_anomalies_total')).get(`channel="${channel}",kind="implausible"`)).toBe(1);
    expect(await receiptOf(gateway, caller.requestId)).toMatchObject({ outcome: 'quarantined', charge: 0n });
  },
);

test('an explicit zero beside content is charged as it was stated, and told (T24)', async () => {
  const zero = { prompt_tokens: PROMPT_TOKENS, completion_tokens: 0, total_tokens: PROMPT_TOKENS };
  const caller = await answered(plain(), (arrival) => arrival.answer(200, plainAnswer(zero)));

  expect(lines).toMatchObject([
    { msg: 'usage_anomalous', level: 40, requestId: caller.requestId, kind: 'zero_beside_content', leftOut: 0 },
  ]);
  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    source: 'provider',
    charge: charge(PROMPT_TOKENS, 0),
  });
});

test('parts of usage that do not add up are charged by their rule, and told (T27)', async () => {
  const odd = { ...USAGE, prompt_tokens_details: { cached_tokens: PROMPT_TOKENS + 1 } };
  const caller = await answered(plain(), (arrival) => arrival.answer(200, plainAnswer(odd)));

  expect(lines).toMatchObject([{ msg: 'usage_anomalous', requestId: caller.requestId, kind: 'parts_disagree' }]);
});

test('the commit lag holds every settlement by how it was acknowledged, and one in doubt is told by its request', async () => {
  const ask = () => answered(plain(), (arrival) => arrival.answer(200, plainAnswer(USAGE)));
  await ask(); // so that its key has a lease
  const lock = await gateway.admin.connect();
  const spilled: Caller[] = [];

  const counts = await growthOf('tollgate_commit_lag_seconds_count', async () => {
    await ask();
    await lock.query('begin');
    await lock.query('lock table usage_records in share mode');
    spilled.push(await ask());
    await lock.query('rollback');
  });
  lock.release();

  expect(counts).toEqual({ 'outcome="committed"': 1, 'outcome="spilled"': 1 });
  expect(gateway.bare.trouble).toContain(`settlement_in_doubt ${spilled[0]?.requestId}`);
  const beforeItWasInDoubt = 'le="0.1",outcome="spilled"';
  expect((await seriesOf('tollgate_commit_lag_seconds_bucket')).get(beforeItWasInDoubt)).toBe(0);
  await closedBooks(gateway, customer);
});
