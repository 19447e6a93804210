// Automatic top-ups as rows, one of each organization that ever switched it on: the state of domain/top-up.ts as JSON, and beside it what
// others look for it by.
import type { PoolClient } from 'pg';
import { cents, nanoOf } from '../../domain/cents.ts';
import { newTopUp, type TopUp } from '../../domain/top-up.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';

export interface TopUpRow {
  readonly state: TopUp;
  readonly wakeAt: Date | null;
}

/** Without a row it was never on. */
export async function topUpRow(db: Queryable, orgId: string): Promise<TopUpRow> {
  const { rows } = await db.query<TopUpRow>('select state, wake_at as "wakeAt" from top_ups where org_id = $1', [
    orgId,
  ]);
  return rows[0] ?? { state: newTopUp(), wakeAt: null };
}

export async function saveTopUp(tx: PoolClient, orgId: string, state: TopUp, wakeAtMs: number | null): Promise<void> {
  const { revision, settings, isLow, open } = state;
  await tx.query(
    `insert into top_ups (org_id, state, revision, threshold_nano, is_low, open_number, wake_at) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (org_id) do update
       set state = excluded.state, revision = excluded.revision, threshold_nano = excluded.threshold_nano, is_low = excluded.is_low,
           open_number = excluded.open_number, wake_at = excluded.wake_at`,
    [
      orgId,
      jsonbText(state),
      revision,
      settings === null ? null : nanoOf(cents(settings.thresholdCents)),
      isLow,
      open?.number ?? null,
      wakeAtMs === null ? null : new Date(wakeAtMs),
    ],
  );
}
