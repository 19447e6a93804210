// What can be wrong with a tax, planted in a world in which nothing else is.
import type { BillingFacts } from './billing-facts.ts';
import type { BillingFindingKind } from './billing-finding.ts';

export type Planted = readonly [
  what: string,
  change: Partial<BillingFacts>,
  kinds: readonly BillingFindingKind[],
  differenceNano: bigint,
];

/** 15.96 and 19.05 % on it. */
const TAXED: BillingFacts['invoices'][number] = {
  ...({ id: 'steady-2', orgId: 'steady', state: 'paid', planVersionId: 'pro-1' } as const),
  ...{ amountCents: 1_900, taxCents: 304, ratePpm: 190_500, stripeTaxCents: null },
};

const BY_STRIPE = { ratePpm: null, stripeTaxCents: 304 } as const;

export function plantedTaxes(world: BillingFacts): readonly Planted[] {
  // Its net price came and was credited.
  const deferred = world.deferred.map((one) =>
    one.transactionId.endsWith('steady-2') ? { ...one, amountNano: (one.amountNano * 84n) / 100n } : one,
  );
  return [
    [
      'tax that was asked for and is nowhere in the books',
      { deferred, invoices: world.invoices.map((one) => (one.id === 'steady-2' ? TAXED : one)) },
      ['tax_differs'],
      3_040_000_000n,
    ],
    [
      'tax by another rate than the invoice says',
      {
        deferred,
        invoices: world.invoices.map((one) => (one.id === 'steady-2' ? { ...TAXED, ratePpm: 200_000 } : one)),
        taxes: [{ transactionId: 't-steady-2', amountNano: -3_030_000_000n }],
      },
      ['tax_differs', 'tax_differs'],
      160_000_000n,
    ],
    [
      'tax of Stripe that is in the books as it said, and that nobody has told its reports of',
      {
        deferred,
        invoices: world.invoices.map((one) => (one.id === 'steady-2' ? { ...TAXED, ...BY_STRIPE } : one)),
        taxes: [{ transactionId: 't-steady-2', amountNano: -3_040_000_000n }],
      },
      ['tax_differs'],
      3_040_000_000n,
    ],
    [
      'tax of Stripe that was told a cent too low, and asked for a cent too high',
      {
        deferred,
        invoices: world.invoices.map((one) =>
          one.id === 'steady-2' ? { ...TAXED, ...BY_STRIPE, stripeTaxCents: 303 } : one,
        ),
        taxes: [{ transactionId: 't-steady-2', amountNano: -3_040_000_000n }],
        taxReports: new Map([['p-steady-2', 303]]),
      },
      ['tax_differs', 'tax_differs'],
      20_000_000n,
    ],
  ];
}
