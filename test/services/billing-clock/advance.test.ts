// The clock goes from one due moment to the next and jumps over none, on a real PostgreSQL with gateways that listen; what is due is the
// test's own.
import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { advanceBillingClock, type MovedParts, readBillingClock } from '../../../services/billing-clock/advance.ts';
import { type DueSource, dueSources } from '../../../services/billing-clock/due-sources.ts';
import { FakeStripeClock } from '../../../services/billing-clock/fake-stripe-clock.ts';
import { StripeApi } from '../../../services/payments/stripe-api.ts';
import { type BareGateway, oneRow, openBareGateway } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const HOUR_MS = 3_600_000;

const { database, admin } = await ownDatabase();
const gateways: BareGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
  await admin.query('update gateway_incarnations set fenced_at = clock_timestamp()');
});

/** Things that are due at their moments, until they are done; each is done when it is poked, and then perhaps makes another. */
class Diary implements DueSource {
  readonly name: string;
  readonly done: { readonly due: Date; readonly at: Date }[] = [];
  #entries: Date[];
  readonly #next: (done: Date) => Date | null;

  constructor(name: string, entries: readonly Date[], next: (done: Date) => Date | null = () => null) {
    this.name = name;
    this.#entries = [...entries];
    this.#next = next;
  }

  async nextDueAt(): Promise<Date | null> {
    return this.#entries.reduce<Date | null>((first, one) => (first === null || one < first ? one : first), null);
  }

  async poke(db: Pool): Promise<void> {
    const { at } = await oneRow<{ at: Date }>(db, 'select billing_now() as at');
    for (const due of this.#entries.filter((entry) => entry <= at)) {
      this.#entries = this.#entries.filter((entry) => entry !== due);
      this.done.push({ due, at });
      const next = this.#next(due);
      if (next !== null) this.#entries.push(next);
    }
  }
}

async function inHours(...hours: readonly number[]): Promise<Date[]> {
  const { now } = await readBillingClock(admin);
  return hours.map((hour) => new Date(now.getTime() + hour * HOUR_MS));
}

function parts(sources: readonly DueSource[], changes: Partial<MovedParts> = {}): MovedParts {
  return { db: admin, sources, moveOthers: async () => {}, patienceMs: 20_000, ...changes };
}

test('it stops at each due moment in its order, also at one that came up on the way, and ends at the target', async () => {
  const [three, ten] = await inHours(3, 10);
  const renewals = new Diary('renewals', [three as Date], (due) => new Date(due.getTime() + 4 * HOUR_MS));
  const expiries = new Diary('expiries', [ten as Date]);

  const { from, to, stops, restless } = await advanceBillingClock(parts([expiries, renewals]), 12 * HOUR_MS);

  const hoursAfter = (at: Date) => Math.round((at.getTime() - from.getTime()) / HOUR_MS);
  expect(stops.map(({ at, due }) => [hoursAfter(at), due])).toEqual([
    [3, ['renewals']],
    [7, ['renewals']],
    [10, ['expiries']],
    [11, ['renewals']],
  ]);
  expect([...renewals.done, ...expiries.done].map(({ due, at }) => at.getTime() - due.getTime() < 5_000)).toEqual(
    Array(4).fill(true),
  );
  expect([hoursAfter(to), restless]).toEqual([12, []]);
});

test('what does not come to rest is named, and the clock stays where it is due', async () => {
  const [two] = await inHours(2);
  const stuck: DueSource = { name: 'stuck', nextDueAt: async () => two as Date };

  const { from, to, restless } = await advanceBillingClock(parts([stuck], { patienceMs: 200 }), 12 * HOUR_MS);

  expect(restless).toEqual(['stuck']);
  expect(Math.round((to.getTime() - from.getTime()) / HOUR_MS)).toBe(2);
  expect(Math.round(((await readBillingClock(admin)).now.getTime() - to.getTime()) / HOUR_MS)).toBe(0);
});

test('what was due before the clock was moved is done before it is moved', async () => {
  const [yesterday] = await inHours(-24);
  const overdue = new Diary('overdue', [yesterday as Date]);

  const { from, stops } = await advanceBillingClock(parts([overdue]), HOUR_MS);

  expect(stops).toEqual([{ at: from, due: ['overdue'] }]);
  expect(overdue.done.map(({ at }) => at.getTime() - from.getTime() < 5_000)).toEqual([true]);
});

