// An attempt that was taken for an orphan and was none: the settlement that turns up later makes it what it was, and its cost is
// counted once, whoever told it first.
import { beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { nano } from '../../../domain/nano.ts';
import { recoverDeadGateways } from '../../../services/incarnations/recovery.ts';
import { newId } from '../../../services/platform/ids.ts';
import { type BareGateway, newCustomer, oneRow, openBareGateway, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { intentOf } from '../journal/records.ts';

const COST = 7_000n;
const silent = pino({ level: 'silent' });

const { database, admin } = await ownDatabase();
let asleep: BareGateway;
let requestId: string;
let channelId: string;
let wakes: () => Promise<void>;

/** A paused gateway with a request under way is fenced and recovered. What the request came to it writes down when it wakes. */
beforeEach(async () => {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  asleep = await openBareGateway(database);
  const { lease } = await asleep.hold(customer, '0.3');
  requestId = newId();
  channelId = newId();
  const intent = { ...intentOf(requestId, customer), channelId };
  await new Promise<void>((written) => asleep.journal.intend(intent, () => written()));
  const { usage, attempts } = rowsOf(customer, lease.id, nano(100_000_000), requestId);
  const won = attempts.map((one) => ({ ...one, channel_id: channelId, cost_nano: String(COST) }));
  wakes = async () => {
    await asleep.journal.spill([{ kind: 'spilled', usage, attempts: won }]);
    await recover();
    await asleep.abandon();
  };
  await admin.query('select fence_incarnations($1)', [asleep.incarnation.id]);
  await recover();
  expect(await attempt()).toEqual({ outcome: 'orphaned', cost: null });
});

function recover(): Promise<void> {
  return recoverDeadGateways(admin, silent, asleep.journalDir);
}

function attempt(): Promise<{ outcome: string; cost: string | null }> {
  return oneRow(admin, 'select outcome, cost_nano as cost from attempts where request_id = $1', [requestId]);
}

/** By account: what the books say that the channel's provider was owed, and for what. */
async function booked(): Promise<object> {
  const { rows } = await admin.query<{ account: string; total: string }>(
    'select account, sum(amount_nano)::text as total from ledger_entries where channel_id = $1 group by 1',
    [channelId],
  );
  return Object.fromEntries(rows.map(({ account, total }) => [account, total]));
}

test('its settlement makes it the attempt that won, at its cost', async () => {
  await wakes();

  expect(await attempt()).toEqual({ outcome: 'won', cost: String(COST) });
  expect(await booked()).toEqual({ upstream_cost: String(COST), upstream_payable: String(-COST) });
});

test('what the provider had said of it before stands: its settlement adds no cost', async () => {
  await admin.query('select reconcile_attempt($1, 1::smallint, $2, null)', [requestId, COST]);

  await wakes();

  expect((await attempt()).cost).toBe(String(COST));
  expect(await booked()).toEqual({ ops_loss: String(COST), upstream_payable: String(-COST) });
});
