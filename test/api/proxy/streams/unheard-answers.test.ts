// Who leaves while a plain answer is made pays the input, or, where hanging up saves nothing, what the answer really used: within the
// bounds that hold for streams too. An estimate counts what was handed to him, never what came when he was gone.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat, finishReason, PROMPT_TOKENS } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, estimatedCharge, newCustomer, receiptOf, sell } from './shop.ts';

const MOST_READ_ON = 64;

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;
let cancelling: string;
let draining: string;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 100_000_000_000n);
  const { baseUrl } = upstream;
  cancelling = (await sell(gateway, { baseUrl, onDisconnect: 'cancel_stops_billing' })).modelId;
  draining = (await sell(gateway, { baseUrl, onDisconnect: 'drain' })).modelId;
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const ANSWER = JSON.stringify({
  choices: [{ index: 0, message: { role: 'assistant', content: 'Tollhouse' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 77, total_tokens: 87 },
});

/** The provider has begun its answer, and the customer has left. */
async function left(modelId: string): Promise<Arrival> {
  const body = { ...chat.request(modelId), stream: false };
  const { leave } = call(gateway.url, { path: chat.path, key: customer.key, body });
  const arrival = await upstream.next();
  arrival.response.writeHead(200, { 'content-type': 'application/json' }).write(ANSWER.slice(0, 20));
  await turnsPass();
  const connections = gateway.connections.size;
  leave();
  await until(() => gateway.connections.size < connections);
  return arrival;
}

/** Both ends are in this process: what one has written, the other has read some turns of the event loop later. */
async function turnsPass(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('where cancelling stops the bill, the upstream is hung up on and the input is paid', async () => {
  const arrival = await left(cancelling);
  await arrival.closed;

  const receipt = await receiptOf(gateway, arrival.requestId);
  expect(receipt).toMatchObject({ outcome: 'client_gone', charge: estimatedCharge(PROMPT_TOKENS, 0) });
  await closedBooks(gateway, customer);
});

test('where it does not, the rest is read and the real usage is paid', async () => {
  const arrival = await left(draining);
  arrival.response.end(ANSWER.slice(20));

  const receipt = await receiptOf(gateway, arrival.requestId);
  expect(receipt).toMatchObject({ outcome: 'complete', source: 'provider', charge: charge(PROMPT_TOKENS, 77) });
  await closedBooks(gateway, customer);
});

test('a plain answer that nobody hears and whose usage nobody states costs its input', async () => {
  const arrival = await left(draining);
  arrival.response.end(ANSWER.slice(20).replace(/,"usage".*/, '}'));

  const receipt = await receiptOf(gateway, arrival.requestId);
  expect(receipt).toMatchObject({ deliveredBytes: 0, charge: estimatedCharge(PROMPT_TOKENS, 0) });
  await closedBooks(gateway, customer);
});

test('a plain answer that nobody hears is read for ten minutes at most', async () => {
  const arrival = await left(draining);
  for (let minute = 1; minute <= 10; minute += 1) {
    arrival.response.write(' ');
    await turnsPass();
  }
  gateway.attempts.pass(600_001);
  await arrival.closed;

  const receipt = await receiptOf(gateway, arrival.requestId);
  expect(receipt).toMatchObject({ outcome: 'client_gone', charge: estimatedCharge(PROMPT_TOKENS, 0) });
  await closedBooks(gateway, customer);
});

test('at most 64 plain answers are read on at once, and each that ends makes room for another', async () => {
  for (let round = 0; round < 2; round += 1) {
    const read: Arrival[] = [];
    for (let n = 0; n < MOST_READ_ON; n += 1) read.push(await left(draining));
    const oneTooMany = await left(draining);
    await oneTooMany.closed;
    expect(upstream.openAttempts).toBe(MOST_READ_ON);
    for (const arrival of read) arrival.response.end(ANSWER.slice(20));
    await until(() => upstream.openAttempts === 0 && gateway.attempts.count === 0);
  }
  await closedBooks(gateway, customer);
});

test('a stream that is read on without usage costs what its customer got before he left', async () => {
  const { answered } = call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(draining) });
  const arrival = await upstream.next();
  arrival.send(chat.opening, chat.content('Toll'));
  const caller: Caller = await answered;
  await caller.sees('Toll');
  const connections = gateway.connections.size;
  caller.leave();
  await until(() => gateway.connections.size < connections);
  arrival.send(chat.content('house'.repeat(4)), finishReason, chat.end);
  arrival.end();

  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    outcome: 'complete',
    source: 'estimate',
    deliveredBytes: 4,
    charge: estimatedCharge(PROMPT_TOKENS, 4),
  });
  await closedBooks(gateway, customer);
});
