// What a billing campaign breaks, and who noticed. Kills fall while something is due, right after the clock has leapt, and hit a part that
// is at work; whether one counts is settled at rest, when all that failed has been heard of.
import { setTimeout as wait } from 'node:timers/promises';
import { BILLING_QUEUE } from '../../../workflows/contracts/task-queues.ts';
import { Gateways } from '../gateways.ts';
import { insistently } from './billing-clock.ts';
import type { BillingProduct, ServedWorker } from './billing-product.ts';
import { hearOfBrokenTasks } from './broken-tasks.ts';
import { type Complaint, type Complaints, VICTIMS, type Victim } from './complaints.ts';
import type { Desk } from './desk.ts';
import { ProcessLog } from './process-logs.ts';
import { WEBHOOK_FAULTS, WebhookTally } from './webhook-tally.ts';

/** Whoever waits for a part that was killed has failed by then. */
const NOTICED_WITHIN_MS = 60_000;
const BUSY_WITHIN_MS = 3_000;
/** Of a day on which nobody pays, too, so it is short. */
const PAYING_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;
const STRIPE_THINKS_MS = 2_000;
/** So often in a row a worker must be found waiting: most answers of Stripe take less. */
const LOOKS_AT_WAITING = 8;
const HIT_WHILE_PAYING: ReadonlySet<Victim> = new Set(['worker', 'stripe']);
const HIT_AT_ANY_TIME = VICTIMS.filter((victim) => !HIT_WHILE_PAYING.has(victim));
const POSTGRES_AWAY_MS = 400;

/** Times out of ten that a leap comes with one of these. */
const FAULTED_OF_TEN = 8;
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
  /** 0: it has none of its own. */
  readonly pid: number;
  readonly atMs: number;
  /** Null: nobody noticed, or not yet. */
  readonly noticed: Complaint | null;
}

export interface HavocParts {
  readonly product: BillingProduct;
  readonly desk: Desk;
  readonly complaints: Complaints;
  readonly dice: () => number;
}

export class BillingHavoc {
  readonly webhooks = new WebhookTally();
  readonly #parts: HavocParts;
  readonly #gateways: Gateways;
  readonly #logs: readonly ProcessLog[];
  #settled: readonly Blow[] = [];
  #fresh: Blow[] = [];
  #webhooksOrdered = 0;

  constructor(parts: HavocParts) {
    this.#parts = parts;
    const { database, stripe, temporal, inbox, workers, gateway } = parts.product;
    this.#gateways = new Gateways(database.url);
    const addresses = {
      postgres: new URL(database.url).host,
      stripe: new URL(stripe.url).host,
      temporal: temporal.url,
      inbox: new URL(inbox.smtpUrl).host,
    };
    const writers = [gateway, ...workers.map(({ process }) => process)];
    this.#logs = writers.map(({ name, logFile }) => new ProcessLog(name, logFile, addresses));
  }

  /** Kills that somebody noticed, as far as they are settled. */
  get counted(): readonly Blow[] {
    return this.#settled.filter(({ noticed }) => noticed !== null);
  }

  get unnoticed(): readonly Blow[] {
    return this.#settled.filter(({ noticed }) => noticed === null);
  }

