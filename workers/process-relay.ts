// Brings news from PostgreSQL to the workflows that shall look at it, and starts those that do not run. A plain loop, in every worker:
// who comes first delivers, and delivering twice is looking twice. While Temporal is away the news waits in its rows.
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../services/platform/log.ts';
import type { ClaimedPoke, PokeOutbox } from '../services/processes/poke-outbox.ts';
import { poke } from '../workflows/contracts/billing-process.ts';
import { processStart } from '../workflows/contracts/process-starts.ts';
import { CORE_QUEUE } from '../workflows/contracts/task-queues.ts';
import type { TemporalClient } from './temporal.ts';

/** When nobody has rung: news whose bell was not heard, and what is due again. */
const LOOK_EVERY_MS = 2_000;
/** Under way at once. Temporal takes some hundreds a second of one client. */
const BATCH = 50;
/** Well below the time for which a poke is claimed. */
const PATIENCE_MS = 5_000;

export class ProcessRelay {
  readonly #pokes: PokeOutbox;
  readonly #client: () => TemporalClient | null;
  readonly #log: Pick<Log, 'warn'>;
  readonly #leaving = new AbortController();
  #bell = new AbortController();
  #wasSaid = false;

  /** `client`: null while Temporal is away. */
  constructor(pokes: PokeOutbox, client: () => TemporalClient | null, log: Pick<Log, 'warn'>) {
    this.#pokes = pokes;
    this.#client = client;
    this.#log = log;
  }

  /** There is news. */
  ring(): void {
    this.#bell.abort();
  }

  leave(): void {
    this.#leaving.abort();
  }

  /** Until leave(). */
  async run(): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      this.#bell = new AbortController();
      await this.#deliverAll().catch((error: unknown) => this.#late(error));
      const woken = AbortSignal.any([this.#bell.signal, signal]);
      await wait(LOOK_EVERY_MS, undefined, { signal: woken }).catch(() => undefined);
    }
  }

  async #deliverAll(): Promise<void> {
    for (let client = this.#client(); client !== null && !this.#leaving.signal.aborted; client = this.#client()) {
      const claimed = await this.#pokes.claim(BATCH);
      if (claimed.length === 0) return;
      if (!(await this.#deliver(client, claimed))) return;
      this.#wasSaid = false;
    }
  }

  /** False: not all of them. */
  async #deliver(client: TemporalClient, claimed: readonly ClaimedPoke[]): Promise<boolean> {
    const results = await Promise.allSettled(claimed.map((one) => deliverPoke(client, one)));
    const failed = results.find((result) => result.status === 'rejected');
    await this.#pokes.delivered(claimed.filter((_, n) => results[n]?.status === 'fulfilled'));
    if (failed === undefined) return true;
    await this.#pokes.postpone(claimed.filter((_, n) => results[n]?.status === 'rejected'));
    this.#late(failed.reason);
    return false;
  }

  #late(err: unknown): void {
    if (!this.#wasSaid) this.#log.warn({ err }, 'pokes_waiting');
    this.#wasSaid = true;
  }
}

export async function deliverPoke(
  client: TemporalClient,
  { process, subject }: Pick<ClaimedPoke, 'process' | 'subject'>,
): Promise<void> {
  const { workflowType, workflowId, input, staticSummary, staticDetails } = processStart(process, subject);
  await client.withDeadline(Date.now() + PATIENCE_MS, () =>
    client.workflow.signalWithStart(workflowType, {
      workflowId,
      taskQueue: CORE_QUEUE,
      args: [input],
      signal: poke,
      workflowIdConflictPolicy: 'USE_EXISTING',
      // A run that ended early is no reason to leave the rest undone: the row says whether there is any.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary,
      staticDetails,
    }),
  );
}
