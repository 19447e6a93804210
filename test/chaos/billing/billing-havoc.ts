// What a billing campaign breaks, and whether anybody felt it. Kills fall while something is due: right after the clock has leapt.
import { setTimeout as wait } from 'node:timers/promises';
import { Gateways } from '../gateways.ts';
import type { BillingProduct } from './billing-product.ts';
import { VICTIMS, type Victim, type Watch } from './watch.ts';

const FELT_WITHIN_MS = 5_000;
const POSTGRES_AWAY_MS = 400;

/** Times out of ten that a leap comes with one of these. */
const FAULTED_OF_TEN = 7;
const WEBHOOK_FAULTS = ['lose', 'duplicate', 'reorder', 'delay', 'twin'] as const;
const ANSWER_FAULTS = [
  { answer: 'POST /v1/payment_intents/*/confirm', fault: 'drop_after' },
  { answer: 'POST /v1/payment_intents/*/confirm', fault: 'drop_before' },
  { answer: 'POST /v1/payment_intents/*/confirm', fault: 'fail_after' },
  { answer: 'POST /v1/payment_intents', fault: 'drop_after' },
  { answer: 'POST /v1/payment_intents/*/cancel', fault: 'drop_after' },
  { answer: 'POST /v1/refunds', fault: 'drop_after' },
  { answer: 'GET /v1/payment_intents/*', fault: 'too_many_requests' },
] as const;

export interface Blow {
  readonly victim: Victim;
  readonly atMs: number;
  /** Somebody saw it. One that nobody saw does not count. */
  readonly felt: boolean;
}

export class BillingHavoc {
  readonly blows: Blow[] = [];
  readonly #product: BillingProduct;
  readonly #watch: Watch;
  readonly #dice: () => number;
  readonly #gateways: Gateways;
  #turn = 0;

  constructor(product: BillingProduct, watch: Watch, dice: () => number) {
    this.#product = product;
    this.#watch = watch;
    this.#dice = dice;
    this.#gateways = new Gateways(product.database.url);
  }

  get counted(): number {
    return this.blows.filter(({ felt }) => felt).length;
  }

  count(victim: Victim): number {
    return this.blows.filter((blow) => blow.felt && blow.victim === victim).length;
  }

  /** In turns, so that each of them is hit, and at a moment of the dice's. */
  async strike(): Promise<void> {
    const victim = VICTIMS[this.#turn++ % VICTIMS.length] ?? 'worker';
    await wait(Math.floor(this.#dice() * 1_200));
    const atMs = Date.now();
    const name = await this.#kill(victim);
    this.blows.push({ victim, atMs, felt: await this.#isFelt(victim, name, atMs) });
  }

  async disturb(): Promise<void> {
    if (this.#dice() * 10 >= FAULTED_OF_TEN) return;
    // One change is told by several events: only when some in a row are lost nobody hears of it.
    const count = this.#dice() < 0.2 ? 4 : 1;
    const webhook = WEBHOOK_FAULTS[Math.floor(this.#dice() * WEBHOOK_FAULTS.length)];
    await this.#order(`${this.#product.stripe.url}/_test/fault`, { webhook: '*', fault: webhook, count, ms: 700 });
    const answer = ANSWER_FAULTS[Math.floor(this.#dice() * ANSWER_FAULTS.length)];
    await this.#order(`${this.#product.stripe.url}/_test/fault`, { ...answer, count: 1 });
    if (this.#dice() < 0.08) {
      const fault = this.#dice() < 0.5 ? { kind: 'refuse', status: 451 } : { kind: 'drop', kept: true };
      await this.#order(`${this.#product.inbox.url}/_test/fault`, { fault, times: 1 });
    }
  }

  async heal(): Promise<void> {
    await fetch(`${this.#product.stripe.url}/_test/fault`, { method: 'DELETE' }).catch(() => undefined);
    await this.#order(`${this.#product.inbox.url}/_test/fault`, { fault: null });
  }

  /** Who is away just now is disturbed enough. */
  async #order(url: string, body: object): Promise<void> {
    await fetch(url, { method: 'POST', body: JSON.stringify(body) }).catch(() => undefined);
  }

  async #kill(victim: Victim): Promise<string> {
    const { workers, postgres } = this.#product;
    switch (victim) {
      case 'worker': {
        const worker = workers[Math.floor(this.#dice() * workers.length)]?.process;
        worker?.kill('SIGKILL');
        return worker?.name ?? '';
      }
      case 'postgres':
        postgres.kill('SIGKILL');
        await wait(POSTGRES_AWAY_MS);
        await postgres.restart();
        return victim;
      case 'gateway':
        for (const pid of await this.#gateways.alive()) process.kill(pid, 'SIGKILL');
        return victim;
      case 'temporal':
      case 'stripe':
      case 'inbox':
        this.#product[victim].process.kill('SIGKILL');
        return victim;
    }
  }

  async #isFelt(victim: Victim, name: string, sinceMs: number): Promise<boolean> {
    while (Date.now() < sinceMs + FELT_WITHIN_MS) {
      if (this.#watch.felt(victim, name, sinceMs)) return true;
      await wait(20);
    }
    return false;
  }
}
