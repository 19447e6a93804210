// A thousand clients that vanish at once, of both kinds of channels, before and after their first word, leave nothing behind:
// no socket to an upstream, no credit set aside, no open attempt (gateways.md T19).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat, PROMPT_TOKENS } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { charge, closedBooks, estimatedCharge, newCustomer, sell } from './shop.ts';

const CLIENTS = 1_000;
const MOST_DRAINS = 64;

let gateway: Gateway;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await upstream.close();
}, 60_000);

test('a thousand clients that vanish in one moment leave no socket, no reservation and no attempt', async () => {
  const { baseUrl } = upstream;
  const cancelling = await sell(gateway, { baseUrl, onDisconnect: 'cancel_stops_billing' });
  const draining = await sell(gateway, { baseUrl, onDisconnect: 'drain' });
  const customer = await newCustomer(gateway, 100_000_000_000n);
  const ask = ({ modelId }: { readonly modelId: string }) =>
    call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(modelId) });

  const waiting = Array.from({ length: CLIENTS / 4 }, () => ask(cancelling));
  for (const _ of waiting) await upstream.next();
  const answered = Array.from(
    { length: (CLIENTS * 3) / 4 },
    (_, n) => ask(n % 3 === 0 ? draining : cancelling).answered,
  );
  const arrivals: Arrival[] = [];
  for (const _ of answered) {
    const arrival = await upstream.next();
    arrival.send(chat.opening, chat.content('Toll'));
    arrivals.push(arrival);
  }
  const callers: Caller[] = await Promise.all(answered);
  await until(() => callers.every(({ text }) => text.includes('Toll')));
  expect([upstream.openAttempts, gateway.attempts.count]).toEqual([CLIENTS, CLIENTS]);

  for (const { leave } of waiting) leave();
  for (const caller of callers) caller.leave();
  await until(() => upstream.openAttempts === MOST_DRAINS);
  for (const arrival of arrivals) {
    if (arrival.response.destroyed) continue;
    arrival.send(chat.finish(PROMPT_TOKENS, 9), chat.end);
    arrival.end();
  }
  await until(() => upstream.openAttempts === 0);

  const { charged } = await closedBooks(gateway, customer);
  const { rows } = await gateway.admin.query<{ outcome: string; count: string; charge: string }>(
    `select outcome, count(*)::text as count, charge_nano::text as charge from usage_records group by outcome, charge_nano order by 1, 3`,
  );
  const left = CLIENTS - waiting.length - MOST_DRAINS;
  expect(rows).toEqual([
    { outcome: 'client_gone', count: String(waiting.length), charge: '0' },
    { outcome: 'client_gone', count: String(left), charge: String(estimatedCharge(PROMPT_TOKENS, 4)) },
    { outcome: 'complete', count: String(MOST_DRAINS), charge: String(charge(PROMPT_TOKENS, 9)) },
  ]);
  expect(charged).toBe(
    BigInt(left) * estimatedCharge(PROMPT_TOKENS, 4) + BigInt(MOST_DRAINS) * charge(PROMPT_TOKENS, 9),
  );
}, 120_000);
