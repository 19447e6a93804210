// Mistakes of billing as facts, each by what it is, the kinds of finding that name it, and its money.
import type { BillingFacts, Stage } from './billing-facts.ts';
import { type Planted, plantedTaxes } from './planted-taxes.ts';
import { smallBillingWorld } from './small-billing-world.ts';

const world = smallBillingWorld();
const [steady] = world.organizations;
const [case_, usage] = world.cases;
const twice = { captures: 2, capturedCents: 3_800, refundedCents: 0 };
const once = { captures: 1, capturedCents: 1_900, refundedCents: 0 };
export const PRICE = 19_000_000_000n;
export const PLANTED: readonly Planted[] = [
  [
    'a capture that was made twice',
    { captures: with_(world.captures, 'pi-steady-1', twice) },
    ['charge_doubled', 'charge_doubled', 'clearing_differs'],
    2n * PRICE,
  ],
  [
    'money for an invoice that is void',
    { invoices: world.invoices.map((one) => (one.id === 'steady-2' ? { ...one, state: 'void' } : one)) },
    ['charged_for_void', 'period_unpaid'],
    PRICE,
  ],
  [
    'a capture that nobody asked for',
    { captures: with_(world.captures, 'pi-stray', once) },
    ['capture_unknown', 'clearing_differs'],
    2n * PRICE,
  ],
  [
    'a second capture that was kept',
    {
      payments: [
        ...world.payments,
        { id: 'p-again', invoiceId: null, secondOf: 'p-steady-1', intent: 'pi-again', transactionId: 'again' },
      ],
      clearing: [...world.clearing, { transactionId: 'again', amountNano: PRICE }],
      captures: with_(world.captures, 'pi-again', once),
    },
    ['charge_doubled'],
    PRICE,
  ],
  ...plantedTaxes(world),
  [
    'a month that took a cent of what another customer had paid',
    {
      deferred: world.deferred.map((one) => {
        if (one.transactionId === 'c-steady-2') return { ...one, amountNano: one.amountNano - 10_000_000n };
        return one.transactionId === 'c-debtor-0' ? { ...one, amountNano: one.amountNano + 10_000_000n } : one;
      }),
    },
    ['deferred_differs', 'deferred_differs', 'deferred_differs', 'deferred_differs'],
    40_000_000n,
  ],
  [
    'a payment that Stripe never took',
    { captures: without(world.captures, 'pi-steady-0') },
    ['charge_missing', 'clearing_differs'],
    2n * PRICE,
  ],
  [
    'a month whose credit never came',
    { includedGrants: world.includedGrants.slice(1) },
    ['grant_missing'],
    25_000_000_000n,
  ],
  [
    'a month whose credit came twice',
    { includedGrants: [...world.includedGrants, ...world.includedGrants.slice(0, 1)] },
    ['grant_doubled'],
    25_000_000_000n,
  ],
  [
    'a month that was not charged',
    { periods: world.periods.filter(({ invoiceId }) => invoiceId !== 'steady-1') },
    ['period_missing', 'paid_for_nothing', 'grant_unexplained'],
    PRICE + 25_000_000_000n,
  ],
  [
    'a month that begins before the one before it has ended',
    {
      periods: world.periods.map((one) =>
        one.invoiceId === 'steady-1' ? { ...one, endsAt: new Date('2027-03-16T00:00:00Z') } : one,
      ),
    },
    ['period_doubled'],
    0n,
  ],
  [
    'credit of another size than its plan brings',
    { includedGrants: world.includedGrants.map((one, at) => (at === 0 ? { ...one, amountNano: 1n } : one)) },
    ['grant_differs'],
    0n,
  ],
  [
    'a renewal that nobody asked for',
    {
      now: new Date('2027-04-16T00:00:00Z'),
      cases: [],
      organizations: [steady],
      subscriptions: [{ ...world.subscriptions[0], wakeAt: null }],
    } as Partial<BillingFacts>,
    ['renewal_missing'],
    0n,
  ],
  ['a debtor who is not limited', stages({ debtor: 'none', enterprise: 'stopped' }), ['stage_wrong'], 0n],
  [
    'a debtor who is limited without warning',
    { notices: world.notices.filter(({ invoiceId }) => invoiceId !== 'debtor-1') },
    ['stage_wrong'],
    0n,
  ],
  [
    'a debtor who is limited in his first week',
    { cases: [{ ...case_, dueAt: new Date('2027-03-14T00:00:00Z') }, usage] } as Partial<BillingFacts>,
    ['stage_wrong'],
    0n,
  ],
  ['a debtor of a plan who is stopped', stages({ debtor: 'stopped', enterprise: 'stopped' }), ['stage_wrong'], 0n],
  [
    'an enterprise that is stopped although nobody has decided so',
    { cases: [case_, { ...usage, stopDecidedAt: null }] } as Partial<BillingFacts>,
    ['stage_wrong'],
    0n,
  ],
  [
    'a stage that does not follow from the facts',
    { stagesByRule: new Map([...world.stagesByRule, ['steady', 'limited']]) },
    ['stage_differs'],
    0n,
  ],
  [
    'money that came by bank and by card',
    { transfers: [{ invoiceId: 'steady-0', amountCents: 1_900 }, ...world.transfers] },
    ['charge_doubled'],
    PRICE,
  ],
  [
    'a debtor who has paid and is still limited',
    { cases: [{ ...case_, closed: 'paid' }, usage] } as Partial<BillingFacts>,
    ['stage_wrong'],
    0n,
  ],
  [
    'a plan that did not end',
    {
      now: new Date('2027-04-02T00:00:00Z'),
      notices: [
        ...world.notices,
        { invoiceId: 'debtor-1', notice: 'plan_end_warning', handedOverAt: new Date('2027-03-24T00:00:00Z') },
      ],
    },
    ['case_left_open', 'process_stuck'],
    0n,
  ],
  [
    'a process that sleeps on',
    { cases: [{ ...case_, wakeAt: new Date('2027-03-19T00:00:00Z') }, usage] } as Partial<BillingFacts>,
    ['process_stuck'],
    0n,
  ],
  [
    'a process that nothing will wake',
    { workflows: world.workflows.filter(({ id }) => id !== 'dunning:usage') },
    ['process_stuck'],
    0n,
  ],
  [
    'a process that waits for Stripe at rest',
    { subscriptions: world.subscriptions.map((one, at) => ({ ...one, asks: at === 0 })) },
    ['process_stuck'],
    0n,
  ],
  ['news that nobody followed', { undelivered: ['subscription:steady'] }, ['news_undelivered'], 0n],
  [
    'a workflow whose task fails',
    { workflows: world.workflows.map((one, at) => ({ ...one, failure: at === 0 ? 'its task fails' : null })) },
    ['workflow_fails'],
    0n,
  ],
  [
    'a mail that came three times',
    { mails: [1, 2, 3].map(() => ({ messageId: '<warning>', to: ['debtor@chaos.example'] })) },
    ['mail_repeated'],
    0n,
  ],
  [
    'a mail that cannot be told from others',
    { mails: [{ messageId: null, to: ['debtor@chaos.example'] }] },
    ['mail_repeated'],
    0n,
  ],
  ['a mail that never came', { mails: [] }, ['mail_missing'], 0n],
  ['what the verifier found', { broken: ['I1: 3 lines'] }, ['invariant_broken'], 0n],
];

/** In force, and by the rule. */
export function stages(of: Readonly<Record<'debtor' | 'enterprise', Stage>>): Partial<BillingFacts> {
  const owing = Object.entries(of);
  return {
    organizations: [
      { id: 'steady', overdueStage: 'none' },
      ...owing.map(([id, overdueStage]) => ({ id, overdueStage })),
    ],
    stagesByRule: new Map(owing),
  };
}

export function with_<K, V>(map: ReadonlyMap<K, V>, at: K, value: V): Map<K, V> {
  return new Map([...map, [at, value]]);
}

function without<K, V>(map: ReadonlyMap<K, V>, at: K): Map<K, V> {
  return new Map([...map].filter(([one]) => one !== at));
}
