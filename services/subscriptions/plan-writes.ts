// What a step of a subscription writes (SubscriptionWrite of domain/subscription.ts), as rows and money.
import type { PoolClient } from 'pg';
import { endOf, type Period, startOf } from '../../domain/billing-periods.ts';
import { cents, nanoOf } from '../../domain/cents.ts';
import type { Subscription, SubscriptionWrite } from '../../domain/subscription.ts';
import { idFor } from '../platform/ids.ts';
import { invoiceIdOf, orderInvoice } from './invoices-of-plans.ts';

export interface Written {
  readonly orgId: string;
  readonly subscriptionId: string;
  /** As it stands after the step. */
  readonly state: Subscription;
  readonly actor: string;
}

export async function write(tx: PoolClient, about: Written, one: SubscriptionWrite): Promise<void> {
  switch (one.kind) {
    case 'ordered':
      await orderInvoice(tx, { ...about, order: one.order });
      return;
    case 'period_skipped':
      return insertPeriod(tx, about.subscriptionId, one.period, null);
    case 'period_begun': {
      const invoiceId = invoiceIdOf(about.subscriptionId, one.order.invoice);
      return insertPeriod(tx, about.subscriptionId, one.period, { invoiceId, fromMs: one.fromMs });
    }
    case 'period_cut':
      await tx.query(
        'update subscription_periods set cut_at = $4 where subscription_id = $1 and anchor = $2 and first_month = $3 and cut_at is null',
        [about.subscriptionId, new Date(one.period.anchorMs), one.period.firstMonth, new Date(one.atMs)],
      );
      await tx.query(`select void_included($1, 'another plan took its place', $2)`, [about.orgId, about.actor]);
      return;
    case 'credit_granted':
      return grantCredit(tx, about, one);
    case 'paused':
    case 'plan_ended':
      return;
  }
}

export async function insertPeriod(
  tx: PoolClient,
  subscriptionId: string,
  period: Period,
  paid: { readonly invoiceId: string; readonly fromMs: number } | null,
): Promise<void> {
  await tx.query(
    `insert into subscription_periods (subscription_id, anchor, first_month, months, starts_at, ends_at, invoice_id, in_force_from)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      subscriptionId,
      new Date(period.anchorMs),
      period.firstMonth,
      period.months,
      new Date(startOf(period)),
      new Date(endOf(period)),
      paid?.invoiceId ?? null,
      paid === null ? null : new Date(paid.fromMs),
    ],
  );
}

/** A year is paid at once and credited by the month; each month takes its share of what is left of the price. */
export async function grantCredit(
  tx: PoolClient,
  { orgId, subscriptionId, state, actor }: Written,
  credit: SubscriptionWrite & { readonly kind: 'credit_granted' },
): Promise<void> {
  const invoiceId = invoiceIdOf(subscriptionId, credit.invoice);
  const { firstMonth, months } = state.period;
  const monthsLeft = firstMonth + months - credit.month.firstMonth;
  await tx.query('select grant_included($1, $2, $3, $4, $5, $6)', [
    idFor(`credit:${invoiceId}:${credit.month.firstMonth}`),
    orgId,
    nanoOf(cents(credit.creditCents)),
    new Date(credit.untilMs),
    monthsLeft,
    actor,
  ]);
}
