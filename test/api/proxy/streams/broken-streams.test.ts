// Whatever an upstream does to a stream, its reader is never led to take it for a whole answer, pays for what was delivered at
// most, and what the provider bills beyond that is ours (gateways.md T7, T23, T24, T53, T54, T57).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Caller, call } from './caller.ts';
import { chat, finishReason, messages, PROMPT_TOKENS, type Speech, usageChunk } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import {
  type Customer,
  charge,
  closedBooks,
  estimatedCharge,
  INPUT_NANO,
  newCustomer,
  OUTPUT_NANO,
  receiptOf,
  sell,
} from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 10_000_000_000n);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** On a channel of its own: one that fails is soon left alone. */
async function ask(speech: Speech, more: object = {}): Promise<{ answered: Promise<Caller>; arrival: Arrival }> {
  const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl });
  const { answered } = call(gateway.url, { path: speech.path, key: customer.key, body: speech.request(modelId, more) });
  return { answered, arrival: await upstream.next() };
}

const breaks: [string, (arrival: Arrival, speech: Speech) => void][] = [
  ['is reset', (arrival) => arrival.cut()],
  ['ends without having finished', (arrival) => arrival.end()],
  [
    'ends inside an event',
    (arrival) => {
      arrival.send('data: {"choices":[{"index":0,"delta":{"content":"lost');
      arrival.end();
    },
  ],
  ['goes on in another protocol', (arrival) => void arrival.socket.write('\u0000garbage\r\n\r\n')],
  [
    'reports an error',
    (arrival, speech) => {
      const error = '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}';
      arrival.send(speech === messages ? `event: error\ndata: ${error}\n\n` : `data: ${error}\n\n`);
    },
  ],
  [
    'says nothing for a minute',
    () => {
      gateway.attempts.pass(10_001);
      gateway.attempts.pass(60_001);
    },
  ],
];

const broken = breaks.flatMap(([what, how]) => [
  { what, how, speech: chat },
  { what, how, speech: messages },
]);

test.each(broken)(
  'a stream ($speech.family) that $what ends in an error event; what was delivered is paid',
  async ({ how, speech }) => {
    const { answered, arrival } = await ask(speech);
    arrival.send(speech.opening, speech.content('Toll'));
    const caller = await answered;
    await caller.sees('Toll');
    how(arrival, speech);

    expect(await caller.over()).toBe('broken');
    await arrival.closed;
    expect(speech.contentOf(caller.text)).toBe('Toll');
    const error = speech.errorOf(caller.text);
    expect(error).toMatchObject(speech === chat ? { code: 'stream_interrupted' } : { type: 'api_error' });
    expect(error?.message).toContain(caller.requestId);
    expect(caller.text).not.toContain(speech.end);
    expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
      outcome: 'cut',
      source: 'estimate',
      deliveredBytes: 4,
      charge: estimatedCharge(PROMPT_TOKENS, 4),
      attempts: [{ outcome: 'cut', cost: estimatedCharge(PROMPT_TOKENS, 4) / 2n }],
    });
    await closedBooks(gateway, customer);
  },
);

test('a stream that stalls is kept alive until it is given up', async () => {
  const { answered, arrival } = await ask(chat);
  arrival.send(chat.opening, chat.content('Toll'));
  const caller = await answered;
  await caller.sees('Toll');
  gateway.attempts.pass(10_001);
  await caller.sees(': keep-alive\n\n');
  expect(caller.ending).toBeNull();
  arrival.send(chat.content('house'), chat.finish(PROMPT_TOKENS, 3), chat.end);
  arrival.end();

  expect(await caller.over()).toBe('clean');
  expect(chat.contentOf(caller.text)).toBe('Tollhouse');
  await closedBooks(gateway, customer);
});

test('what comes together with an error is passed on before it, and charged', async () => {
  const { answered, arrival } = await ask(chat);
  arrival.send(chat.opening, chat.content('Toll'));
  const caller = await answered;
  await caller.sees('Toll');
  arrival.send(`${chat.content('house')}data: {"error":{"message":"overloaded","type":"server_error"}}\n\n`);

  expect(await caller.over()).toBe('broken');
  expect(chat.contentOf(caller.text)).toBe('Tollhouse');
  expect(chat.errorOf(caller.text)?.code).toBe('stream_interrupted');
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(estimatedCharge(PROMPT_TOKENS, 9));
  await closedBooks(gateway, customer);
});

