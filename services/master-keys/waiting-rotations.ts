// The rotation of the master key, where it waits for a person of ours: for a process that was forgotten, or because something does not open.
import type { Queryable } from '../platform/postgres.ts';
import { newestRotation } from './rotation-rows.ts';

export interface WaitingMasterKeyRotation {
  readonly version: number;
  readonly what: 'processes_behind' | 'does_not_open';
  /** Which, in words. */
  readonly detail: string;
  readonly since: Date;
}

/** Of many the first say enough. */
const TOLD = 3;

/** Null: none does. One goes on at a time. */
export async function waitingMasterKeyRotation(db: Queryable): Promise<WaitingMasterKeyRotation | null> {
  const rotation = await newestRotation(db);
  if (rotation === null) return null;
  const { version, stage, isLate, behind, troubles, startedAt, switchedAt } = rotation;
  if (isLate) return { version, what: 'processes_behind', detail: told(behind), since: startedAt };
  if (stage !== 'attention') return null;
  return { version, what: 'does_not_open', detail: told(troubles), since: switchedAt ?? startedAt };
}

function told(all: readonly string[]): string {
  return all.slice(0, TOLD).join('; ');
}
