// The one writer of settlements of this process. Self-clocked group commit: while one batch commits the next one fills, so the
// load on PostgreSQL adapts by itself (a fixed timer caps throughput: hotpath.md 6). A settlement is acknowledged when it is
// committed in PostgreSQL or fdatasynced in this incarnation's journal, and only then is the answer's end released.
import type { Client } from 'pg';
import { isFencedError } from '../incarnations/incarnation.ts';
import type { Journal } from '../journal/journal.ts';
import { crashPoint } from '../platform/crash-points.ts';
import { within } from '../platform/postgres.ts';
import { type Fate, fatesOf } from './in-doubt.ts';
import { isAboutData, isTransient, quarantine, settleBatch } from './settle-batch.ts';
import type { Acknowledged, Settlement } from './settlement.ts';
import { Spills } from './spills.ts';

const MOST_IN_A_BATCH = 500;
/** A commit that has not answered by now is in doubt: its batch is spilled and replayed on another connection (design.md 3.5). */
const IN_DOUBT_MS = 250;
/** A replay may take its time: nobody waits for it. But commits wait behind it on their connection, so it goes in short statements. */
const REPLAY_TIMEOUT_MS = 15_000;
const MOST_IN_A_REPLAY = 64;
const RECONNECT_MS = 250;
/** Request ids in a line of the log. */
const MOST_NAMED = 5;

export interface SettlementWriterParts {
  readonly incarnationId: string;
  readonly journal: Journal;
  readonly connect: () => Promise<Client>;
  readonly mayStillSpill: () => boolean;
  readonly onFenced: () => void;
  readonly onTrouble: (
    event:
      | 'settlement_in_doubt'
      | 'settlement_quarantined'
      | 'settlement_spill_failed'
      | 'settlement_reconnect_failed'
      | 'settlement_conflict',
    error: unknown,
    /** Of some of the requests that it is about. */
    requestIds: readonly string[],
  ) => void;
}

export class SettlementWriter {
  readonly #parts: SettlementWriterParts;
  #client: Client | null = null;
  #queue: Settlement[] = [];
  readonly #spills: Spills;
  #busy = false;
  #replaying = false;
  #fenced = false;
  #idle: (() => void)[] = [];

  constructor(parts: SettlementWriterParts) {
    this.#parts = parts;
    this.#spills = new Spills(parts.journal);
  }

  async begin(): Promise<void> {
    this.#client = await this.#parts.connect();
  }

