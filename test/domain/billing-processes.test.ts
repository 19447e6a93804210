// Subscription and dunning together, over months, against a bank that follows a script: the money tests of billing.md 5 in memory.
import { expect, test } from '@jest/globals';
import { startOf } from '../../domain/billing-periods.ts';
import { termsInForce } from '../../domain/subscription.ts';
import { at, BillingWorld, PAID, refusal, sold, UNKNOWN } from './billing-world.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const day = (ms: number): string => iso(ms).slice(0, 10);

function of<Kind extends string, Write extends { readonly kind: string }>(writes: readonly Write[], kind: Kind) {
  return writes.filter((write): write is Extract<Write, { kind: Kind }> => write.kind === kind);
}

/** A month of Pro is paid on 1 March, and the renewal of 1 April meets this bank. */
function pastDue(bank: BillingWorld['bank']): BillingWorld {
  const world = new BillingWorld(sold('pro'), '2027-03-01T00:00:00Z');
  world.bank = bank;
  world.advanceTo('2027-04-01T00:00:00Z');
  return world;
}

const D0 = at('2027-04-01T00:00:00Z');
const afterDays = (count: number): number => D0 + count * 86_400_000;

test('M21: six payments of 19.00 on the last days of the months, each with its credit', () => {
  const world = new BillingWorld(sold('pro'), '2027-01-31T10:00:00Z');

  world.advanceTo('2027-06-30T10:00:00Z');

  expect(world.charged()).toEqual(
    ['01-31', '02-28', '03-31', '04-30', '05-31', '06-30'].map((date) => `2027-${date} 1900`),
  );
  expect(of(world.writes, 'credit_granted').map(({ creditCents }) => creditCents)).toEqual(Array(5).fill(2_500));
});

test('M22: a year from 29 February is paid once a year and credited every month', () => {
  const world = new BillingWorld(sold('pro', 12), '2028-02-29T00:00:00Z');

  world.advanceTo('2032-02-29T00:00:00Z');

  expect(world.charged()).toEqual([
    '2028-02-29 19000',
    '2029-02-28 19000',
    '2030-02-28 19000',
    '2031-02-28 19000',
    '2032-02-29 19000',
  ]);
  const credits = of(world.writes, 'credit_granted');
  expect(credits).toHaveLength(48);
  credits.slice(1).forEach((credit, n) => {
    expect(credit.fromMs).toBe(credits[n]?.untilMs);
  });
});

test('M37: a timer that is six hours late moves neither this period nor the next', () => {
  const world = new BillingWorld(sold('pro'), '2027-01-31T10:00:00Z');

  world.sleepUntil('2027-02-28T16:00:00Z');
  world.advanceTo('2027-03-31T10:00:00Z');

  expect(of(world.writes, 'period_begun').map(({ period }) => iso(startOf(period)))).toEqual([
    '2027-02-28T10:00:00.000Z',
    '2027-03-31T10:00:00.000Z',
  ]);
});

test('M38: after an outage over two periods only the one in force is charged', () => {
  const world = new BillingWorld(sold('pro'), '2026-12-31T00:00:00Z');

  world.sleepUntil('2027-04-02T00:00:00Z');

  expect(world.charged()).toEqual(['2026-12-31 1900', '2027-04-02 1900']);
  expect(of(world.writes, 'period_skipped').map(({ period }) => day(startOf(period)))).toEqual([
    '2027-01-31',
    '2027-02-28',
  ]);
  expect(day(startOf(world.subscription.period))).toBe('2027-03-31');
});

test('M20: an outcome that nobody knows starts no dunning, however long it takes', () => {
  const world = pastDue(() => ({ outcome: UNKNOWN }));
  world.advanceTo(afterDays(10));
  world.bank = () => ({ outcome: PAID });

  world.advanceTo(afterDays(11));

  expect(world.dunnings.size).toBe(0);
  expect(world.mails).toEqual([]);
  expect(world.captures).toHaveLength(2);
  expect(new Set(world.attempts).size).toBe(1);
});

