// Invoices of plans: one per order of a subscription, under an id that follows from both, so that whoever orders again finds it.
import type { PoolClient } from 'pg';
import type { Period } from '../../domain/billing-periods.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Terms } from '../../domain/plans.ts';
import type { Order } from '../../domain/subscription.ts';
import { idFor } from '../platform/ids.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';
import { taxFor } from '../taxes/taxes.ts';

export interface PlanInvoice {
  readonly id: string;
  readonly orgId: string;
  readonly subscriptionId: string;
  /** Of the order, in domain/subscription.ts. */
  readonly name: string;
  readonly bought: { readonly terms: Terms; readonly period: Period | null };
  readonly amountCents: number;
  /** Of the amount. */
  readonly taxCents: number;
  /** The amount is net: Stripe has not said yet what the tax on it is. */
  readonly awaitsTax: boolean;
  readonly state: 'open' | 'paid' | 'void';
  /** Its subscription is there. One that is bought begins with its first payment. */
  readonly hasBegun: boolean;
  /** Or was. */
  readonly isInDunning: boolean;
}

export function invoiceIdOf(subscriptionId: string, name: string): string {
  return idFor(`invoice:${subscriptionId}:${name}`);
}

/** What the order costs, and the tax on it. Its payment is made when somebody is asked for the money (services/payments). */
export async function orderInvoice(
  tx: PoolClient,
  { orgId, subscriptionId, order }: { orgId: string; subscriptionId: string; order: Order },
): Promise<string> {
  const { invoice: name, terms, period, amountCents } = order;
  const id = invoiceIdOf(subscriptionId, name);
  const { grossCents, taxCents, tax } = await taxFor(tx, orgId, amountCents);
  await tx.query(
    `insert into invoices (id, org_id, kind, subscription_id, name, bought, amount_cents, tax_cents, tax)
     values ($1, $2, 'plan', $3, $4, $5, $6, $7, $8) on conflict (id) do nothing`,
    [id, orgId, subscriptionId, name, jsonbText({ terms, period }), grossCents, taxCents, jsonbText(tax)],
  );
  return id;
}

/** Null: it is of no plan. */
export async function findPlanInvoice(db: Queryable, id: string): Promise<PlanInvoice | null> {
  const { rows } = await db.query<PlanInvoice>(
    `select i.id, i.org_id as "orgId", i.subscription_id as "subscriptionId", i.name, i.bought, i.amount_cents as "amountCents",
            i.tax_cents as "taxCents", i.awaits_tax as "awaitsTax", i.state, exists (select from subscriptions s where s.id = i.subscription_id) as "hasBegun",
            exists (select from dunnings d where d.invoice_id = i.id) as "isInDunning"
       from invoices i where i.id = $1 and i.kind = 'plan'`,
    [id],
  );
  return rows[0] ?? null;
}

/** @throws TollgateError not_found */
export async function planInvoice(db: Queryable, id: string): Promise<PlanInvoice> {
  const found = await findPlanInvoice(db, id);
  if (found === null) throw new TollgateError('not_found', { message: `There is no invoice ${id}.` });
  return found;
}

export async function voidInvoice(tx: PoolClient, id: string): Promise<void> {
  await tx.query(`update invoices set state = 'void', closed_at = billing_now() where id = $1 and state = 'open'`, [
    id,
  ]);
}
