// Bytes flow as the slower side can take them, and arrive as they were sent: a reader that stands still holds up nobody else and
// fills no memory, an upstream that drips is waited for, and nothing of a stream is changed but what may be (gateways.md T22, T50,
// T56).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat, finishReason, PROMPT_TOKENS, usageChunk } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, estimatedCharge, newCustomer, receiptOf, sell } from './shop.ts';

const MEBIBYTE = 1024 * 1024;

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;
let modelId: string;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 10_000_000_000n);
  ({ modelId } = await sell(gateway, { baseUrl: upstream.baseUrl }));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function ask(more: object = {}): Promise<{ answered: Promise<Caller>; arrival: Arrival }> {
  const { answered } = call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(modelId, more) });
  return { answered, arrival: await upstream.next() };
}

async function midStream(): Promise<{ caller: Caller; arrival: Arrival }> {
  const { answered, arrival } = await ask();
  arrival.send(chat.opening, chat.content('Toll'));
  const caller = await answered;
  await caller.sees('Toll');
  return { caller, arrival };
}

const padding = `: ${'x'.repeat(65_532)}\n\n`;
const backlogBytes = () => [...gateway.connections].reduce((total, { writableLength }) => total + writableLength, 0);

test('a reader that stands still stops its upstream, costs little memory, and loses no byte', async () => {
  const { caller, arrival } = await midStream();
  caller.stopReading();
  for (let sentBytes = 0; sentBytes < 32 * MEBIBYTE; sentBytes += padding.length) arrival.send(padding);
  arrival.send(chat.finish(PROMPT_TOKENS, 1), chat.end);
  arrival.end();
  await until(() => backlogBytes() > 0);
  gateway.attempts.pass(60_001); // nothing is heard of an upstream that nobody listens to: that is no silence of its own
  const other = await midStream();
  other.arrival.send(chat.content('house'), chat.finish(PROMPT_TOKENS, 3), chat.end);
  other.arrival.end();
  expect(await other.caller.over()).toBe('clean');

  expect(arrival.isBackedUp()).toBe(true);
  expect(backlogBytes()).toBeLessThan(MEBIBYTE);
  caller.readOn();
  expect(await caller.over()).toBe('clean');
  expect(caller.text.length).toBeGreaterThan(32 * MEBIBYTE);
  expect(caller.text.endsWith(`${padding}${finishReason}${chat.end}`)).toBe(true);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 1));
  await closedBooks(gateway, customer);
});

test('a reader that takes not one byte for half a minute has left', async () => {
  const { caller, arrival } = await midStream();
  caller.stopReading();
  for (let sentBytes = 0; sentBytes < 32 * MEBIBYTE; sentBytes += padding.length) arrival.send(padding);
  await until(() => backlogBytes() > 0);
  const stuck = [...gateway.connections].find(({ writableLength }) => writableLength > 0);
  expect(stuck?.timeout).toBe(30_000);
  stuck?.emit('timeout'); // Node's own clock, which also sees whether the reader took anything
  await arrival.closed;

  const receipt = await receiptOf(gateway, caller.requestId);
  expect(receipt).toMatchObject({ outcome: 'client_gone', charge: estimatedCharge(PROMPT_TOKENS, 4) });
  await closedBooks(gateway, customer);
});

test('an upstream that drips a word a minute is waited for, and its reader kept alive', async () => {
  const { caller, arrival } = await midStream();
  for (const word of ['One', 'Two', 'Three']) {
    gateway.attempts.pass(59_000);
    arrival.send(chat.content(word));
    await caller.sees(word);
  }
  arrival.send(chat.finish(PROMPT_TOKENS, 4), chat.end);
  arrival.end();

  expect(await caller.over()).toBe('clean');
  expect(chat.contentOf(caller.text)).toBe('TollOneTwoThree');
  expect(caller.text.split(': keep-alive\n\n')).toHaveLength(4);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 4));
  await closedBooks(gateway, customer);
});

test('an answer that takes more than a quarter of an hour ends honestly', async () => {
  const { caller, arrival } = await midStream();
  gateway.attempts.pass(900_001);

  expect(await caller.over()).toBe('broken');
  await arrival.closed;
  expect(chat.errorOf(caller.text)?.code).toBe('stream_interrupted');
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(estimatedCharge(PROMPT_TOKENS, 4));
  await closedBooks(gateway, customer);
});

/** Bytes as `send` takes them: one character each. */
const bytesOf = (text: string) => Buffer.from(text).toString('latin1');

const ODD_STREAM = bytesOf(
  [
    ': a comment before all\n\n',
    chat.opening,
    'event: unheard.of\nid: 7\nretry: 10\ndata: {"future":true}\n\n',
    chat.content('Zoll – 関所 – péage 🚧'),
    'data: {"choices":[{"index":0,\ndata: "delta":{"content":"two lines"}}]}\n\n',
    chat.content('\\u0041 "usage":{"prompt_tokens":9} [DONE]'),
    `data: {"choices":[{"index":0,"delta":{"content":"x"},"unknown":{"kept":[1,2]}}],"x_vendor":"\\/"}\n\n`,
    ':\n\n',
  ].join(''),
);

test('a stream arrives byte for byte as it was sent, wherever it is split', async () => {
  const { answered, arrival } = await ask({ stream_options: { include_usage: true } });
  const sent = ODD_STREAM + chat.finish(PROMPT_TOKENS, 9) + chat.end;
  for (const byte of sent) {
    arrival.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  arrival.end();
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  expect(caller.text).toBe(sent);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 9));
  await closedBooks(gateway, customer);
});

test('line ends of all kinds, a line of a megabyte, and an end without its blank line are passed on as they are', async () => {
  const long = chat
    .content('x'.repeat(MEBIBYTE / 64))
    .replace('"index":0', `"pad":"${'y'.repeat(MEBIBYTE)}","index":0`);
  const carriageReturns = (text: string) => text.replaceAll('\n', '\r\n');
  const streams = [
    carriageReturns(ODD_STREAM + chat.finish(PROMPT_TOKENS, 9) + chat.end),
    chat.opening + long + chat.finish(PROMPT_TOKENS, 9) + chat.end,
    chat.opening + chat.content('Toll') + chat.finish(PROMPT_TOKENS, 9) + chat.end.trimEnd(),
    chat.opening + chat.content('Toll') + chat.finish(PROMPT_TOKENS, 9).trimEnd(),
  ];
  for (const sent of streams) {
    const { answered, arrival } = await ask({ stream_options: { include_usage: true } });
    arrival.send(sent);
    arrival.end();
    const caller = await answered;
    expect(await caller.over()).toBe('clean');
    expect(caller.text === sent).toBe(true);
    const receipt = await receiptOf(gateway, caller.requestId);
    expect(receipt).toMatchObject({ source: 'provider', charge: charge(PROMPT_TOKENS, 9) });
  }
  await closedBooks(gateway, customer);
});

test('of a stream that its reader did not ask the usage of, the usage is missing and nothing else', async () => {
  const { answered, arrival } = await ask();
  arrival.send(ODD_STREAM, chat.finish(PROMPT_TOKENS, 9), ': after it\n\n', chat.end);
  arrival.end();
  const caller = await answered;

  expect(await caller.over()).toBe('clean');
  const sent = `${ODD_STREAM}${chat.finish(PROMPT_TOKENS, 9)}: after it\n\n${chat.end}`;
  expect(caller.text).toBe(sent.replace(usageChunk(PROMPT_TOKENS, 9), ''));
  await closedBooks(gateway, customer);
});