const halfway = (): BillingWorld => {
  const world = new BillingWorld(sold('pro'), '2027-04-01T00:00:00Z');
  world.advanceTo('2027-04-16T00:00:00Z');
  return world;
};
const upgrade = { kind: 'change_plan', terms: sold('team'), upgradeCents: 9_520 } as const;

test('M25: an upgrade is charged now, cuts the old period and begins one of its own', () => {
  const world = halfway();

  world.command(upgrade);

  expect(world.charged()).toEqual(['2027-04-01 1900', '2027-04-16 9520']);
  expect(of(world.writes, 'period_cut').map(({ atMs }) => day(atMs))).toEqual(['2027-04-16']);
  expect(of(world.writes, 'credit_granted').map(({ creditCents, untilMs }) => [creditCents, day(untilMs)])).toEqual([
    [12_000, '2027-05-16'],
  ]);
});

test('M27: an upgrade that is declined changes nothing, and its invoice is void', () => {
  const world = halfway();
  const before = world.subscription;
  world.bank = () => ({ outcome: refusal('insufficient_funds') });

  world.command(upgrade);

  const { revision: _, requestIds: __, voided: ___, ...after } = world.subscription;
  expect(before).toMatchObject(after);
  expect(world.captures).toHaveLength(1);
  expect(world.dunnings.size).toBe(0);
});

test('M27: of two clicks at once one is refused, and 95.20 is charged once', () => {
  const world = halfway();
  const { revision } = world.subscription;

  const answers = ['one', 'two'].map((requestId) => world.tell({ ...upgrade, requestId, revision }));

  expect(answers).toEqual(['done', 'stale_revision']);
  expect(world.charged()).toEqual(['2027-04-01 1900', '2027-04-16 9520']);
});

test('M28: a downgrade survives a cancellation that was undone; nothing is charged before the end, then 19.00 once', () => {
  const world = new BillingWorld(sold('team'), '2027-04-01T00:00:00Z');
  world.advanceTo('2027-04-16T00:00:00Z');
  world.command({ kind: 'change_plan', terms: sold('pro'), upgradeCents: 0 });
  world.advanceTo('2027-04-20T00:00:00Z');
  world.command({ kind: 'cancel' });
  world.advanceTo('2027-04-25T00:00:00Z');
  world.command({ kind: 'reactivate' });

  world.advanceTo(at('2027-05-01T00:00:00Z') - 1);
  const before = termsInForce(world.subscription, world.nowMs);
  world.advanceTo('2027-05-02T00:00:00Z');

  expect(before?.planVersionId).toBe('team-1');
  expect(termsInForce(world.subscription, world.nowMs)?.planVersionId).toBe('pro-1');
  expect(world.charged()).toEqual(['2027-04-01 9900', '2027-05-01 1900']);
});

test('a cancelled plan runs to its end and is not renewed', () => {
  const world = halfway();
  world.command({ kind: 'cancel' });

  world.advanceTo('2028-04-01T00:00:00Z');

  expect(of(world.writes, 'plan_ended').map(({ atMs, why }) => [day(atMs), why])).toEqual([
    ['2027-05-01', 'cancelled'],
  ]);
  expect(world.captures).toHaveLength(1);
});

test('a paused plan costs nothing, and resumed it begins a period and an anchor of its own', () => {
  const world = halfway();
  world.command({ kind: 'pause' });
  world.advanceTo('2027-07-09T00:00:00Z');

  world.command({ kind: 'resume' });
  world.advanceTo('2027-08-09T00:00:00Z');

  expect(world.charged()).toEqual(['2027-04-01 1900', '2027-07-09 1900', '2027-08-09 1900']);
});

test('M31: declined on days 0 and 1, paid on day 3: three attempts, one payment, and the period ends when it would have', () => {
  const world = pastDue((_, nowMs) => ({ outcome: nowMs < afterDays(3) ? refusal('insufficient_funds') : PAID }));

  world.advanceTo(afterDays(10));

  expect(world.attempts).toHaveLength(3);
  expect(world.charged()).toEqual(['2027-03-01 1900', '2027-04-04 1900']);
  const [granted] = of(world.writes, 'credit_granted');
  expect([granted?.creditCents, day(granted?.fromMs ?? 0), day(granted?.untilMs ?? 0)]).toEqual([
    2_500,
    '2027-04-04',
    '2027-05-01',
  ]);
  expect(world.subscription.period.anchorMs).toBe(at('2027-03-01T00:00:00Z'));
  expect(world.stages).toEqual([]);
});