test('clocks that go with it are at each stop before it', async () => {
  const [one] = await inHours(1);
  const toldHours: number[] = [];
  const { now } = await readBillingClock(admin);
  const moveOthers = async (at: Date) => {
    const aheadMs = at.getTime() - (await readBillingClock(admin)).now.getTime();
    // Nothing that is a moment behind is 0, too.
    toldHours.push(...[at.getTime() - now.getTime(), aheadMs].map((ms) => Math.round(ms / HOUR_MS) + 0));
  };

  await advanceBillingClock(parts([new Diary('diary', [one as Date])], { moveOthers }), 2 * HOUR_MS);

  // Where it stands, then an hour before ours is there, and then another.
  expect(toldHours).toEqual([0, 0, 1, 1, 2, 1]);
});

test('where a clock that goes with it cannot be moved it stays where it is, and can be moved later', async () => {
  const { now } = await readBillingClock(admin);
  const moveOthers = () => Promise.reject(new Error('the fake Stripe is silent'));

  await expect(advanceBillingClock(parts([], { moveOthers }), HOUR_MS)).rejects.toThrow('silent');

  expect((await readBillingClock(admin)).now.getTime() - now.getTime()).toBeLessThan(HOUR_MS / 2);
  expect((await advanceBillingClock(parts([]), 1_000)).restless).toEqual([]);
});

test('a second who moves it meanwhile is told that somebody does, and moves nothing', async () => {
  const [one] = await inHours(1);
  const letGo = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const moveOthers = () => {
    held.resolve();
    return letGo.promise;
  };
  const first = advanceBillingClock(parts([new Diary('diary', [one as Date])], { moveOthers }), HOUR_MS / 2);
  await held.promise;

  const second = advanceBillingClock(parts([]), 100 * HOUR_MS);

  await expect(second).rejects.toMatchObject({ code: 'request_in_progress' });
  letGo.resolve();
  const { from, to } = await first;
  expect(Math.round((to.getTime() - from.getTime()) / HOUR_MS)).toBeLessThanOrEqual(1);
});

test('when it has arrived every gateway goes by it, also one that did not hear of it', async () => {
  const deaf = await openBareGateway(database);
  gateways.push(deaf);
  const realBefore = deaf.incarnation.realTimeMs();
  const before = deaf.incarnation.timeMs();

  const { restless } = await advanceBillingClock(parts([]), 48 * HOUR_MS);

  expect(restless).toEqual([]);
  expect(deaf.incarnation.timeMs() - before).toBeGreaterThan(48 * HOUR_MS - 1_000);
  expect(deaf.incarnation.realTimeMs() - realBefore).toBeLessThan(HOUR_MS);
});

test('a gateway that was killed is waited for no longer than it would have renewed', async () => {
  const killed = await openBareGateway(database);
  await killed.abandon();
  await admin.query(
    `update gateway_incarnations set renewed_at = clock_timestamp() - interval '14 seconds' where id = $1`,
    [killed.incarnation.id],
  );

  const { restless } = await advanceBillingClock(parts([]), HOUR_MS);

  expect(restless).toEqual([]);
  await until(async () => (await readBillingClock(admin)).offsetSeconds > 0);
});

test('what is told ahead of a charge is a stop, and queued there by the clock itself', async () => {
  const { now } = await readBillingClock(admin);
  const expiry = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 4, 1));
  const orgId = randomUUID();
  await admin.query('insert into organizations (id, name) values ($1, $2)', [orgId, 'Acme']);
  await admin.query(
    `insert into payment_methods (id, org_id, stripe_payment_method, brand, last4, exp_month, exp_year, is_default, attached_at)
     values (gen_random_uuid(), $1, 'pm_told', 'visa', '4242', $2, $3, true, now())`,
    [orgId, ((expiry.getUTCMonth() + 11) % 12) + 1, expiry.getUTCFullYear() - (expiry.getUTCMonth() === 0 ? 1 : 0)],
  );
  await admin.query(
    `insert into top_ups (org_id, state, revision, threshold_nano, is_low) values ($1, '{}', 1, 1, false)`,
    [orgId],
  );
  const apiBase = 'http://127.0.0.1:1';
  const stripe = new StripeApi({ apiBase, secretKey: 'sk_test_clock', webhookSecret: 'whsec_clock' }, async () => {});
  const mailsAhead = dueSources(new FakeStripeClock(apiBase), stripe).filter(({ name }) => name === 'mails ahead');

  const { stops } = await advanceBillingClock(parts(mailsAhead), expiry.getTime() - now.getTime());

  const dueAt = new Date(expiry.getTime() - 720 * HOUR_MS + 1);
  expect(stops).toEqual([{ at: dueAt, due: ['mails ahead'] }]);
  const told = await oneRow<{ kind: string; at: Date }>(
    admin,
    'select kind, created_at as at from notifications where org_id = $1',
    [orgId],
  );
  expect(told.kind).toBe('card_expiring');
  expect(told.at.getTime() - dueAt.getTime()).toBeLessThan(HOUR_MS);
});
