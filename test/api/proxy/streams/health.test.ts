// What a stream tells of its channel: that it answers, at its first content; that it broke, whenever it broke. A channel whose
// request was never sent is not left with one in flight (gateways.md T47).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ChannelHealth, type Pick, type Tried } from '../../../../services/channels/channel-health.ts';
import type { DialectId, RoutedModel } from '../../../../services/channels/routing-table.ts';
import { Egress, EgressRefused } from '../../../../services/egress/egress.ts';
import type { UpstreamOrigin } from '../../../../services/egress/upstream-origin.ts';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat, PROMPT_TOKENS } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, newCustomer, receiptOf, sell } from './shop.ts';

const FAILURES_TO_OPEN = 5;
const FIRST_WAIT_MS = 5_000;

/** Its picks are made as if it were later. */
class LaterHealth extends ChannelHealth {
  aheadMs = 0;

  override pick(model: RoutedModel, dialectId: DialectId, tried: Tried, nowMs: number): Pick | null {
    return super.pick(model, dialectId, tried, nowMs + this.aheadMs);
  }
}

/** Knows places where nobody may go, and where sending goes wrong. */
class GuardedEgress extends Egress {
  readonly closedTo = new Map<string, Error>();
  readonly failsIn = new Map<string, Error>();

  override upstream(baseUrl: string, allowLocal: boolean): UpstreamOrigin {
    const error = this.closedTo.get(baseUrl);
    if (error !== undefined) throw error;
    const origin = super.upstream(baseUrl, allowLocal);
    const mistake = this.failsIn.get(baseUrl);
    if (mistake === undefined) return origin;
    return Object.create(origin, { post: { value: () => throwing(mistake) } });
  }
}

function throwing(error: Error): never {
  throw error;
}

const health = new LaterHealth(Math.random);
const egress = new GuardedEgress();
let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;

beforeAll(async () => {
  gateway = await openGateway(() => ({ health, egress }));
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 10_000_000_000n);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function ask(modelId: string): Promise<Caller> {
  return call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(modelId) }).answered;
}

async function begun(modelId: string): Promise<{ caller: Caller; arrival: Arrival }> {
  const answered = ask(modelId);
  const arrival = await upstream.next();
  arrival.send(chat.opening, chat.content('Toll'));
  const caller = await answered;
  await caller.sees('Toll');
  return { caller, arrival };
}

function stateOf(channelId: string | undefined) {
  const state = health.snapshot().find((channel) => channel.channelId === channelId);
  return [state?.breaker, state?.inFlight];
}

test('streams that are cut open the breaker, though each of them began well', async () => {
  const { modelId, channelIds } = await sell(gateway, { baseUrl: upstream.baseUrl });
  for (let n = 1; n <= FAILURES_TO_OPEN; n += 1) {
    expect(stateOf(channelIds[0])).toEqual(n === 1 ? [undefined, undefined] : ['closed', 0]);
    const { caller, arrival } = await begun(modelId);
    arrival.cut();
    await caller.over();
    await until(() => stateOf(channelIds[0])[1] === 0);
  }
  expect(stateOf(channelIds[0])).toEqual(['open', 0]);
  const refused = await ask(modelId);
  await refused.over();
  expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([503, 'no_channel']);
  await closedBooks(gateway, customer);
});

test('a probe that streams has given its verdict with its first content, and a cut afterwards counts as one failure', async () => {
  const { modelId, channelIds } = await sell(gateway, { baseUrl: upstream.baseUrl });
  for (let n = 1; n <= FAILURES_TO_OPEN; n += 1) {
    const { caller, arrival } = await begun(modelId);
    arrival.cut();
    await caller.over();
  }
  await until(() => stateOf(channelIds[0])[0] === 'open');
  health.aheadMs += FIRST_WAIT_MS;
  const probing = ask(modelId);
  const probe = await upstream.next();
  probe.send(chat.opening);
  const early = await ask(modelId);
  await early.over();
  expect([early.status, stateOf(channelIds[0])[0]]).toEqual([503, 'probing']);
  probe.send(chat.content('Toll'));
  const caller = await probing;
  await caller.sees('Toll');

  expect(stateOf(channelIds[0])).toEqual(['closed', 1]);
  const { caller: next, arrival } = await begun(modelId);
  probe.cut();
  await caller.over();
  expect(stateOf(channelIds[0])[0]).toBe('closed');
  arrival.send(chat.finish(PROMPT_TOKENS, 1), chat.end);
  arrival.end();
  expect(await next.over()).toBe('clean');
  await until(() => stateOf(channelIds[0])[1] === 0);
  await closedBooks(gateway, customer);
});

test('a channel to which no connection may be made is passed over, and has nothing in flight', async () => {
  const { port } = new URL(upstream.baseUrl);
  const forbidden = `http://127.0.0.1:${port}/forbidden/v1`;
  egress.closedTo.set(forbidden, new EgressRefused('no connection there'));
  const { modelId, channelIds } = await sell(
    gateway,
    { baseUrl: forbidden, priority: 1 },
    { baseUrl: upstream.baseUrl, priority: 2 },
  );
  const { caller, arrival } = await begun(modelId);
  arrival.send(chat.finish(PROMPT_TOKENS, 1), chat.end);
  arrival.end();

  expect(await caller.over()).toBe('clean');
  expect(stateOf(channelIds[0])).toEqual(['closed', 0]);
  expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
    charge: charge(PROMPT_TOKENS, 1),
    attempts: [{ outcome: 'failed_over', failureClass: 'misconfigured', cost: 0n }, { outcome: 'won' }],
  });
  await closedBooks(gateway, customer);
});

test('a request that could not be sent for a mistake of ours leaves nothing in flight, and costs nothing', async () => {
  const broken = `${upstream.baseUrl.replace('/v1', '/broken/v1')}`;
  egress.failsIn.set(broken, new TypeError('a mistake of ours'));
  const { modelId, channelIds } = await sell(gateway, { baseUrl: broken });
  const caller = await ask(modelId);
  await caller.over();

  expect([caller.status, JSON.parse(caller.text).error.code]).toEqual([500, 'internal_error']);
  expect([stateOf(channelIds[0]), gateway.attempts.count]).toEqual([['closed', 0], 0]);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(0n);
  await closedBooks(gateway, customer);
});