  /** At a moment of the dice's. */
  async strike(): Promise<void> {
    const wanted = this.#leastHit(VICTIMS);
    const isHitWhilePaying = HIT_WHILE_PAYING.has(wanted);
    if (isHitWhilePaying) await this.#letStripeThink();
    await wait(Math.floor(this.#parts.dice() * 1_200));
    const payer = isHitWhilePaying ? await soon(() => this.#workerThatWaits(), PAYING_WITHIN_MS) : null;
    const victim = isHitWhilePaying && payer === null ? this.#leastHit(HIT_AT_ANY_TIME) : wanted;
    this.#fresh.push({ victim, noticed: null, ...(await this.#kill(victim, payer)) });
  }

  /** As far as it was noticed: who was hit in vain is hit again. */
  #leastHit(victims: readonly Victim[]): Victim {
    const hits = Map.groupBy([...this.counted, ...this.#fresh], ({ victim }) => victim);
    const [first] = victims.toSorted((a, b) => (hits.get(a)?.length ?? 0) - (hits.get(b)?.length ?? 0));
    if (first === undefined) throw new Error('there are no victims');
    return first;
  }

  /** The payment that a leap makes due takes so long that it still goes on when something falls. */
  async #letStripeThink(): Promise<void> {
    const confirming = 'POST /v1/payment_intents/*/confirm';
    const fault = { answer: confirming, fault: 'delay_before', ms: STRIPE_THINKS_MS };
    await order(`${this.#parts.product.stripe.url}/_test/fault`, fault);
  }

  /** One that has waited for Stripe's answer for so long that it still does when something falls; null: none. */
  async #workerThatWaits(): Promise<ServedWorker | null> {
    const { workers } = this.#parts.product;
    const each = await Promise.all(workers.map(async (worker) => ((await goesOnWaiting(worker)) ? worker : null)));
    return each.find((worker) => worker !== null) ?? null;
  }

  /** At rest. */
  async settle(): Promise<void> {
    const { product, complaints } = this.#parts;
    for (const log of this.#logs) log.readOn(complaints);
    await this.webhooks.readOn(product.stripe.url, complaints);
    const workers = this.#fresh.filter(({ victim }) => victim === 'worker');
    if (workers.length > 0) await insistently(() => hearOfBrokenTasks(product.temporal.url, workers, complaints));
    const heardOf = ({ victim, pid, atMs }: Blow) => complaints.about(victim, pid, atMs, atMs + NOTICED_WITHIN_MS);
    this.#settled = [...this.#settled, ...this.#fresh.map((blow) => ({ ...blow, noticed: heardOf(blow) }))];
    this.#fresh = [];
  }

  async disturb(): Promise<void> {
    const { product, dice, complaints } = this.#parts;
    await this.webhooks.readOn(product.stripe.url, complaints);
    if (dice() * 10 >= FAULTED_OF_TEN) return;
    // One change is told by several events: only when some in a row are lost nobody hears of it.
    const count = dice() < 0.2 ? 4 : 1;
    const webhook = WEBHOOK_FAULTS[this.#webhooksOrdered++ % WEBHOOK_FAULTS.length];
    await order(`${product.stripe.url}/_test/fault`, { webhook: '*', fault: webhook, count, ms: 700 });
    const answer = ANSWER_FAULTS[Math.floor(dice() * ANSWER_FAULTS.length)];
    await order(`${product.stripe.url}/_test/fault`, { ...answer, count: 1 });
    if (dice() < 0.08) {
      const fault = dice() < 0.5 ? { kind: 'refuse', status: 451 } : { kind: 'drop', kept: true };
      await order(`${product.inbox.url}/_test/fault`, { fault, times: 1 });
    }
  }

  async heal(): Promise<void> {
    const { stripe, inbox } = this.#parts.product;
    await fetch(`${stripe.url}/_test/fault`, { method: 'DELETE' }).catch(() => undefined);
    await order(`${inbox.url}/_test/fault`, { fault: null });
  }

  async #kill(victim: Victim, payer: ServedWorker | null): Promise<Pick<Blow, 'pid' | 'atMs'>> {
    const { product, desk } = this.#parts;
    const { postgres } = product;
    switch (victim) {
      case 'worker': {
        if (payer === null) throw new Error('no worker waits for Stripe');
        const killed = { pid: payer.process.pid, atMs: Date.now() };
        payer.process.kill('SIGKILL');
        return killed;
      }
      case 'postgres': {
        const killed = { pid: 0, atMs: Date.now() };
        postgres.kill('SIGKILL');
        await wait(POSTGRES_AWAY_MS);
        await postgres.restart();
        return killed;
      }
      case 'gateway': {
        const pids = await this.#gateways.alive();
        await soon(async () => desk.isAsking, BUSY_WITHIN_MS);
        for (const pid of pids) process.kill(pid, 'SIGKILL');
        return { pid: 0, atMs: Date.now() };
      }
      case 'temporal':
      case 'stripe':
      case 'inbox':
        product[victim].process.kill('SIGKILL');
        return { pid: 0, atMs: Date.now() };
    }
  }
}

/** It has an activity in hands, of that task queue. */
async function isAtWork({ sdkMetrics }: ServedWorker, taskQueue = ''): Promise<boolean> {
  const answer = await fetch(sdkMetrics).catch(() => null);
  const lines = answer === null ? [] : (await answer.text()).split('\n');
  const inUse = lines.filter((line) => line.includes('slots_used{') && !line.endsWith(' 0'));
  return inUse.some(
    (line) => line.includes('worker_type="ActivityWorker"') && line.includes(`task_queue="${taskQueue}`),
  );
}

async function goesOnWaiting(worker: ServedWorker): Promise<boolean> {
  for (let looks = 0; looks < LOOKS_AT_WAITING; looks += 1) {
    if (!(await isAtWork(worker, BILLING_QUEUE))) return false;
    await wait(LOOK_EVERY_MS);
  }
  return true;
}

/** What was found, once it is; or what there is instead when the time is over. */
async function soon<T>(look: () => Promise<T>, withinMs: number): Promise<T> {
  const giveUpAtMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found || performance.now() >= giveUpAtMs) return found;
    await wait(LOOK_EVERY_MS);
  }
}

/** Who is away just now is disturbed enough. */
async function order(url: string, body: object): Promise<void> {
  await fetch(url, { method: 'POST', body: JSON.stringify(body) }).catch(() => undefined);
}
