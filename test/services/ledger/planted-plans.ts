// Two months of a plan in the books, and the defects that the checks of plans are for.
import type { Pool } from 'pg';
import { termsOf } from '../../../domain/plans.ts';
import { purchaseOrder } from '../../../domain/subscription.ts';
import { newInvoicePayment } from '../../../services/payments/charge-standing.ts';
import { planOnSale } from '../../../services/plans/plan-versions.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { orderInvoice, planInvoice } from '../../../services/subscriptions/invoices-of-plans.ts';
import { invoicePaid } from '../../../services/subscriptions/learn.ts';

/** A year that is paid, of which a month is credited. */
export async function subscribeOnce(admin: Pool, orgId: string, intent: string): Promise<void> {
  await inTransaction(admin, async (tx) => {
    const terms = termsOf(await planOnSale(tx, 'pro', Date.now()), 12);
    const order = purchaseOrder('first', terms, terms.priceCents);
    const invoiceId = await orderInvoice(tx, { orgId, subscriptionId: newId(), order });
    const paymentId = await newInvoicePayment(tx, invoiceId, await planInvoice(tx, invoiceId), 'test');
    await tx.query(`select record_payment(id, $2, amount_cents, 'usd', 'test') from payments where id = $1`, [
      paymentId,
      intent,
    ]);
    await invoicePaid(tx, invoiceId, { actor: 'test' });
  });
}

/** A cent more for the one, and a cent less for the other: the sum of all stays. */
const BETWEEN_TWO = `set amount_nano = amount_nano + case org_id when (select org_id from subscriptions order by id limit 1) then 10000000 else -10000000 end`;

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
    'I18-paid',
    'one has deferred more than it paid, and another as much less',
    `update ledger_entries ${BETWEEN_TWO} where account = 'deferred_plan' and amount_nano < 0`,
  ],
  [
    'I18-paid',
    'a refund took nothing of what is owed back',
    `update ledger_entries set account = 'deferred_adjust' where account = 'owed_back' and amount_nano > 0`,
  ],
  [
    'I18-paid',
    'a refund failed and brought nothing back',
    `update refunds set state = 'failed', reversal_id = 0 where payment_id in (select id from payments where purpose = 'second_capture')`,
  ],
  [
    'I18-credited',
    'a month of one took more than its part, and one of another as much less',
    `update ledger_entries ${BETWEEN_TWO} where account = 'deferred_plan' and amount_nano > 0`,
  ],
  [
    'I18-credited',
    'credit was given for no month that was paid',
    `update credit_grants set expires_at = expires_at + interval '1 day' where source = 'included'`,
  ],
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
