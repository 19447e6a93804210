// Takes work from Temporal for as long as this process lives. Temporal may be away when it starts and whenever it likes: it says so
// once, keeps trying, and goes on when Temporal is back; nothing that happens there ends the process.
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import type { Log } from '../services/platform/log.ts';
import type { PayloadCodec } from '../services/vault/payload-codec.ts';
import { poke } from '../workflows/contracts/billing-process.ts';
import { WAITING_FOR_A_PERSON } from '../workflows/contracts/search-attributes.ts';
import { BILLING_QUEUE, CORE_QUEUE } from '../workflows/contracts/task-queues.ts';
import { declareSchedules } from './schedules.ts';
import { openTemporal, type TemporalClient, type TemporalLink, type TemporalPlace } from './temporal.ts';

const TRY_AGAIN_MS = 1_000;
const ASK_EVERY_MS = 2_000;
/** For activities that are under way. What is cut off is tried again elsewhere: all of it may be repeated. */
const GRACE = '10 s';
const FORCE = '15 s';
/**
 * What reaches Stripe. An account may send 100 requests a second, and a charge is some four of them; all workers say the same, since the
 * last one to ask for work decides. One process waits for Stripe this often at once: each wait is a few kilobytes, and no connection to
 * PostgreSQL.
 */
const STRIPE_LIMITS = { maxTaskQueueActivitiesPerSecond: 25, maxConcurrentActivityTaskExecutions: 50 };

/**
 * What is asked of Stripe beside that, by whom something fell due: no queue bounds it, so each process does it so often at once. A charge takes Stripe
 * a second, so this is some 30 requests of the 100; who is refused for too many asks over the queue.
 */
const DUE_AT_ONCE = 10;

/**
 * Those that have something to do. What sleeps for a month need not be kept in memory for it: its one cycle is replayed when it wakes. The
 * SDK by itself would keep as many as the heap of this machine could hold. A bound that was chosen, above what is in the middle of something at
 * once; what sleepers cost `npm run bench:workflows` says.
 */
const WORKFLOWS_IN_MEMORY = 100;

export interface Work {
  readonly place: TemporalPlace;
  readonly codec: PayloadCodec;
  readonly workflowBundle: { readonly code: string } | { readonly codePath: string };
  readonly activities: object;
  /** Those that reach Stripe. */
  readonly billingActivities: object;
  readonly identity: string;
}

export class TemporalWork {
  isTemporalUp = false;
  isWorking = false;
  #client: TemporalClient | null = null;
  readonly #work: Work;
  readonly #log: Log;
  readonly #leaving = new AbortController();
  #wasSaid = false;

  constructor(work: Work, log: Log) {
    this.#work = work;
    this.#log = log;
  }

  /** Null while Temporal is away. */
  get client(): TemporalClient | null {
    return this.isTemporalUp ? this.#client : null;
  }

  /** Until leave(). */
  async run(): Promise<void> {
    while (!this.#leaving.signal.aborted) {
      try {
        await this.#workUntilItEnds();
      } catch (error) {
        this.#away(error);
      }
      await wait(TRY_AGAIN_MS, undefined, { signal: this.#leaving.signal }).catch(() => undefined);
    }
  }

  /** Starts a schedule's tick now, or as soon as the one that runs has ended. Nothing while Temporal is away: its next tick does as well. */
  async tick(scheduleId: string): Promise<void> {
    await this.client?.schedule.getHandle(scheduleId).trigger('BUFFER_ONE');
  }

  /** Has a workflow look at its row again. */
  async poke(workflowId: string): Promise<void> {
    await this.client?.workflow.getHandle(workflowId).signal(poke);
  }

  /** Of every type; null while Temporal is away. */
  async waitingForAPerson(): Promise<number | null> {
    return (await this.client?.workflow.count(WAITING_FOR_A_PERSON))?.count ?? null;
  }

  leave(): void {
    this.#leaving.abort();
  }

  async #workUntilItEnds(): Promise<void> {
    const { place, codec } = this.#work;
    const link = await openTemporal(place, codec);
    try {
      await declareSchedules(link.client.schedule);
      const workers = await this.#createWorkers(link);
      this.#client = link.client;
      this.#present();
      await this.#workOn(workers, link);
    } finally {
      this.isWorking = false;
      this.#client = null;
      await link.connection.close();
    }
  }

  async #createWorkers({ connection, dataConverter }: TemporalLink): Promise<Worker[]> {
    const { place, workflowBundle, activities, billingActivities, identity } = this.#work;
    const all = {
      connection,
      namespace: place.namespace,
      identity,
      dataConverter,
      shutdownGraceTime: GRACE,
      shutdownForceTime: FORCE,
    } as const;
    return [
      await Worker.create({
        ...all,
        taskQueue: CORE_QUEUE,
        workflowBundle,
        activities: { ...activities, ...billingActivities },
        maxConcurrentLocalActivityExecutions: DUE_AT_ONCE,
        maxCachedWorkflows: WORKFLOWS_IN_MEMORY,
      }),
      await Worker.create({ ...all, taskQueue: BILLING_QUEUE, activities: billingActivities, ...STRIPE_LIMITS }),
    ];
  }

  async #workOn(workers: readonly Worker[], link: TemporalLink): Promise<void> {
    const watch = setInterval(() => {
      link.ask().then(
        () => this.#present(),
        (error: unknown) => this.#away(error),
      );
    }, ASK_EVERY_MS);
    const stop = () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    this.#leaving.signal.addEventListener('abort', stop, { once: true });
    try {
      // One that ends takes the other along: they begin again together.
      const done = workers.map((worker) => worker.run().finally(stop));
      this.isWorking = true;
      if (this.#leaving.signal.aborted) stop();
      const ends = await Promise.allSettled(done);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    } finally {
      clearInterval(watch);
      this.#leaving.signal.removeEventListener('abort', stop);
    }
  }

  #present(): void {
    if (!this.isTemporalUp) this.#log.info({ address: this.#work.place.address }, 'temporal_connected');
    this.isTemporalUp = true;
    this.#wasSaid = false;
  }

  #away(err: unknown): void {
    this.isTemporalUp = false;
    if (this.#wasSaid || this.#leaving.signal.aborted) return;
    this.#wasSaid = true;
    this.#log.warn({ address: this.#work.place.address, err }, 'temporal_away');
  }
}
