// The clock of a billing campaign. It leaps by hours, as over a machine that slept: all that fell due meanwhile is due at once, and is hit
// together. Then everything comes to rest, which the product itself tells: nothing that is due may be left undone (D64).
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { BillingProduct } from './billing-product.ts';
import type { Desk } from './desk.ts';

const REST_WITHIN_MS = 240_000;
const PATIENCE_MS = 150_000;
const TRY_AGAIN_MS = 400;

export class BillingClock {
  readonly #product: BillingProduct;
  readonly #desk: Desk;
  #lastAtMs: number | null = null;

  constructor(product: BillingProduct, desk: Desk) {
    this.#product = product;
    this.#desk = desk;
  }

  /** Billing time of now, as far as it was moved. */
  async now(): Promise<Date> {
    return await this.#ask('select billing_now() as at', []);
  }

  async leap(hours: number): Promise<void> {
    const from = this.#lastAtMs ?? (await this.now()).getTime();
    const to = new Date(Math.max(from, (await this.now()).getTime()) + hours * 3_600_000);
    await this.#moveStripe(to);
    await this.#ask('select advance_billing_clock($1) as at', [to]);
    this.#lastAtMs = to.getTime();
  }

  /** What it was that took long; null: nothing. @throws when something is left undone */
  async rest(): Promise<string | null> {
    const giveUpAtMs = performance.now() + REST_WITHIN_MS;
    for (let slow: string | null = null; ; ) {
      const said = await this.#restOnce();
      if (said === null) return slow;
      if (said.includes('clock_not_at_rest')) slow = said;
      if (performance.now() > giveUpAtMs) throw new Error(`it never came to rest: ${said}`);
      await wait(TRY_AGAIN_MS);
    }
  }

  /** Null: it rests. */
  async #restOnce(): Promise<string | null> {
    const { status, body } = await this.#desk.tries('/demo/clock', { advance: '1 minute' });
    return status === 200 ? null : `${status} ${JSON.stringify(body)}`;
  }

  async #moveStripe(to: Date): Promise<void> {
    await insistently(async () => {
      const body = JSON.stringify({ advance_to: to.toISOString() });
      const answer = await fetch(`${this.#product.stripe.url}/_test/clock`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`the fake Stripe refused its clock: ${await answer.text()}`);
    });
  }

  async #ask(statement: string, values: unknown[]): Promise<Date> {
    return await insistently(async () => {
      const db = new Client({ connectionString: this.#product.database.url });
      db.on('error', () => undefined); // it is being killed all the time
      try {
        await db.connect();
        const { rows } = await db.query<{ at: Date }>(statement, values);
        if (rows[0] === undefined) throw new Error('PostgreSQL told no time');
        return rows[0].at;
      } finally {
        await db.end().catch(() => undefined);
      }
    });
  }
}

/** What is killed comes back, and an event of Stripe that was lost is found by listing them, once a minute. */
export async function insistently<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await wait(TRY_AGAIN_MS);
    }
  }
}
