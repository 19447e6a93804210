// Who is billed during a bench: customers who bought Pro as people do it, over the API and on Stripe's page, at moments of the clock of billing
// that the bench has chosen, so that their renewals fall due as it wants them. No workflow runs meanwhile: all news is held back.

import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { BillingProduct } from '../../test/chaos/billing/billing-product.ts';
import { Complaints } from '../../test/chaos/billing/complaints.ts';
import { Desk } from '../../test/chaos/billing/desk.ts';
import { inParallel } from '../in-parallel.ts';

export interface Customer {
  readonly orgId: string;
  readonly subscriptionId: string;
}

export interface Order {
  readonly count: number;
  /** Of those who do not pay at once. */
  readonly perSecond: number;
  /** Pay as quickly as they can, before the others. */
  readonly atOnce: number;
}

const GOOD_CARD = 'pm_card_visa';
const EMPTY_CARD = 'pm_fake_declines_insufficient_funds';
const LOOK_AGAIN_MS = 100;
const TRIES = 1_200;

export class Shop {
  readonly #desk: Desk;
  readonly #db: Pool;
  #customers = 0;

  /** `db`: as superuser. */
  constructor(product: BillingProduct, db: Pool) {
    this.#desk = new Desk(product, new Complaints());
    this.#db = db;
  }

  /** All stand before Stripe's page first: what falls due one after another must have been paid as quickly. */
  async sell({ count, perSecond, atOnce }: Order): Promise<Customer[]> {
    const buyers = await inParallel(count, () => this.#choosePlan(`bench-${this.#customers++}`));
    const beganAtMs = performance.now();
    await inParallel(count, async (at) => {
      const { name = '', pageUrl = '' } = buyers[at] ?? {};
      await wait(Math.max(0, beganAtMs + ((at - atOnce) * 1_000) / perSecond - performance.now()));
      await this.#desk.submit(pageUrl, { payment_method: `${GOOD_CARD}~${name}` });
    });
    return await this.#subscriptionsOf(buyers.map(({ orgId }) => orgId));
  }

  /** From now on his card pays nothing. */
  async emptyCards(customers: readonly Customer[]): Promise<void> {
    await inParallel(customers.length, async (at) => {
      const { orgId = '' } = customers[at] ?? {};
      const { rows } = await this.#db.query<{ id: string }>(
        'select stripe_customer as id from stripe_customers where org_id = $1',
        [orgId],
      );
      await this.#desk.leaveCard(rows[0]?.id ?? '', `${EMPTY_CARD}~${orgId}`);
    });
    await this.#until(async () => {
      const { rows } = await this.#db.query('select from stripe_events where processed_at is null limit 1');
      return rows.length === 0;
    }, 'Stripe is heard out');
  }

  /** Of the last of them. */
  async endOfMonth(customers: readonly Customer[]): Promise<number> {
    const { rows } = await this.#db.query<{ at: Date }>(
      'select max(ends_at) as at from subscription_periods where subscription_id = any($1)',
      [customers.map(({ subscriptionId }) => subscriptionId)],
    );
    return rows[0]?.at.getTime() ?? Number.NaN;
  }

  async nowMs(): Promise<number> {
    const { rows } = await this.#db.query<{ now: Date }>('select billing_now() as now');
    return rows[0]?.now.getTime() ?? Number.NaN;
  }

  /** No further back than it stands. */
  async moveTo(atMs: number): Promise<void> {
    await this.#db.query('select advance_billing_clock($1)', [new Date(atMs)]);
  }

  async #choosePlan(name: string): Promise<{ name: string; orgId: string; pageUrl: string }> {
    const org = await this.#desk.post<{ id: string }>('/organizations', { name, rateTier: 'standard' });
    if (org === null) throw new Error(`organization ${name} was refused`);
    await this.#desk.sendBillsTo(org.id, `${name}@bench.example`);
    const page = await this.#desk.post<{ url: string }>(`/organizations/${org.id}/subscription-checkouts`, {
      plan: 'pro',
      months: 1,
    });
    if (page === null) throw new Error(`organization ${name} may not buy`);
    return { name, orgId: org.id, pageUrl: page.url };
  }

  /** In the order in which they will be due. */
  async #subscriptionsOf(orgIds: readonly string[]): Promise<Customer[]> {
    let found: Customer[] = [];
    await this.#until(async () => {
      const { rows } = await this.#db.query<Customer>(
        'select org_id as "orgId", id as "subscriptionId" from subscriptions where org_id = any($1) order by wake_at',
        [orgIds],
      );
      found = rows;
      return found.length === orgIds.length;
    }, 'all who paid have a subscription');
    return found;
  }

  async #until(isSo: () => Promise<boolean>, what: string): Promise<void> {
    for (let tries = 1; !(await isSo()); tries += 1) {
      if (tries === TRIES) throw new Error(`it did not come to this: ${what}`);
      await wait(LOOK_AGAIN_MS);
    }
  }
}
