// Subscriptions as rows: the state of domain/subscription.ts as JSON, and beside it what others look for it by.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { dateOf } from '../../domain/moments.ts';
import { renewsAt, type Subscription } from '../../domain/subscription.ts';
import { jsonbText, MOMENT_MS, type Queryable } from '../platform/postgres.ts';

export interface SubscriptionRow {
  readonly id: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly state: Subscription;
  readonly wakeAt: Date | null;
  /** When it was read, by the clock of billing. */
  readonly readAtMs: number;
}

const ROWS = `select id, org_id as "orgId", (select o.name from organizations o where o.id = org_id) as "orgName", state, wake_at as "wakeAt",
  ${MOMENT_MS} as "readAtMs" from subscriptions`;

/** @throws TollgateError not_found */
export async function subscriptionRow(db: Queryable, id: string): Promise<SubscriptionRow> {
  const { rows } = await db.query<SubscriptionRow>(`${ROWS} where id = $1`, [id]);
  return rows[0] ?? noSubscription(id);
}

/** @throws TollgateError not_found */
export function noSubscription(id: string): never {
  throw new TollgateError('not_found', { message: `There is no subscription ${id}.` });
}

/** Null: it has none that has not ended. */
export async function liveSubscriptionOf(db: Queryable, orgId: string): Promise<SubscriptionRow | null> {
  const { rows } = await db.query<SubscriptionRow>(`${ROWS} where org_id = $1 and phase <> 'ended'`, [orgId]);
  return rows[0] ?? null;
}

/** The live one first, then the latest. */
export async function listSubscriptions(
  db: Queryable,
  orgId: string,
  after: string | null,
  pageSize: number,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from subscriptions
      where org_id = $1
        and ($2::uuid is null or (phase <> 'ended', started_at, id) <
             (select a.phase <> 'ended', a.started_at, a.id from subscriptions a where a.id = $2))
      order by (phase <> 'ended') desc, started_at desc, id desc
      limit $3`,
    [orgId, after, pageSize],
  );
  return rows.map(({ id }) => id);
}

/** Made by the first payment. */
export async function insertSubscription(
  tx: PoolClient,
  id: string,
  orgId: string,
  state: Subscription,
): Promise<void> {
  await tx.query(
    `insert into subscriptions (id, org_id, phase, plan_version_id, state, revision) values ($1, $2, $3, $4, $5, $6)`,
    [id, orgId, state.phase.kind, state.terms.planVersionId, jsonbText(state), state.revision],
  );
}

export async function saveSubscription(
  tx: PoolClient,
  id: string,
  state: Subscription,
  wakeAt: Date | null,
): Promise<void> {
  await tx.query(
    `update subscriptions
        set phase = $2, plan_version_id = $3, state = $4, revision = $5, wake_at = $6, renews_at = $7, is_yearly = $8,
            ended_at = case when $2 = 'ended' then coalesce(ended_at, billing_now()) end
      where id = $1`,
    [
      id,
      state.phase.kind,
      state.terms.planVersionId,
      jsonbText(state),
      state.revision,
      wakeAt,
      dateOf(renewsAt(state)),
      state.period.months === 12,
    ],
  );
}
