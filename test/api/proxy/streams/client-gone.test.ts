// A customer who leaves pays what was used for him and no more, the upstream is not left running for nobody, and nothing stays
// held, whenever he leaves (gateways.md T16 to T18 and T21; a thousand at once: thousand-leave.test.ts).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import { type Caller, call, rawCall } from './caller.ts';
import { chat, finishReason, messages, PROMPT_TOKENS, type Speech, usageChunk } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import {
  BYTES_PER_TOKEN,
  type Customer,
  charge,
  closedBooks,
  estimatedCharge,
  newCustomer,
  receiptOf,
  STEP_TOKENS,
  sell,
} from './shop.ts';

const A_HUNDRED_DOLLARS = 100_000_000_000n;
const MOST_DRAINS = 64;

let gateway: Gateway;
let upstream: ScriptedUpstream;
let cancelling: string;
let draining: string;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  const { baseUrl } = upstream;
  cancelling = (await sell(gateway, { baseUrl, onDisconnect: 'cancel_stops_billing' })).modelId;
  draining = (await sell(gateway, { baseUrl, onDisconnect: 'drain' })).modelId;
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const customer = (amountNano = A_HUNDRED_DOLLARS) => newCustomer(gateway, amountNano);

function ask({ key }: Customer, modelId: string, speech: Speech = chat) {
  return call(gateway.url, { path: speech.path, key, body: speech.request(modelId) });
}

async function midStream(who: Customer, modelId: string, speech: Speech = chat): Promise<[Caller, Arrival]> {
  const { answered } = ask(who, modelId, speech);
  const arrival = await upstream.next();
  arrival.send(speech.opening, speech.content('Toll'));
  const caller = await answered;
  await caller.sees('Toll');
  return [caller, arrival];
}

/** Both ends are in this process: what one has written, the other has read some turns of the event loop later. */
async function hasArrived(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** From a FIN alone it cannot be told that somebody left: the gateway asks, and hears a reset. */
async function leaves(...callers: readonly Caller[]): Promise<void> {
  for (const caller of callers) caller.leave();
  const ports = new Set<number | undefined>(callers.map(({ port }) => port));
  await until(() => [...gateway.connections].every(({ remotePort }) => !ports.has(remotePort)));
}

const kinds: [string, () => string][] = [
  ['where cancelling stops the bill', () => cancelling],
  ['where it does not', () => draining],
];

test.each(kinds)(
  'who leaves before the upstream answers pays nothing, and the upstream is hung up on, %s',
  async (_, model) => {
    const who = await customer();
    const { leave } = ask(who, model());
    const arrival = await upstream.next();
    leave();
    await arrival.closed;

    const receipt = await receiptOf(gateway, arrival.requestId);
    expect(receipt).toMatchObject({ outcome: 'client_gone', source: 'none', charge: 0n });
    expect(receipt.attempts).toEqual([{ n: 1, outcome: 'client_gone', failureClass: 'client_fault', cost: null }]);
    expect((await closedBooks(gateway, who)).balance).toBe(A_HUNDRED_DOLLARS);
  },
);

test('who leaves between the upstream’s head and its first word pays the input', async () => {
  const who = await customer();
  const { leave } = ask(who, cancelling);
  const arrival = await upstream.next();
  arrival.send(chat.opening);
  await hasArrived();
  leave();
  await arrival.closed;

  const receipt = await receiptOf(gateway, arrival.requestId);
  expect(receipt).toMatchObject({ outcome: 'client_gone', charge: estimatedCharge(PROMPT_TOKENS, 0) });
  await closedBooks(gateway, who);
});

test.each([
  ['OpenAI', chat],
  ['Anthropic', messages],
])('who leaves in the middle pays input and delivered words, and the upstream is hung up on: %s', async (_, speech) => {
  const who = await customer();
  const [caller, arrival] = await midStream(who, cancelling, speech);
  caller.leave();
  await arrival.closed;

  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    outcome: 'client_gone',
    source: 'estimate',
    deliveredBytes: 4,
    charge: estimatedCharge(PROMPT_TOKENS, 4),
  });
  await closedBooks(gateway, who);
});

test.each([
  ['OpenAI', chat],
  ['Anthropic', messages],
])('where cancelling saves nothing, the rest is read and the real usage is charged: %s', async (_, speech) => {
  const who = await customer();
  const [caller, arrival] = await midStream(who, draining, speech);
  await leaves(caller);
  arrival.send(speech.content('house'), speech.finish(PROMPT_TOKENS, 77), speech.end);
  arrival.end();

  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    outcome: 'complete',
    source: 'provider',
    charge: charge(PROMPT_TOKENS, 77),
  });
  const unsent = 'select from unsent_ends where request_id = $1';
  await until(async () => (await gateway.admin.query(unsent, [caller.requestId])).rowCount === 1);
  await closedBooks(gateway, who);
});

test('an answer that nobody hears is read no further than its reserve', async () => {
  const who = await customer();
  const [caller, arrival] = await midStream(who, draining);
  await leaves(caller);
  arrival.send(chat.content('x'.repeat(STEP_TOKENS * BYTES_PER_TOKEN - 4)));
  await hasArrived();
  expect(upstream.openAttempts).toBe(1);
  arrival.send(chat.content('over'));
  await arrival.closed;

  const receipt = await receiptOf(gateway, caller.requestId);
  expect(receipt).toMatchObject({ outcome: 'client_gone', charge: estimatedCharge(PROMPT_TOKENS, 4) });
  await closedBooks(gateway, who);
});

