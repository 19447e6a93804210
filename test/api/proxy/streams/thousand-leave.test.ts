// A thousand clients that vanish at once, of both kinds of channels, before and after their first word, leave nothing behind:
// no socket to an upstream, no credit set aside, no open attempt, and no memory that a second thousand would add to (gateways.md T19).
// Memory is the heap after a collection: what the allocator keeps of the resident set for the next thousand is no leak.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat, PROMPT_TOKENS } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, estimatedCharge, newCustomer, type Sold, sell } from './shop.ts';

const CLIENTS = 1_000;
const BEFORE_THEIR_ANSWER = CLIENTS / 4;
const MOST_DRAINS = 64;
const A_TENTH = 1.1;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let gateway: Gateway;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test('a thousand clients that vanish in one moment leave no socket, no reservation, no attempt and no memory', async () => {
  const { baseUrl } = upstream;
  const cancelling = await sell(gateway, { baseUrl, onDisconnect: 'cancel_stops_billing' });
  const draining = await sell(gateway, { baseUrl, onDisconnect: 'drain' });

  const first = await newCustomer(gateway, 100_000_000_000n);
  await thousandLeave(first, cancelling, draining);
  await expectEachPaid(first);
  const heapBefore = heapBytes();
  const second = await newCustomer(gateway, 100_000_000_000n);
  await thousandLeave(second, cancelling, draining);
  await expectEachPaid(second);

  expect(heapBytes() / heapBefore).toBeLessThan(A_TENTH);
});

/** A quarter before their answers, the others after their first word; every third of those where cancelling saves nothing. */
async function thousandLeave(customer: Customer, cancelling: Sold, draining: Sold): Promise<void> {
  const ask = ({ modelId }: Sold) =>
    call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(modelId) });
  const waiting = Array.from({ length: BEFORE_THEIR_ANSWER }, () => ask(cancelling));
  for (const _ of waiting) await upstream.next();
  const answered = Array.from(
    { length: CLIENTS - BEFORE_THEIR_ANSWER },
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
}

async function expectEachPaid(customer: Customer): Promise<void> {
  const { charged } = await closedBooks(gateway, customer);
  const { rows } = await gateway.admin.query<{ outcome: string; count: string; charge: string }>(
    `select outcome, count(*)::text as count, charge_nano::text as charge from usage_records
      where org_id = $1 group by outcome, charge_nano order by 1, 3`,
    [customer.orgId],
  );
  const left = CLIENTS - BEFORE_THEIR_ANSWER - MOST_DRAINS;
  expect(rows).toEqual([
    { outcome: 'client_gone', count: String(BEFORE_THEIR_ANSWER), charge: '0' },
    { outcome: 'client_gone', count: String(left), charge: String(estimatedCharge(PROMPT_TOKENS, 4)) },
    { outcome: 'complete', count: String(MOST_DRAINS), charge: String(charge(PROMPT_TOKENS, 9)) },
  ]);
  expect(charged).toBe(
    BigInt(left) * estimatedCharge(PROMPT_TOKENS, 4) + BigInt(MOST_DRAINS) * charge(PROMPT_TOKENS, 9),
  );
}

function heapBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