test('M32: a stolen card is tried once; limited on day 7, pay-as-you-go on day 14, and then nothing is owed', () => {
  const world = pastDue(() => ({ outcome: refusal('stolen_card') }));

  world.advanceTo(afterDays(60));

  expect(world.attempts).toHaveLength(1);
  expect(world.stages).toEqual([
    { atMs: afterDays(7), what: 'limited' },
    { atMs: afterDays(14), what: 'none' },
  ]);
  expect(of(world.writes, 'plan_ended').map(({ atMs, why }) => [atMs, why])).toEqual([[afterDays(14), 'unpaid']]);
  expect(termsInForce(world.subscription, world.nowMs)).toBeNull();
  expect(world.mails.map(({ what }) => what)).toEqual([
    'first_reminder',
    'second_reminder',
    'limit_warning',
    'plan_end_warning',
  ]);
});

test.each([
  ['paid', PAID, [], 2],
  ['declined', refusal('insufficient_funds'), ['unpaid'], 1],
] as const)('M33: a new card a second before the end, %s two seconds after it', (_, outcome, ends, captures) => {
  const world = pastDue(() => ({ outcome: refusal('stolen_card') }));
  world.advanceTo(afterDays(14) - 1_000);
  world.bank = () => ({ outcome, afterMs: 3_000 });

  world.tellDunning(world.dunnings.keys().next().value ?? '', { kind: 'card_changed', card: 'new' });
  world.advanceTo(afterDays(20));

  expect(of(world.writes, 'plan_ended').map(({ why }) => why)).toEqual(ends);
  expect(world.captures).toHaveLength(captures);
  expect(world.stages).toEqual([
    { atMs: afterDays(7), what: 'limited' },
    { atMs: afterDays(14) + 2_000, what: 'none' },
  ]);
});

test('M34: an upgrade in the middle cancels the open invoice and costs the whole price', () => {
  const world = pastDue(() => ({ outcome: refusal('insufficient_funds') }));
  world.advanceTo(afterDays(4));
  world.bank = () => ({ outcome: PAID });

  world.command({ kind: 'change_plan', terms: sold('team'), upgradeCents: 0 });

  expect(world.charged()).toEqual(['2027-03-01 1900', '2027-04-05 9900']);
  expect([...world.dunnings.values()].map(({ closed }) => closed)).toEqual(['void']);
  expect(of(world.writes, 'credit_granted').map(({ creditCents }) => creditCents)).toEqual([12_000]);
});

test('M34: if it had just been paid, the upgrade costs the difference', () => {
  const world = pastDue(() => ({ outcome: refusal('insufficient_funds') }));
  world.advanceTo(afterDays(4));
  world.captures.push({ atMs: world.nowMs, invoice: [...world.dunnings.keys()].join(), cents: 1_900 });
  world.bank = () => ({ outcome: PAID });

  world.command({ kind: 'change_plan', terms: sold('team'), upgradeCents: 0 });

  expect(world.charged()).toEqual(['2027-03-01 1900', '2027-04-05 1900', '2027-04-05 8000']);
  expect([...world.dunnings.values()].map(({ closed }) => closed)).toEqual(['paid']);
  expect(world.subscription.terms.planVersionId).toBe('team-1');
});

test('coming and going between plans does not begin the ladder anew', () => {
  const world = pastDue(() => ({ outcome: refusal('insufficient_funds') }));
  world.advanceTo(afterDays(8));

  world.command({ kind: 'change_plan', terms: sold('team'), upgradeCents: 0 });
  world.advanceTo(afterDays(30));

  expect(world.stages.map(({ atMs, what }) => `${(atMs - D0) / 86_400_000} ${what}`)).toEqual([
    '7 limited',
    '8 none',
    '9 limited',
    '14 none',
  ]);
});