  settle(settlement: Settlement): void {
    this.#queue.push(settlement);
    if (!this.#busy) {
      this.#busy = true;
      setImmediate(() => void this.#run()); // the rest of this turn's settlements join the batch
    }
  }

  /** Settlements on disk that PostgreSQL does not have yet. */
  get spilledCount(): number {
    return this.#spills.count;
  }

  /** Resolves when nothing waits any more; after `deadlineMs` the rest stays in the journal. */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#busy || this.#replaying) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, deadlineMs);
        this.#idle.push(() => {
          clearTimeout(deadline);
          resolve();
        });
      });
    }
    await this.#client?.end().catch(() => {}); // a broken connection is closed already
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MOST_IN_A_BATCH);
      if (this.#fenced) acknowledgeAll(batch, 'fenced');
      else if (this.#client === null) await this.#spill(batch);
      else await this.#commit(this.#client, batch);
    }
    this.#busy = false;
    this.#restIfIdle();
  }

  async #commit(client: Client, batch: readonly Settlement[]): Promise<void> {
    crashPoint('before-commit');
    const answer = settleBatch(client, this.#parts.incarnationId, false, batch);
    crashPoint('in-commit');
    try {
      const conflicts = await within(IN_DOUBT_MS, answer);
      crashPoint('after-commit');
      this.#committed(batch, conflicts);
      acknowledgeAll(batch, 'committed');
    } catch (error) {
      await this.#commitFailed(client, batch, error);
    }
  }

  async #commitFailed(client: Client, batch: readonly Settlement[], error: unknown): Promise<void> {
    if (isFencedError(error)) {
      this.#stopFenced();
      acknowledgeAll(batch, 'fenced');
    } else if (isTransient(error)) {
      await this.#commit(client, batch);
    } else if (isAboutData(error)) {
      await this.#bisect(client, batch, error);
    } else {
      this.#parts.onTrouble('settlement_in_doubt', error, someIds(batch));
      this.#drop(client);
      await this.#spill(batch, true);
    }
  }

  /** One record that PostgreSQL refuses must not take 499 others with it. */
  async #bisect(client: Client, batch: readonly Settlement[], error: unknown): Promise<void> {
    const [only] = batch;
    if (only === undefined) return;
    if (batch.length > 1) {
      const half = batch.length >> 1;
      for (const part of [batch.slice(0, half), batch.slice(half)]) {
        if (this.#client === client) await this.#commit(client, part);
        else await this.#spill(part);
      }
      return;
    }
    this.#parts.onTrouble('settlement_quarantined', error, someIds(batch));
    try {
      await within(IN_DOUBT_MS, quarantine(client, this.#parts.incarnationId, only, error));
      this.#committed(batch, []);
      only.acknowledged('lost');
    } catch (silence) {
      this.#parts.onTrouble('settlement_in_doubt', silence, someIds(batch));
      this.#drop(client);
      await this.#spill(batch); // it will be refused again, and quarantined, by the replay
    }
  }

  /** `isInDoubt`: it was sent, and PostgreSQL may have committed it. */
  async #spill(batch: readonly Settlement[], isInDoubt = false): Promise<void> {
    // Past the point where others may have fenced us, durable here would not mean counted: this incarnation is over.
    if (!this.#parts.mayStillSpill()) {
      this.#endAs(batch, await this.#fatesOf(batch, isInDoubt));
      return this.#stopFenced();
    }
    try {
      await this.#spills.add(batch);
      acknowledgeAll(batch, 'spilled');
    } catch (error) {
      const fateOf = await this.#fatesOf(batch, isInDoubt);
      // Some of its lines may be on the disk all the same, and then a caretaker settles them.
      this.#endAs(batch, (requestId) => (fateOf(requestId) === 'committed' ? 'committed' : 'unknown'));
      this.#parts.onTrouble('settlement_spill_failed', error, someIds(batch));
    }
    if (!this.#replaying) {
      this.#replaying = true;
      void this.#replay();
    }
  }

  async #fatesOf(batch: readonly Settlement[], isInDoubt: boolean): Promise<(requestId: string) => Fate> {
    if (!isInDoubt) return () => 'never';
    const requestIds = batch.map(({ usage }) => usage.request_id);
    return fatesOf(this.#parts.connect, this.#parts.incarnationId, requestIds);
  }

  #endAs(batch: readonly Settlement[], fateOf: (requestId: string) => Fate): void {
    for (const settlement of batch) {
      const fate = fateOf(settlement.usage.request_id);
      if (fate === 'committed') this.#committed([settlement], []);
      settlement.acknowledged(fate === 'never' ? 'fenced' : fate);
    }
  }

  /** Reconnects, and brings what was spilled into PostgreSQL, in any grouping: known ids change nothing. */
  async #replay(): Promise<void> {
    while (!this.#fenced && (!this.#spills.isEmpty || this.#client === null)) {
      let client: Client | null = null;
      try {
        client = await this.#parts.connect();
        await this.#replayThrough(client);
      } catch (error) {
        if (isFencedError(error)) this.#stopFenced();
        this.#parts.onTrouble('settlement_reconnect_failed', error, []);
        if (client !== null) this.#drop(client);
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    }
    this.#replaying = false;
    this.#restIfIdle();
  }

  /**
   * Once PostgreSQL has taken the first of them, new settlements are committed again and the rest goes between them. Waiting for
   * the rest could be forever: a disk takes spills faster than PostgreSQL takes replays.
   */
  async #replayThrough(client: Client): Promise<void> {
    while (!this.#spills.isEmpty) {
      const settlements = this.#spills.first(MOST_IN_A_REPLAY);
      await this.#replayAll(client, settlements);
      this.#spills.removeFirst(settlements.length);
      this.#commitThrough(client);
    }
    this.#commitThrough(client);
  }

  /** Not through one that a commit in doubt has cut off meanwhile. */
  #commitThrough(client: Client): void {
    if (!client.connection.stream.destroyed) this.#client = client;
  }

  /** All, or an error: a single spill may hold more than one statement should. */
  async #replayAll(client: Client, settlements: readonly Settlement[]): Promise<void> {
    const conflicts: string[] = [];
    for (let at = 0; at < settlements.length; at += MOST_IN_A_REPLAY)
      conflicts.push(...(await this.#replayBatch(client, settlements.slice(at, at + MOST_IN_A_REPLAY))));
    this.#committed(settlements, conflicts);
  }

  /** Returns the ids of known requests that came with another charge. */
  async #replayBatch(client: Client, settlements: readonly Settlement[]): Promise<readonly string[]> {
    crashPoint('in-replay');
    try {
      return await within(REPLAY_TIMEOUT_MS, settleBatch(client, this.#parts.incarnationId, false, settlements));
    } catch (error) {
      // Refused for one of them, or overtaken on their lease by what is committed meanwhile (D66): alone each is quick.
      if (!isAboutData(error) && !isTransient(error)) throw error;
      for (const one of settlements) await this.#replayOne(client, one);
      return [];
    }
  }

  async #replayOne(client: Client, settlement: Settlement): Promise<void> {
    try {
      await within(REPLAY_TIMEOUT_MS, settleBatch(client, this.#parts.incarnationId, false, [settlement]));
    } catch (error) {
      if (!isAboutData(error)) throw error;
      this.#parts.onTrouble('settlement_quarantined', error, someIds([settlement]));
      await within(REPLAY_TIMEOUT_MS, quarantine(client, this.#parts.incarnationId, settlement, error));
    }
  }

  #committed(batch: readonly Settlement[], conflicts: readonly string[]): void {
    if (conflicts.length > 0)
      this.#parts.onTrouble(
        'settlement_conflict',
        new Error(`${conflicts.length} settled requests came again with another charge`),
        conflicts.slice(0, MOST_NAMED),
      );
    for (const { segments, inDatabase } of batch) {
      for (const segment of segments) this.#parts.journal.release(segment);
      inDatabase();
    }
  }

  #drop(client: Client): void {
    if (this.#client === client) this.#client = null;
    // Destroyed, not ended: an answer that comes later must find nobody who could take it for another batch's.
    client.connection.stream.destroy();
  }

  #stopFenced(): void {
    this.#fenced = true;
    this.#parts.onFenced();
  }

  #restIfIdle(): void {
    if (this.#busy || this.#replaying) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function someIds(batch: readonly Settlement[]): string[] {
  return batch.slice(0, MOST_NAMED).map(({ usage }) => usage.request_id);
}

function acknowledgeAll(batch: readonly Settlement[], how: Acknowledged): void {
  for (const settlement of batch) settlement.acknowledged(how);
}
