// What a billing campaign breaks, and who noticed. Kills fall between a leap of the clock and the rest after it, while what fell due is done,
// and hit a part that is at work; whether one counts is settled at rest, when all that failed has been heard of (D116).
import { setTimeout as wait } from 'node:timers/promises';
import { BILLING_QUEUE } from '../../../workflows/contracts/task-queues.ts';
import { Gateways } from '../gateways.ts';
import type { ServedWorker } from '../kept-parts.ts';
import { insistently } from './billing-clock.ts';
import type { BillingProduct } from './billing-product.ts';
import { hearOfBrokenTasks } from './broken-tasks.ts';
import { type Complaint, type Complaints, VICTIMS, type Victim } from './complaints.ts';
import type { Desk } from './desk.ts';
import { ProcessLog } from './process-logs.ts';
import { readOnce } from './read-once.ts';
import { WEBHOOK_FAULTS, WebhookTally } from './webhook-tally.ts';

/** Whoever waits for a part that was killed has failed by then. */
const NOTICED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;
const STRIPE_THINKS_MS = 4_000;
/** So often in a row a worker must be found waiting: most answers of Stripe take less. */
const LOOKS_AT_WAITING = 25;
/** Somebody asks these all the time. The others are at work while somebody pays, and kills of them at another time hit nothing. */
const HIT_AT_ANY_TIME: readonly Victim[] = ['temporal', 'postgres'];
const POSTGRES_AWAY_MS = 400;
const IN_VAIN_FOR_A_HIT = 3;

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

  /** At a moment of the dice's, or at the first at which the victim is at work, for as long as it may still be. */
  async strike(isOver: AbortSignal): Promise<void> {
    const wanted = this.#leastHit(VICTIMS);
    const isAnyTime = HIT_AT_ANY_TIME.includes(wanted);
    if (!isAnyTime && (await this.#isPaymentDue())) return this.#strikeAtWork(wanted, isOver);
    await wait(Math.floor(this.#parts.dice() * 1_200));
    const isAsked = wanted === 'gateway' && this.#parts.desk.isAsking;
    await this.#hit(isAnyTime || isAsked ? wanted : this.#leastHit(HIT_AT_ANY_TIME), null);
  }

  async #strikeAtWork(victim: Victim, isOver: AbortSignal): Promise<void> {
    const isWaitedFor = victim === 'worker' || victim === 'stripe';
    if (isWaitedFor) await this.#letStripeThink();
    const payer = await soon(() => this.#workerThat(isWaitedFor ? goesOnWaiting : isPaying), isOver);
    if (payer !== null) await this.#hit(victim, payer);
  }

  async #hit(victim: Victim, payer: ServedWorker | null): Promise<void> {
    this.#fresh.push({ victim, noticed: null, ...(await this.#kill(victim, payer)) });
  }

  /** As far as it was noticed: who was hit in vain is hit again, and some times in a row at most, as on days on which no mail goes out. */
  #leastHit(victims: readonly Victim[]): Victim {
    const hits = Map.groupBy([...this.counted, ...this.#fresh], ({ victim }) => victim);
    const vain = Map.groupBy(this.unnoticed, ({ victim }) => victim);
    const share = (victim: Victim) =>
      (hits.get(victim)?.length ?? 0) + (vain.get(victim)?.length ?? 0) / IN_VAIN_FOR_A_HIT;
    const [first] = victims.toSorted((a, b) => share(a) - share(b));
    if (first === undefined) throw new Error('there are no victims');
    return first;
  }

  /** Something is due of a plan or of a debt: mostly a card is asked, of which Stripe tells the gateway, and we the customer. */
  async #isPaymentDue(): Promise<boolean> {
    const { database } = this.#parts.product;
    return insistently(() =>
      readOnce(database, async (db) => {
        const { rowCount } = await db.query(
          `select from subscriptions where phase <> 'ended' and wake_at <= billing_now()
           union all select from dunnings where closed is null and wake_at <= billing_now() limit 1`,
        );
        return rowCount === 1;
      }),
    );
  }

  /** The payment that a leap makes due takes so long that it still goes on when something falls. */
  async #letStripeThink(): Promise<void> {
    const confirming = 'POST /v1/payment_intents/*/confirm';
    const fault = { answer: confirming, fault: 'delay_before', ms: STRIPE_THINKS_MS };
    await order(`${this.#parts.product.stripe.url}/_test/fault`, fault);
  }

  /** Null: none. */
  async #workerThat(isMeant: (worker: ServedWorker) => Promise<boolean>): Promise<ServedWorker | null> {
    const { workers } = this.#parts.product;
    const each = await Promise.all(workers.map(async (worker) => ((await isMeant(worker)) ? worker : null)));
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
    const { product } = this.#parts;
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

/** It has an activity in hands that asks Stripe: of those that are asked patiently, or at once (workflows/activity-presets.ts). */
async function isPaying({ sdkMetrics }: ServedWorker): Promise<boolean> {
  const answer = await fetch(sdkMetrics).catch(() => null);
  const lines = answer === null ? [] : (await answer.text()).split('\n');
  const inUse = lines.filter((line) => line.includes('slots_used{') && !line.endsWith(' 0'));
  return inUse.some(
    (line) =>
      line.includes('worker_type="LocalActivityWorker"') ||
      (line.includes('worker_type="ActivityWorker"') && line.includes(`task_queue="${BILLING_QUEUE}`)),
  );
}

/** And has had for so long that it still will when something falls. */
async function goesOnWaiting(worker: ServedWorker): Promise<boolean> {
  for (let looks = 0; looks < LOOKS_AT_WAITING; looks += 1) {
    if (!(await isPaying(worker))) return false;
    await wait(LOOK_EVERY_MS);
  }
  return true;
}

/** What was found, once it is; or what there is instead when it is over. */
async function soon<T>(look: () => Promise<T>, isOver: AbortSignal): Promise<T> {
  for (;;) {
    const found = await look();
    if (found || isOver.aborted) return found;
    await wait(LOOK_EVERY_MS);
  }
}

/** Who is away just now is disturbed enough. */
async function order(url: string, body: object): Promise<void> {
  await fetch(url, { method: 'POST', body: JSON.stringify(body) }).catch(() => undefined);
}
