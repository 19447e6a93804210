// Who is billed during a bench: customers who bought Pro as people do it, over the API and on Stripe's page, at moments of the clock of billing
// that the bench has chosen, so that their renewals fall due as it wants them. No workflow runs meanwhile: all news is held back.
import type { Pool } from 'pg';
import type { BillingProduct } from '../../test/chaos/billing/billing-product.ts';
import { Desk } from '../../test/chaos/billing/desk.ts';

export interface Customer {
  readonly orgId: string;
  readonly subscriptionId: string;
}

export interface Order {
  readonly count: number;
  /** Between one customer and the next, by the clock of billing. */
  readonly spacingMs: number;
  /** Bought at one moment, before the others. */
  readonly atOnce: number;
}

const BUYERS = 8;
const GOOD_CARD = 'pm_card_visa';
const EMPTY_CARD = 'pm_fake_declines_insufficient_funds';
const LOOK_AGAIN_MS = 20;
const TRIES = 1_500;

export class Shop {
  readonly #desk: Desk;
  readonly #db: Pool;
  #customers = 0;

  /** `db`: as superuser. */
  constructor(product: BillingProduct, db: Pool) {
    this.#desk = new Desk(product);
    this.#db = db;
  }

  async sell({ count, spacingMs, atOnce }: Order): Promise<Customer[]> {
    const beganAtMs = await this.nowMs();
    return inParallel(count, async (at) => {
      await this.moveTo(beganAtMs + Math.max(0, at - atOnce) * spacingMs);
      return this.#sellTo(`bench-${this.#customers++}`);
    });
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

  async #sellTo(name: string): Promise<Customer> {
    const org = await this.#desk.post<{ id: string }>('/organizations', { name, rateTier: 'standard' });
    if (org === null) throw new Error(`organization ${name} was refused`);
    await this.#desk.sendBillsTo(org.id, `${name}@bench.example`);
    const page = await this.#desk.post<{ url: string }>(`/organizations/${org.id}/subscription-checkouts`, {
      plan: 'pro',
      months: 1,
    });
    if (page === null) throw new Error(`organization ${name} may not buy`);
    await this.#desk.submit(page.url, { payment_method: `${GOOD_CARD}~${name}` });
    return { orgId: org.id, subscriptionId: await this.#subscriptionOf(org.id) };
  }

  async #subscriptionOf(orgId: string): Promise<string> {
    let found = '';
    await this.#until(async () => {
      const { rows } = await this.#db.query<{ id: string }>('select id from subscriptions where org_id = $1', [orgId]);
      found = rows[0]?.id ?? '';
      return found !== '';
    }, `the payment of ${orgId} becomes a subscription`);
    return found;
  }

  async #until(isSo: () => Promise<boolean>, what: string): Promise<void> {
    for (let tries = 1; !(await isSo()); tries += 1) {
      if (tries === TRIES) throw new Error(`it did not come to this: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

/** In their order. */
export async function inParallel<T>(count: number, make: (at: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < count; at = next++) made[at] = await make(at);
  };
  await Promise.all(Array.from({ length: BUYERS }, worker));
  return made;
}
