// Takes work from Temporal for as long as this process lives. Temporal may be away when it starts and whenever it likes: it says so
// once, keeps trying, and goes on when Temporal is back; nothing that happens there ends the process.
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import type { Log } from '../services/platform/log.ts';
import type { PayloadCodec } from '../services/vault/payload-codec.ts';
import { poke } from '../workflows/contracts/reconciliation.ts';
import { CORE_QUEUE } from '../workflows/contracts/task-queues.ts';
import { declareSchedules } from './schedules.ts';
import { openTemporal, type TemporalLink, type TemporalPlace } from './temporal.ts';

const TRY_AGAIN_MS = 1_000;
const ASK_EVERY_MS = 2_000;
/** For activities that are under way. What is cut off is tried again elsewhere: all of it may be repeated. */
const GRACE = '10 s';
const FORCE = '15 s';

export interface Work {
  readonly place: TemporalPlace;
  readonly codec: PayloadCodec;
  readonly workflowBundle: { readonly code: string } | { readonly codePath: string };
  readonly activities: object;
  readonly identity: string;
}

export class TemporalWork {
  isTemporalUp = false;
  isWorking = false;
  readonly #work: Work;
  readonly #log: Log;
  readonly #leaving = new AbortController();
  #wasSaid = false;
  #link: TemporalLink | null = null;

  constructor(work: Work, log: Log) {
    this.#work = work;
    this.#log = log;
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
    await this.#link?.client.schedule.getHandle(scheduleId).trigger('BUFFER_ONE');
  }

  /** Has a workflow look at its row again. */
  async poke(workflowId: string): Promise<void> {
    await this.#link?.client.workflow.getHandle(workflowId).signal(poke);
  }

  leave(): void {
    this.#leaving.abort();
  }

  async #workUntilItEnds(): Promise<void> {
    const { place, codec, workflowBundle, activities, identity } = this.#work;
    const link = await openTemporal(place, codec);
    try {
      await declareSchedules(link.client.schedule);
      const worker = await Worker.create({
        connection: link.connection,
        namespace: place.namespace,
        taskQueue: CORE_QUEUE,
        workflowBundle,
        activities,
        identity,
        dataConverter: link.dataConverter,
        shutdownGraceTime: GRACE,
        shutdownForceTime: FORCE,
      });
      this.#present();
      this.#link = link;
      await this.#workOn(worker, link);
    } finally {
      this.isWorking = false;
      this.#link = null;
      await link.connection.close();
    }
  }

  async #workOn(worker: Worker, link: TemporalLink): Promise<void> {
    const watch = setInterval(() => {
      link.ask().then(
        () => this.#present(),
        (error: unknown) => this.#away(error),
      );
    }, ASK_EVERY_MS);
    const stop = () => worker.shutdown();
    this.#leaving.signal.addEventListener('abort', stop, { once: true });
    try {
      const done = worker.run();
      this.isWorking = true;
      if (this.#leaving.signal.aborted) stop();
      await done;
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
