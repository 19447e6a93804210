// Invoices of plans that were ordered, and paid, in days that a restored database has forgotten. What is due by the clock is ordered by its
// subscription itself, under the same id. What somebody had decided there, an upgrade or a purchase, is ordered again as his payment says.
import type { PoolClient } from 'pg';
import { openOrder } from '../../domain/subscription.ts';
import type { Tax } from '../../domain/tax.ts';
import { findDunning } from '../dunning/dunning-rows.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { jsonbText } from '../platform/postgres.ts';
import { findPlanInvoice, invoiceIdOf, type PlanInvoice, planInvoice, voidInvoice } from './invoices-of-plans.ts';
import { liveSubscriptionOf, subscriptionRow } from './subscription-rows.ts';
import { type Told, takeTurn } from './turn.ts';

export interface LostOrder extends Pick<PlanInvoice, 'orgId' | 'subscriptionId' | 'name' | 'bought'> {
  readonly invoiceId: string;
  /** With tax. */
  readonly amountCents: number;
  readonly taxCents: number;
}

const ONE_PPM = 1_000_000;

/** Its invoice is there afterwards, and the subscription waits for its money, or has ended: then it is void, and the money goes back. */
export async function orderAgain(tx: PoolClient, lost: LostOrder, told: Told): Promise<void> {
  const { orgId, subscriptionId, invoiceId, name, bought, amountCents, taxCents } = lost;
  await lockedOrganization(tx, orgId);
  const isLive = (await liveSubscriptionOf(tx, orgId))?.id === subscriptionId;
  const context = { orgId, ...told };
  const turn = { process: 'subscription', id: subscriptionId } as const;
  // What the clock orders has the same name whenever somebody looks.
  if (isLive) await takeTurn(tx, context, { ...turn, event: { kind: 'tick' } });
  if ((await findPlanInvoice(tx, invoiceId)) !== null) return;
  await insertAgain(tx, lost);
  const { hasBegun } = await planInvoice(tx, invoiceId);
  if (hasBegun && !isLive) await voidInvoice(tx, invoiceId);
  if (!hasBegun || !isLive) return;
  const waitedFor = openOrder((await subscriptionRow(tx, subscriptionId)).state);
  const order = { ...bought, invoice: name, amountCents: amountCents - taxCents };
  await takeTurn(tx, context, { ...turn, event: { kind: 'order_found', order } });
  if (waitedFor !== null) await dropInstead(tx, orgId, invoiceIdOf(subscriptionId, waitedFor.invoice), told);
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
