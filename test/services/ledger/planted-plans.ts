// Two months of a plan in the books, and the defects that the checks of plans are for.
import type { Pool } from 'pg';
import { termsOf } from '../../../domain/plans.ts';
import { purchaseOrder } from '../../../domain/subscription.ts';
import { newInvoicePayment } from '../../../services/payments/charge-attempts.ts';
import { planOnSale } from '../../../services/plans/plan-versions.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { orderInvoice, planInvoice } from '../../../services/subscriptions/invoices-of-plans.ts';
import { invoicePaid } from '../../../services/subscriptions/learn.ts';

/** A year that is paid, of which a month is credited. */
export async function subscribeOnce(admin: Pool, orgId: string): Promise<void> {
  await inTransaction(admin, async (tx) => {
    const terms = termsOf(await planOnSale(tx, 'pro', Date.now()), 12);
    const order = purchaseOrder('first', terms, terms.priceCents);
    const invoiceId = await orderInvoice(tx, { orgId, subscriptionId: newId(), order });
    const paymentId = await newInvoicePayment(tx, invoiceId, await planInvoice(tx, invoiceId), 'test');
    await tx.query(`select record_payment(id, 'pi_plan', amount_cents, 'usd', 'test') from payments where id = $1`, [
      paymentId,
    ]);
    await invoicePaid(tx, invoiceId, { actor: 'test' });
  });
}

/** Check, defect, the statement that plants it. */
export const PLANTED_PLANS: readonly (readonly [string, string, string])[] = [
  ['I14-periods', 'a period is a day longer', `update subscription_periods set ends_at = ends_at + interval '1 day'`],
  [
    'I14-periods',
    'a year was paid for twice',
    `insert into subscription_periods (subscription_id, anchor, first_month, months, starts_at, ends_at, invoice_id, in_force_from)
       select subscription_id, anchor, 6, months, anchor + interval '6 months', anchor + interval '18 months', gen_random_uuid(), in_force_from
         from subscription_periods`,
  ],
  ['I14-invoices', 'an invoice is paid and bought nothing', 'delete from subscription_periods'],
  ['I14-invoices', 'an invoice is void and bought a period', `update invoices set state = 'void' where kind = 'plan'`],
  [
    'I18-deferred',
    'all months are credited and money is left over',
    `update subscriptions set state = jsonb_set(state, '{creditedMonth}', '11')`,
  ],
  [
    'I18-deferred',
    'more was credited than was paid',
    `update ledger_entries set amount_nano = amount_nano + 180000000000 where account = 'deferred_plan' and amount_nano < 0`,
  ],
];
