// The price card as it is sold. A figure here that changes without a new version changes what customers have agreed to.
import { expect, test } from '@jest/globals';
import { cutSlices, type GrantView } from '../../domain/burn-order.ts';
import { cents, nanoOf } from '../../domain/cents.ts';
import { nano } from '../../domain/nano.ts';
import {
  FIRST_VERSIONS,
  isUpgrade,
  PACK_IDS,
  PACKS,
  type PlanName,
  packGrants,
  termsOf,
  trialGrant,
  versionInForce,
} from '../../domain/plans.ts';

const now = Date.UTC(2027, 0, 31);

function terms(plan: PlanName, months: 1 | 12 = 1) {
  const version = versionInForce(FIRST_VERSIONS, plan, now);
  if (version === null) throw new Error(`${plan} is not sold`);
  return termsOf(version, months);
}

test('Pro costs 19 with 25 of credit, Team 99 with 120, and a year of either ten months', () => {
  const sold = [terms('pro'), terms('team'), terms('pro', 12), terms('team', 12)];

  expect(sold.map(({ priceCents, monthlyCreditCents }) => [priceCents, monthlyCreditCents])).toEqual([
    [1_900, 2_500],
    [9_900, 12_000],
    [19_000, 2_500],
    [99_000, 12_000],
  ]);
});

test('without a subscription usage costs more than list, on Pro list, and beyond the credit of Team nine tenths', () => {
  const rates = FIRST_VERSIONS.map(({ plan, beyondIncludedPpm }) => [plan, beyondIncludedPpm]);

  expect(rates).toEqual([
    ['free', 1_050_000],
    ['pay_as_you_go', 1_050_000],
    ['pro', 1_000_000],
    ['team', 900_000],
  ]);
});

test('a new version is sold from its very instant on, and the old one until then', () => {
  const [pro] = FIRST_VERSIONS.filter(({ plan }) => plan === 'pro');
  if (pro === undefined) throw new Error('Pro is not sold');
  const dearer = { ...pro, id: 'pro-2', effectiveAtMs: now, monthlyCents: cents(2_100) };
  const versions = [dearer, ...FIRST_VERSIONS];

  expect(versionInForce(versions, 'pro', now - 1)?.id).toBe('pro-1');
  expect(versionInForce(versions, 'pro', now)?.id).toBe('pro-2');
});

test('nobody is sold Enterprise without a contract', () => {
  expect(versionInForce(FIRST_VERSIONS, 'enterprise', now)).toBeNull();
});

test.each([
  ['Pro', 'Team', terms('pro'), terms('team'), true],
  ['Pro', 'Pro by the year', terms('pro'), terms('pro', 12), true],
  ['Pro by the year', 'Team by the year', terms('pro', 12), terms('team', 12), true],
  ['Team', 'Pro', terms('team'), terms('pro'), false],
  ['Team', 'Pro by the year, which is dearer and less', terms('team'), terms('pro', 12), false],
  ['Pro by the year', 'Team by the month, which costs less than was paid', terms('pro', 12), terms('team'), false],
  ['Pro', 'Pro', terms('pro'), terms('pro'), false],
])('from %s to %s', (_from, _to, from, to, upgrade) => {
  expect(isUpgrade(from, to)).toBe(upgrade);
});

test('Free is one dollar, for thirty days', () => {
  expect(trialGrant(now)).toEqual({ source: 'trial', amountCents: 100, expiresAtMs: Date.UTC(2027, 2, 2) });
});

test('packs are 10, 50 + 5 and 100 + 15; the bonus ends after twelve months, what was paid never', () => {
  const grants = PACK_IDS.map((id) => packGrants(PACKS[id], Date.UTC(2028, 1, 29)));

  expect(grants).toEqual([
    [{ source: 'pack', amountCents: 1_000, expiresAtMs: null }],
    [
      { source: 'pack', amountCents: 5_000, expiresAtMs: null },
      { source: 'bonus', amountCents: 500, expiresAtMs: Date.UTC(2029, 1, 28) },
    ],
    [
      { source: 'pack', amountCents: 10_000, expiresAtMs: null },
      { source: 'bonus', amountCents: 1_500, expiresAtMs: Date.UTC(2029, 1, 28) },
    ],
  ]);
});

test('the bonus of a pack burns before what was paid for it', () => {
  const grants = packGrants(PACKS.pack_50, now).map(
    ({ source, amountCents, expiresAtMs }): GrantView => ({
      id: source,
      source,
      priority: 20,
      effectiveAtMs: now,
      expiresAtMs,
      grantedAtMs: now,
      availableNano: nanoOf(amountCents),
    }),
  );

  const slices = cutSlices(grants, nano('7300000000'), now);

  expect(slices).toEqual([
    { grantId: 'bonus', amountNano: 5_000_000_000n },
    { grantId: 'pack', amountNano: 2_300_000_000n },
  ]);
});
