// Limited customers pay, at a steady pace, on a page of Stripe's: what brings the news is Stripe's webhook. The clock runs from the
// customer's click to the announcement that gateways lift him by; what Stripe takes itself is in it.
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { BillingProduct } from '../../test/chaos/billing/billing-product.ts';
import type { Debtor } from './debtors.ts';

const LIFTED_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 50;

/** Milliseconds of each. */
export async function liftTimes(
  product: BillingProduct,
  debtors: readonly Debtor[],
  perSecond: number,
): Promise<number[]> {
  const db = new Client({ connectionString: product.database.url });
  await db.connect();
  try {
    const paidAtMs = new Map<string, number>();
    const tookMs = new Map<string, number>();
    db.on('notification', ({ payload = '' }) => {
      const [kind, orgId = ''] = payload.split(':');
      const paidMs = paidAtMs.get(orgId);
      if (kind === 'organization' && paidMs !== undefined) tookMs.set(orgId, performance.now() - paidMs);
    });
    await db.query('listen tollgate_config');
    const beganAtMs = performance.now();
    const payments: Promise<void>[] = [];
    for (const [at, debtor] of debtors.entries()) {
      await wait(Math.max(0, beganAtMs + (at * 1_000) / perSecond - performance.now()));
      paidAtMs.set(debtor.orgId, performance.now());
      payments.push(pay(product, debtor));
    }
    await Promise.all(payments);
    for (
      const giveUpAtMs = performance.now() + LIFTED_WITHIN_MS;
      tookMs.size < debtors.length;
      await wait(LOOK_AGAIN_MS)
    ) {
      if (performance.now() > giveUpAtMs) throw new Error(`of ${debtors.length} who paid ${tookMs.size} were lifted`);
    }
    await requireLifted(db, debtors);
    return [...tookMs.values()];
  } finally {
    await db.end();
  }
}

async function pay({ stripe, environment }: BillingProduct, { orgId, paymentIntent }: Debtor): Promise<void> {
  const answer = await fetch(`${stripe.url}/v1/payment_intents/${paymentIntent}/confirm`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${environment.STRIPE_SECRET_KEY}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ payment_method: `pm_card_mastercard~${orgId}` }).toString(),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`Stripe did not take the payment of ${orgId}: ${text}`);
}

async function requireLifted(db: Client, debtors: readonly Debtor[]): Promise<void> {
  const { rowCount } = await db.query("select from organizations where overdue_stage <> 'none' and id = any($1)", [
    debtors.map(({ orgId }) => orgId),
  ]);
  if (rowCount !== 0) throw new Error(`${rowCount} who paid are limited still`);
}
