// Customers whose plan was not renewed and who are limited for it: what their lifting takes is measured. They go up the ladder as the product
// takes everybody up, by the services that the activities call; only nobody waits for Temporal here, which has its own windows.

import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'pg';
import { Dunnings } from '../../services/dunning/dunnings.ts';
import { answerCardAsk, settleCardAsks } from '../../services/payments/card-asks.ts';
import { StripeApi } from '../../services/payments/stripe-api.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { Subscriptions } from '../../services/subscriptions/subscriptions.ts';
import { BillingClock } from '../../test/chaos/billing/billing-clock.ts';
import type { BillingProduct } from '../../test/chaos/billing/billing-product.ts';
import { Complaints } from '../../test/chaos/billing/complaints.ts';
import { Desk } from '../../test/chaos/billing/desk.ts';
import { inParallel } from '../in-parallel.ts';
import type { Customer } from './shop.ts';

export interface Debtor extends Customer {
  readonly invoiceId: string;
  readonly paymentIntent: string;
}

const POOL = { name: 'bench, debtors', maxConnections: 10, statementTimeoutMs: 8_000 };
const PATIENCE_MS = 30_000;
const DAY_HOURS = 24;
const WARNED_ON_DAY = 6;
const LOOK_AGAIN_MS = 100;

/** Their month is over, and their cards pay nothing. */
export async function limitAll(product: BillingProduct, customers: readonly Customer[]): Promise<Debtor[]> {
  const db = createPool(product.database.urlFor('worker'), POOL);
  const superuser = new Pool({ connectionString: product.database.url });
  const clock = new BillingClock(product, new Desk(product, new Complaints()));
  try {
    const ladder = new Ladder(db, stripeOf(product));
    await inParallel(customers.length, (at) => ladder.refuseRenewal(customers[at]?.subscriptionId ?? ''));
    const debtors = await debtorsAmong(superuser, customers);
    await clock.leap(WARNED_ON_DAY * DAY_HOURS + 1);
    await inParallel(debtors.length, (at) => ladder.climb(debtors[at]?.invoiceId ?? ''));
    await untilWarned(superuser, debtors.length);
    await clock.leap(DAY_HOURS + 1);
    await inParallel(debtors.length, (at) => ladder.climb(debtors[at]?.invoiceId ?? ''));
    const { rows } = await superuser.query("select from organizations where overdue_stage = 'limited'");
    if (rows.length < debtors.length) throw new Error(`of ${debtors.length} debtors ${rows.length} are limited`);
    return debtors;
  } finally {
    await superuser.end();
    await db.end();
  }
}

class Ladder {
  readonly #place: { readonly db: Pool; readonly stripe: StripeApi };
  readonly #subscriptions: Subscriptions;
  readonly #dunnings: Dunnings;

  constructor(db: Pool, stripe: StripeApi) {
    this.#place = { db, stripe };
    this.#subscriptions = new Subscriptions(db);
    this.#dunnings = new Dunnings(db);
  }

  async refuseRenewal(subscriptionId: string): Promise<void> {
    await this.#subscriptions.tick(subscriptionId);
    await settleCardAsks(this.#place, subscriptionId, PATIENCE_MS);
  }

  async climb(invoiceId: string): Promise<void> {
    for (;;) {
      const { asks } = await this.#dunnings.tick(invoiceId);
      if (asks.length === 0) return;
      for (const ask of asks) await answerCardAsk(this.#place, ask);
    }
  }
}

function stripeOf({ stripe, environment }: BillingProduct): StripeApi {
  const { STRIPE_SECRET_KEY: secretKey = '', STRIPE_WEBHOOK_SECRET: webhookSecret = '' } = environment;
  return new StripeApi({ apiBase: stripe.url, secretKey, webhookSecret }, async () => {});
}

async function debtorsAmong(db: Pool, customers: readonly Customer[]): Promise<Debtor[]> {
  const { rows } = await db.query<Debtor>(
    `select d.org_id as "orgId", d.subscription_id as "subscriptionId", d.invoice_id as "invoiceId", p.stripe_payment_intent as "paymentIntent"
       from dunnings d join payments p on p.invoice_id = d.invoice_id where d.closed is null`,
  );
  if (rows.length !== customers.length) throw new Error(`of ${customers.length} customers ${rows.length} owe`);
  return rows;
}

async function untilWarned(db: Pool, count: number): Promise<void> {
  for (let warned = 0; warned < count; await wait(LOOK_AGAIN_MS)) {
    const { rowCount } = await db.query(
      "select from notifications where notice = 'limit_warning' and handed_over_at is not null",
    );
    warned = rowCount ?? 0;
  }
}
