// What a customer has in hand for what he paid: who paid, for what, with which tax. Nothing of it changes but what of the money went back.
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import type { PlanName } from '../../domain/plans.ts';
import type { BillingSnapshot } from '../people/billing-details.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Payment } from './payments.ts';

export interface Receipt {
  readonly paymentId: string;
  /** As in 9F1C03AB-0012: the end of the organization's id, the series where there was a restore, and which of its payments it was. */
  readonly number: string;
  readonly paidAt: Date;
  readonly billTo: BillingSnapshot;
  readonly purpose: Payment['purpose'];
  readonly amountCents: number;
  /** Of the amount; that of usage stands on its invoice. */
  readonly taxCents: number;
  readonly currency: string;
  readonly creditNano: Nano;
  readonly bonusNano: Nano;
  /** What was bought with an invoice; null: usage, or no invoice. */
  readonly plan: { readonly name: PlanName; readonly months: number } | null;
  /** The invoice of usage that it was paid for. */
  readonly usage: { readonly month: string; readonly invoice: string } | null;
  /** Null: Stripe has not said which, or its page took another way of paying. */
  readonly card: { readonly brand: string; readonly last4: string } | null;
  readonly refundedCents: number;
}

interface Row extends Omit<Receipt, 'number' | 'creditNano' | 'bonusNano'> {
  readonly orgId: string;
  readonly series: string;
  readonly inOrganization: number;
  readonly creditNano: string;
  readonly bonusNano: string;
}

/** @throws TollgateError not_found: also of what is not paid */
export async function receipt(db: Queryable, paymentId: string): Promise<Receipt> {
  const { rows } = await db.query<Row>(
    `select p.id as "paymentId", r.org_id as "orgId", r.series, r.number as "inOrganization", p.paid_at as "paidAt", r.bill_to as "billTo", p.purpose,
            p.amount_cents as "amountCents", p.tax_cents as "taxCents", p.currency, p.credit_nano as "creditNano", p.bonus_nano as "bonusNano",
            case when v.id is not null then jsonb_build_object('name', v.plan, 'months', (i.bought #>> '{terms,months}')::integer) end as plan,
            case when u.number is not null then jsonb_build_object('month', i.name, 'invoice', u.number) end as usage,
            (select jsonb_build_object('brand', m.brand, 'last4', m.last4)
               from charge_attempts a join payment_methods m on m.stripe_payment_method = a.payment_method
              where a.payment_id = p.id and a.outcome = 'paid' limit 1) as card,
            coalesce((select sum(b.amount_cents)::integer from refunds b where b.payment_id = p.id and b.state <> 'failed'), 0) as "refundedCents"
       from receipts r
       join payments p on p.id = r.payment_id
       left join invoices i on i.id = p.invoice_id
       left join plan_versions v on v.id = i.bought #>> '{terms,planVersionId}'
       left join usage_invoices u on u.invoice_id = i.id
      where r.payment_id = $1`,
    [paymentId],
  );
  const [row] = rows;
  if (row === undefined) {
    throw new TollgateError('not_found', { message: `There is no receipt of payment ${paymentId}.`, param: 'id' });
  }
  const { orgId, series, inOrganization, creditNano, bonusNano, ...shown } = row;
  return {
    ...shown,
    number: [orgId.slice(-8).toUpperCase(), series, String(inOrganization).padStart(4, '0')].filter(Boolean).join('-'),
    creditNano: nano(creditNano),
    bonusNano: nano(bonusNano),
  };
}
