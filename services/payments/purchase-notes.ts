// What a payment says of itself at Stripe: all that its row says, so that the row, and the invoice that it pays, can be written again where
// a restored database has forgotten them (D151). Rows of payments and invoices never change in this, so asked again it is the same.
import { z } from 'zod';
import type { Queryable } from '../platform/postgres.ts';

/** As metadata of Stripe's. */
export type PurchaseNote = Readonly<Record<string, string>>;

/** @throws Error where there is no such payment */
export async function noteOf(db: Queryable, paymentId: string): Promise<PurchaseNote> {
  const { rows } = await db.query<{ note: PurchaseNote }>(
    `select jsonb_strip_nulls(jsonb_build_object(
              'payment_id', p.id, 'org_id', p.org_id, 'purpose', p.purpose,
              'purchase_id', case when p.invoice_id is null then p.id end, 'pack', p.pack, 'top_up', p.top_up::text,
              'invoice_id', i.id, 'invoice_kind', i.kind, 'invoice_name', i.name, 'subscription_id', i.subscription_id, 'bought', i.bought::text,
              'tax_cents', p.tax_cents::text, 'credit_nano', p.credit_nano::text, 'bonus_nano', p.bonus_nano::text)) as note
       from payments p left join invoices i on i.id = p.invoice_id where p.id = $1`,
    [paymentId],
  );
  if (rows[0] === undefined) throw new Error(`there is no payment ${paymentId}`);
  return rows[0].note;
}

const Whole = z.string().regex(/^\d{1,18}$/);
const Terms = z.object({
  planVersionId: z.string(),
  months: z.union([z.literal(1), z.literal(12)]),
  priceCents: z.int().nonnegative(),
  monthlyCreditCents: z.int().nonnegative(),
});
const Period = z.object({ anchorMs: z.int(), firstMonth: z.int(), months: z.union([z.literal(1), z.literal(12)]) });
const Bought = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.object({ terms: Terms, period: Period.nullable() }));
const ofPayment = {
  payment_id: z.uuid(),
  org_id: z.uuid(),
  tax_cents: Whole.transform(Number),
  credit_nano: Whole,
  bonus_nano: Whole,
};
const ofInvoice = { purpose: z.literal('invoice'), invoice_id: z.uuid(), invoice_name: z.string() };

const Purchase = z.union([
  z.object({ ...ofPayment, purpose: z.literal('pack'), pack: z.string() }),
  z.object({ ...ofPayment, purpose: z.literal('top_up'), top_up: Whole.transform(Number) }),
  z.object({ ...ofPayment, ...ofInvoice, invoice_kind: z.literal('usage') }),
  z.object({
    ...ofPayment,
    ...ofInvoice,
    invoice_kind: z.literal('plan'),
    subscription_id: z.uuid(),
    bought: Bought,
  }),
]);

export type NotedPurchase = z.output<typeof Purchase>;

/** Null: we have not written this. */
export function readNote(note: PurchaseNote): NotedPurchase | null {
  try {
    return Purchase.parse(note);
  } catch {
    return null;
  }
}