test('an answer that nobody hears is read for ten minutes at most', async () => {
  const who = await customer();
  const [caller, arrival] = await midStream(who, draining);
  await leaves(caller);
  gateway.attempts.pass(600_001);
  await arrival.closed;

  const receipt = await receiptOf(gateway, caller.requestId);
  expect(receipt).toMatchObject({ outcome: 'client_gone', charge: estimatedCharge(PROMPT_TOKENS, 4) });
  await closedBooks(gateway, who);
});

test('at most 64 such answers are read at once, and each that ends makes room for another', async () => {
  const who = await customer();
  for (let round = 0; round < 2; round += 1) {
    // Of its own: cut streams open the breaker.
    const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl, onDisconnect: 'drain' });
    const streams: [Caller, Arrival][] = [];
    for (let n = 0; n < MOST_DRAINS; n += 1) streams.push(await midStream(who, modelId));
    await leaves(...streams.map(([caller]) => caller));
    const [caller, arrival] = await midStream(who, modelId);
    caller.leave();
    await arrival.closed;
    expect(upstream.openAttempts).toBe(MOST_DRAINS);
    // They end in every way there is; none may keep its place.
    for (const [index, [, left]] of streams.entries()) {
      if (index % 2 === 0) left.cut();
      else left.end();
    }
    await until(() => upstream.openAttempts === 0 && gateway.attempts.count === 0);
  }
  await closedBooks(gateway, who);
});

test('an upstream that reports an error to nobody gives its place back too', async () => {
  const who = await customer();
  for (let n = 0; n < MOST_DRAINS + 1; n += 1) {
    const { socket } = await rawCall(gateway.url, { path: chat.path, key: who.key, body: chat.request(draining) });
    const { localPort } = socket;
    const arrival = await upstream.next();
    arrival.send(chat.opening);
    await hasArrived();
    socket.destroy();
    await until(() => [...gateway.connections].every(({ remotePort }) => remotePort !== localPort));
    arrival.send('data: {"error":{"message":"no","type":"invalid_request_error"}}\n\n');
    await arrival.closed;
  }
  const [caller, arrival] = await midStream(who, draining);
  await leaves(caller);
  expect(upstream.openAttempts).toBe(1);
  arrival.end();
  await closedBooks(gateway, who);
});

test.each(kinds)('who leaves after the usage, before the terminator, pays exactly that usage, %s', async (_, model) => {
  const who = await customer();
  const [caller, arrival] = await midStream(who, model());
  arrival.send(finishReason, usageChunk(PROMPT_TOKENS, 1_234));
  await hasArrived();
  await leaves(caller);
  if (model() === draining) arrival.send(chat.end);
  if (model() === draining) arrival.end();
  await arrival.closed; // also where the upstream never says its last word

  const receipt = await receiptOf(gateway, caller.requestId);
  expect(receipt).toMatchObject({ outcome: 'complete', source: 'provider', charge: charge(PROMPT_TOKENS, 1_234) });
  await closedBooks(gateway, who);
});

test('who leaves between the last word and the usage pays the usage, which is waited for', async () => {
  const who = await customer();
  const [caller, arrival] = await midStream(who, cancelling);
  arrival.send(finishReason);
  await hasArrived();
  await leaves(caller);
  arrival.send(usageChunk(PROMPT_TOKENS, 99), chat.end);
  arrival.end();

  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 99));
  await closedBooks(gateway, who);
});

test('usage that never comes is not waited for long', async () => {
  const who = await customer();
  const [caller, arrival] = await midStream(who, cancelling);
  arrival.send(finishReason);
  await hasArrived();
  await leaves(caller);
  gateway.attempts.pass(1_001);
  await arrival.closed;

  const receipt = await receiptOf(gateway, caller.requestId);
  expect(receipt).toMatchObject({ outcome: 'complete', source: 'estimate', charge: estimatedCharge(PROMPT_TOKENS, 4) });
  await closedBooks(gateway, who);
});

test('a client that closes its sending half and reads on gets its whole answer', async () => {
  const who = await customer();
  const { socket, received } = await rawCall(gateway.url, {
    path: chat.path,
    key: who.key,
    body: chat.request(cancelling),
  });
  const arrival = await upstream.next();
  socket.end();
  await until(() => received().startsWith('HTTP/1.1 102 Processing\r\n\r\n'));
  arrival.send(chat.opening, chat.content('Toll'));
  await until(() => received().includes('Toll'));
  arrival.send(chat.content('house'), chat.finish(PROMPT_TOKENS, 3), chat.end);
  arrival.end();
  await until(() => received().endsWith('\r\n0\r\n\r\n'));

  expect(received()).toContain('\r\n\r\nHTTP/1.1 200 OK\r\n');
  expect(chat.contentOf(received())).toBe('Tollhouse');
  expect(received()).toContain(chat.end);
  const receipt = await receiptOf(gateway, arrival.requestId);
  expect(receipt).toMatchObject({ outcome: 'complete', charge: charge(PROMPT_TOKENS, 3) });
  await closedBooks(gateway, who);
});

test('a client that closes its sending half in the middle of a stream hears a comment, and the rest', async () => {
  const who = await customer();
  const { socket, received } = await rawCall(gateway.url, {
    path: chat.path,
    key: who.key,
    body: chat.request(cancelling),
  });
  const arrival = await upstream.next();
  arrival.send(chat.opening, chat.content('Toll'));
  await until(() => received().includes('Toll'));
  socket.end();
  await until(() => received().includes(': keep-alive\n\n'));
  arrival.send(chat.content('house'), chat.finish(PROMPT_TOKENS, 3), chat.end);
  arrival.end();
  await until(() => received().endsWith('\r\n0\r\n\r\n'));

  expect(chat.contentOf(received())).toBe('Tollhouse');
  expect((await receiptOf(gateway, arrival.requestId)).outcome).toBe('complete');
  await closedBooks(gateway, who);
});