test('a stream that says its Content-Length and does not keep it is cut', async () => {
  const { answered, arrival } = await ask(chat);
  arrival.open({ 'content-length': '100000' });
  arrival.send(chat.opening, chat.content('Toll'));
  const caller = await answered;
  await caller.sees('Toll');
  arrival.socket.end();

  expect(await caller.over()).toBe('broken');
  expect(chat.errorOf(caller.text)?.code).toBe('stream_interrupted');
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(estimatedCharge(PROMPT_TOKENS, 4));
  await closedBooks(gateway, customer);
});

test.each([
  ['longer than it is', 1_000],
  ['shorter than it is', -20],
])('a plain answer whose Content-Length is %s is not passed on, and costs nothing', async (_, lieBytes) => {
  const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl });
  const body = { ...chat.request(modelId), stream: false };
  const { answered } = call(gateway.url, { path: chat.path, key: customer.key, body });
  const arrival = await upstream.next();
  const answer = JSON.stringify({
    choices: [{ index: 0, message: { content: 'Toll' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 1 },
  });
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length + lieBytes}\r\n\r\n`;
  arrival.socket.end(head + answer);
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  expect([caller.status, JSON.parse(caller.text).error.code]).toEqual([502, 'upstream_unavailable']);
  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    outcome: 'failed',
    charge: 0n,
    attempts: [{ failureClass: 'protocol', cost: null }],
  });
  await closedBooks(gateway, customer);
});

test('usage is asked for always, and shown only to who asked', async () => {
  for (const asked of [false, true]) {
    const { answered, arrival } = await ask(chat, asked ? { stream_options: { include_usage: true } } : {});
    expect(arrival.body.stream_options).toEqual({ include_usage: true });
    arrival.send(chat.opening, chat.content('Toll'), chat.finish(PROMPT_TOKENS, 8), chat.end);
    arrival.end();
    const caller = await answered;
    expect(await caller.over()).toBe('clean');
    expect(caller.text.includes(usageChunk(PROMPT_TOKENS, 8))).toBe(asked);
    expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
      source: 'provider',
      charge: charge(PROMPT_TOKENS, 8),
    });
  }
  await closedBooks(gateway, customer);
});

test('a whole stream without usage is charged by what was delivered, and says so', async () => {
  const { answered, arrival } = await ask(chat);
  arrival.send(chat.opening, chat.content('Toll'), chat.content('house'), finishReason, chat.end);
  arrival.end();
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  const receipt = await receiptOf(gateway, caller.requestId);
  expect(receipt).toMatchObject({
    outcome: 'complete',
    source: 'estimate',
    meters: { input: PROMPT_TOKENS, output: 3 },
  });
  expect(receipt.charge).toBe(10n * INPUT_NANO + 3n * OUTPUT_NANO);
  await closedBooks(gateway, customer);
});

test('a usage of zero beside content is a value, and free', async () => {
  const { answered, arrival } = await ask(chat);
  arrival.send(chat.opening, chat.content('Toll'), chat.finish(0, 0), chat.end);
  arrival.end();
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    source: 'provider',
    charge: 0n,
    deliveredBytes: 4,
  });
  await closedBooks(gateway, customer);
});

test.each([
  ['10^15 tokens', 1e15],
  ['a negative number', -5],
  ['a fraction', 1.5],
  ['a string', '12'],
])('a usage of %s is charged to nobody before a person has looked', async (_, outputTokens) => {
  const { answered, arrival } = await ask(chat);
  arrival.send(chat.opening, chat.content('Toll'), finishReason, usageChunk(PROMPT_TOKENS, outputTokens), chat.end);
  arrival.end();
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  expect(chat.contentOf(caller.text)).toBe('Toll');
  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    outcome: 'quarantined',
    source: 'none',
    charge: 0n,
    attempts: [{ outcome: 'won', cost: null }],
  });
  await closedBooks(gateway, customer);
});

test('an error before any content is another channel’s chance: the answer comes once, and is charged once', async () => {
  const { baseUrl } = upstream;
  const { modelId } = await sell(gateway, { baseUrl, priority: 1 }, { baseUrl, priority: 2 });
  const { answered } = call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(modelId) });
  const first = await upstream.next();
  first.send(chat.opening, 'data: {"error":{"message":"busy","type":"server_error"}}\n\n');
  const second = await upstream.next();
  second.send(chat.opening, chat.content('Toll'), chat.finish(PROMPT_TOKENS, 1), chat.end);
  second.end();
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  expect(caller.text).toBe(chat.opening + chat.content('Toll') + finishReason + chat.end);
  expect(caller.headers['x-tollgate-channel-attempts']).toBe('2');
  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    charge: charge(PROMPT_TOKENS, 1),
    attempts: [
      { n: 1, outcome: 'failed_over', cost: null },
      { n: 2, outcome: 'won' },
    ],
  });
  await closedBooks(gateway, customer);
});
