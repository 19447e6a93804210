// Which tax is on what is sold from now on.
import { z } from 'zod';
import { listTaxRegimes, setTaxRegime } from '../../services/taxes/taxes.ts';
import { instant, reason, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { deskOf } from './payment-desk.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

export const Tax = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({
      kind: z.literal('fixed_rate'),
      ratePpm: z.int().min(1).max(1_000_000).meta({ description: 'Millionths: 190000 is 19 %', example: 190_000 }),
    }),
    z.strictObject({
      kind: z.literal('stripe_tax'),
      taxCode: z
        .string()
        .regex(/^txcd_\d{8}$/)
        .meta({
          description: 'Of Stripe: what is sold, as tax law has it; prices are without tax',
          example: 'txcd_10103001',
        }),
    }),
  ])
  .meta({ id: 'Tax' });

const TaxRegime = z
  .object({
    id: uuid,
    kind: z.enum(['none', 'fixed_rate', 'stripe_tax']),
    ratePpm: z.int().nullable(),
    taxCode: z.string().nullable(),
    effectiveAt: instant,
    madeBy: z.string(),
  })
  .meta({ id: 'TaxRegime' });

const taxRegimes = { name: 'tax_regimes', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const taxRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/tax-regimes',
    permission: 'tax_regime.read',
    summary: 'What tax was and is on what is sold, newest first; without any nothing is taxed',
    params: none,
    query: z.strictObject(pageQuery),
    response: pageOf(TaxRegime),
    handler: ({ query }, { db }) =>
      onePage(taxRegimes, query, (after, pageSize) => listTaxRegimes(db, after, pageSize)),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/tax-regimes',
    permission: 'tax_regime.change',
    summary: 'Tax what is ordered from now on; what was ordered keeps the tax that it has',
    params: none,
    status: 201,
    body: z.strictObject({ tax: Tax, reason }),
    response: TaxRegime,
    handler: ({ body, actor }, app, change) =>
      change(async (tx) => {
        if (body.tax.kind === 'stripe_tax') deskOf(app);
        const answer = await setTaxRegime(tx, body.tax, actor);
        const what = { action: 'tax_regime.set', targetKind: 'tax_regime', targetId: answer.id } as const;
        return { answer, audit: { ...what, after: body.tax, reason: body.reason } };
      }),
  }),
];
