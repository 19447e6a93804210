// The hold on billing that a restore begins with: what the database does not know, it may do a second time. While it stands nothing is changed at
// Stripe, nothing is bought and no bill is mailed; requests are served and settled (D149). It is cleared when what happened since is in the books.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { writeAudit } from '../audit/audit.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface BillingHold {
  readonly epoch: number;
  readonly why: string;
  /** Of what was restored, by the clock of billing. */
  readonly snapshotAt: Date;
  readonly since: Date;
}

const REPEAT_AFTER_MS = 60_000;

/** Null: none stands. */
export async function standingHold(db: Queryable): Promise<BillingHold | null> {
  const { rows } = await db.query<BillingHold>(
    'select epoch, why, snapshot_at as "snapshotAt", since from billing_holds where cleared_at is null',
  );
  return rows[0] ?? null;
}

/** Null: no hold stands. */
export async function heldSince(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ since: Date | null }>('select billing_held_since() as since');
  return rows[0]?.since ?? null;
}

/** For metrics; 0: no hold stands. */
export async function heldForSeconds(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ seconds: number }>(
    'select coalesce(extract(epoch from clock_timestamp() - billing_held_since()), 0)::float8 as seconds',
  );
  return rows[0]?.seconds ?? 0;
}

/**
 * For whoever asks Stripe: who waits for that waits for this, and nobody is told that he failed (D150).
 * @throws TollgateError payment_provider_unavailable, as if Stripe were silent: what it answers, while a hold stands
 */
export function unlessHeld(db: Queryable): () => Promise<void> {
  return async () => {
    const since = await heldSince(db);
    if (since === null) return;
    throw new TollgateError('payment_provider_unavailable', {
      message: `Payments rest since ${since.toISOString()}: the database was restored and is being compared with Stripe. Nothing is lost: repeat this later.`,
      retryAfterMs: REPEAT_AFTER_MS,
    });
  };
}

/** Its epoch. `snapshotAt`: of what is restored, by the clock on the wall. By who owns the database. */
export async function raiseHold(tx: Queryable, why: string, snapshotAt: Date): Promise<number> {
  const { rows } = await tx.query<{ epoch: number }>('select raise_billing_hold($1, $2) as epoch', [why, snapshotAt]);
  if (rows[0] === undefined) throw new Error('no hold was raised');
  return rows[0].epoch;
}

/** As raiseHold, unless the same was held before. */
export async function raiseHoldOnce(tx: Queryable, why: string, snapshotAt: Date): Promise<void> {
  const { rowCount } = await tx.query('select from billing_holds where why = $1', [why]);
  if (rowCount === 0) await raiseHold(tx, why, snapshotAt);
}

export async function clearHold(tx: PoolClient, { epoch }: BillingHold): Promise<void> {
  const { rowCount } = await tx.query(
    'update billing_holds set cleared_at = clock_timestamp() where epoch = $1 and cleared_at is null',
    [epoch],
  );
  if (rowCount !== 1) return;
  const about = { action: 'billing_hold.cleared', targetKind: 'billing_hold', targetId: String(epoch) } as const;
  await writeAudit(tx, { actor: 'restore', requestId: newId() }, about);
}
