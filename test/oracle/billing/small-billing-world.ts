// Billing with nothing wrong: one customer in his third month, one who owes since nine days and was warned in time, and an enterprise that
// has paid a part of what it used, by bank, and was stopped for the rest.
import type { BillingFacts } from './billing-facts.ts';

const NOW = new Date('2027-03-20T00:00:00Z');
const NANO_PER_CENT = 10_000_000n;
const PRICE_CENTS = 1_900;
const CREDIT_CENTS = 2_500;

const CASES: BillingFacts['cases'] = [
  {
    invoiceId: 'debtor-1',
    orgId: 'debtor',
    policy: 'renewal',
    dueAt: new Date('2027-03-11T00:00:00Z'),
    stopDecidedAt: null,
    openedAt: new Date('2027-03-11T00:00:00Z'),
    wakeAt: new Date('2027-03-24T00:00:00Z'),
    closed: null,
  },
  {
    invoiceId: 'usage',
    orgId: 'enterprise',
    policy: 'postpaid',
    dueAt: new Date('2027-02-15T00:00:00Z'),
    stopDecidedAt: new Date('2027-03-17T12:00:00Z'),
    openedAt: new Date('2027-02-01T00:00:00Z'),
    wakeAt: null,
    closed: null,
  },
];

const NOTICES: BillingFacts['notices'] = [
  { invoiceId: 'debtor-1', notice: 'limit_warning', handedOverAt: new Date('2027-03-17T00:00:00Z') },
  { invoiceId: 'usage', notice: 'limit_warning', handedOverAt: new Date('2027-03-01T00:00:00Z') },
  { invoiceId: 'usage', notice: 'stop_warning', handedOverAt: new Date('2027-03-16T00:00:00Z') },
];

const UNPAID = { taxCents: 0, ratePpm: null, stripeTaxCents: null, state: 'open' } as const;

export function smallBillingWorld(): BillingFacts {
  const bills = [
    bill('steady', '2027-01-15', 0),
    bill('steady', '2027-01-15', 1),
    bill('steady', '2027-01-15', 2),
    bill('debtor', '2027-02-11', 0),
  ];
  return {
    now: NOW,
    planVersions: [{ id: 'pro-1', monthlyCreditCents: CREDIT_CENTS }],
    organizations: [
      { id: 'steady', overdueStage: 'none' },
      { id: 'debtor', overdueStage: 'limited' },
      { id: 'enterprise', overdueStage: 'stopped' },
    ],
    stageChanges: [
      { orgId: 'debtor', stage: 'limited' },
      { orgId: 'enterprise', stage: 'limited' },
      { orgId: 'enterprise', stage: 'stopped' },
    ],
    stagesByRule: new Map([
      ['debtor', 'limited'],
      ['enterprise', 'stopped'],
    ]),
    subscriptions: [
      { id: 'steady', orgId: 'steady', phase: 'active', asks: false, wakeAt: new Date('2027-04-15T00:00:00Z') },
      { id: 'debtor', orgId: 'debtor', phase: 'past_due', asks: false, wakeAt: null },
    ],
    periods: bills.map(({ period }) => period),
    invoices: [
      ...bills.map(({ invoice }) => invoice),
      { ...UNPAID, id: 'debtor-1', orgId: 'debtor', amountCents: PRICE_CENTS, planVersionId: 'pro-1' },
      { ...UNPAID, id: 'usage', orgId: 'enterprise', amountCents: 5_000, planVersionId: null },
    ],
    transfers: [{ invoiceId: 'usage', amountCents: 2_000 }],
    payments: [
      ...bills.map(({ payment }) => payment),
      { id: 'p-debtor-1', invoiceId: 'debtor-1', secondOf: null, intent: 'pi-debtor-1', transactionId: null },
    ],
    refunds: [],
    clearing: bills.map(({ payment }) => ({
      transactionId: payment.transactionId,
      amountNano: BigInt(PRICE_CENTS) * NANO_PER_CENT,
    })),
    taxes: [],
    deferred: bills.flatMap(({ deferred }) => deferred),
    includedGrants: bills.map(({ grant }) => grant),
    cases: CASES,
    notices: NOTICES,
    outsideTheLadder: new Set(),
    handedOver: 1,
    taxReports: new Map(),
    captures: new Map(
      bills.map(({ payment }) => [payment.intent, { captures: 1, capturedCents: PRICE_CENTS, refundedCents: 0 }]),
    ),
    mails: [{ messageId: '<warning>', to: ['debtor@chaos.example'] }],
    workflows: [
      { id: 'subscription:steady', failure: null },
      { id: 'subscription:debtor', failure: null },
      { id: 'dunning:debtor-1', failure: null },
      { id: 'dunning:usage', failure: null },
    ],
    undelivered: [],
    broken: [],
  };
}

function bill(orgId: string, anchorDate: string, month: number) {
  const id = `${orgId}-${month}`;
  const anchor = new Date(`${anchorDate}T00:00:00Z`);
  const [startsAt, endsAt] = [monthsAfter(anchor, month), monthsAfter(anchor, month + 1)];
  return {
    invoice: {
      ...{ id, orgId, amountCents: PRICE_CENTS, taxCents: 0, ratePpm: null, stripeTaxCents: null },
      ...({ state: 'paid', planVersionId: 'pro-1' } as const),
    },
    payment: { id: `p-${id}`, invoiceId: id, secondOf: null, intent: `pi-${id}`, transactionId: `t-${id}` },
    period: {
      subscriptionId: orgId,
      anchor,
      firstMonth: month,
      months: 1,
      startsAt,
      endsAt,
      invoiceId: id,
      inForceFrom: startsAt,
      cutAt: null,
    },
    deferred: [
      { orgId, transactionId: `t-${id}`, amountNano: -BigInt(PRICE_CENTS) * NANO_PER_CENT, monthEndsAt: null },
      { orgId, transactionId: `c-${id}`, amountNano: BigInt(PRICE_CENTS) * NANO_PER_CENT, monthEndsAt: endsAt },
    ],
    grant: { id: `g-${id}`, orgId, amountNano: BigInt(CREDIT_CENTS) * NANO_PER_CENT, expiresAt: endsAt },
  } as const;
}

/** No day here is later than the 28th. */
function monthsAfter(anchor: Date, months: number): Date {
  return new Date(Date.UTC(anchor.getUTCFullYear(), anchor.getUTCMonth() + months, anchor.getUTCDate()));
}
