// Invoices of plans that were ordered, and paid, in days that a restored database has forgotten. What is due by the clock is ordered by its
// subscription itself, under the same id. What somebody had decided there, an upgrade or a purchase, is ordered again as his payment says.
import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import { endOf } from '../../domain/billing-periods.ts';
import { openOrder, purchaseName } from '../../domain/subscription.ts';
import type { Tax } from '../../domain/tax.ts';
import { findDunning } from '../dunning/dunning-rows.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { jsonbText } from '../platform/postgres.ts';
import { findPlanInvoice, invoiceIdOf, type PlanInvoice, planInvoice, voidInvoice } from './invoices-of-plans.ts';
import { liveSubscriptionOf, type SubscriptionRow, subscriptionRow } from './subscription-rows.ts';
import { type Told, takeTurn } from './turn.ts';

export interface LostOrder extends Pick<PlanInvoice, 'orgId' | 'subscriptionId' | 'name' | 'bought'> {
  readonly invoiceId: string;
  /** With tax. */
  readonly amountCents: number;
  readonly taxCents: number;
}

const ONE_PPM = 1_000_000;

/**
 * The invoice that it pays is there afterwards, and the subscription waits for its money, or has ended: then it is void, and the money goes back.
 * 'skipped': its period is over, and a later one may be paid. 'other_order': its name asks for something else here, and not for money any more.
 */
export async function orderAgain(
  tx: PoolClient,
  lost: LostOrder,
  told: Told,
): Promise<{ readonly invoiceId: string } | 'skipped' | 'other_order'> {
  const { orgId, subscriptionId, invoiceId, name, bought } = lost;
  await lockedOrganization(tx, orgId);
  const before = await liveSubscriptionOf(tx, orgId);
  const live = before?.id === subscriptionId ? before : null;
  const there = await findPlanInvoice(tx, invoiceId);
  if (there !== null && asksForTheSame(there, lost)) return { invoiceId };
  if (there !== null) {
    if (live === null || there.state !== 'open' || openOrder(live.state)?.invoice !== name) return 'other_order';
    return ordered(tx, renamed(lost), live, told);
  }
  const isOver = live !== null && bought.period !== null && endOf(bought.period) <= live.readAtMs;
  return isOver ? 'skipped' : ordered(tx, lost, live, told);
}

function asksForTheSame({ bought, amountCents, taxCents, awaitsTax }: PlanInvoice, lost: LostOrder): boolean {
  const isAsPaid = amountCents === lost.amountCents && taxCents === lost.taxCents && !awaitsTax;
  return isAsPaid && isDeepStrictEqual(bought, lost.bought);
}

/** What an invoice asks for never changes: the one that was paid is made beside it, and takes its place. */
function renamed(lost: LostOrder): LostOrder {
  const name = purchaseName(lost.name);
  return { ...lost, name, invoiceId: invoiceIdOf(lost.subscriptionId, name) };
}

/** What the clock orders has the same name whenever somebody looks, and finds what was paid. */
async function ordered(
  tx: PoolClient,
  lost: LostOrder,
  live: SubscriptionRow | null,
  told: Told,
): Promise<{ readonly invoiceId: string } | 'other_order'> {
  const { orgId, subscriptionId: id, invoiceId, name, bought, amountCents, taxCents } = lost;
  if ((await findPlanInvoice(tx, invoiceId)) !== null) return 'other_order';
  await insertAgain(tx, lost);
  const { hasBegun } = await planInvoice(tx, invoiceId);
  if (hasBegun && live === null) await voidInvoice(tx, invoiceId);
  if (!hasBegun || live === null) return { invoiceId };
  const context = { orgId, ...told };
  await takeTurn(tx, context, { process: 'subscription', id, event: { kind: 'tick' } });
  const waitedFor = openOrder((await subscriptionRow(tx, id)).state);
  const order = { ...bought, invoice: name, amountCents: amountCents - taxCents };
  await takeTurn(tx, context, { process: 'subscription', id, event: { kind: 'order_found', order } });
  if (waitedFor !== null && waitedFor.invoice !== name)
    await dropInstead(tx, orgId, invoiceIdOf(id, waitedFor.invoice), told);
  return { invoiceId };
}

/** Where Stripe had said the tax, it is kept as the rate that it came to: the calculation is gone. */
async function insertAgain(tx: PoolClient, lost: LostOrder): Promise<void> {
  const { orgId, subscriptionId, invoiceId, name, bought, amountCents, taxCents } = lost;
  const tax: Tax =
    taxCents === 0
      ? { kind: 'none' }
      : { kind: 'fixed_rate', ratePpm: Math.round((taxCents * ONE_PPM) / (amountCents - taxCents)) };
  await tx.query(
    `insert into invoices (id, org_id, kind, subscription_id, name, bought, amount_cents, tax_cents, tax)
     values ($1, $2, 'plan', $3, $4, $5, $6, $7, $8)`,
    [invoiceId, orgId, subscriptionId, name, jsonbText(bought), amountCents, taxCents, jsonbText(tax)],
  );
}

/** What this database asks for in the place of what was paid: nobody pays both. */
async function dropInstead(tx: PoolClient, orgId: string, invoiceId: string, told: Told): Promise<void> {
  await voidInvoice(tx, invoiceId);
  if ((await findDunning(tx, invoiceId)) === null) return;
  const event = { kind: 'settled', how: 'void' } as const;
  await takeTurn(tx, { orgId, ...told }, { process: 'dunning', id: invoiceId, event });
}
