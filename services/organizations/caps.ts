// Spending caps of an organization, a project, a member or an API key. One amount per period; the SQL that cuts leases enforces them.
// A cap whose amount changes keeps its counter: it is the same cap.
import type { PoolClient } from 'pg';
import { type Nano, nano } from '../../domain/nano.ts';
import type { CapPeriod } from '../../domain/periods.ts';
import type { Queryable } from '../platform/postgres.ts';

export type CapScope = 'organization' | 'project' | 'member' | 'api_key';

export interface Cap {
  readonly period: CapPeriod;
  readonly amountNano: Nano;
}

export interface CapOwner {
  readonly orgId: string;
  readonly scope: CapScope;
  readonly scopeId: string;
}

/** As `capsColumn` delivers them: an amount in JSON is text. */
export interface CapJson {
  readonly period: CapPeriod;
  readonly amountNano: string;
}

/** Of columns that are in reach. */
export function capsColumn(scope: CapScope, orgId: string, scopeId: string): string {
  return `coalesce((select json_agg(json_build_object('period', c.period, 'amountNano', c.amount_nano::text)
                             order by array_position(array['total', 'month', 'week', 'day'], c.period))
                      from caps c where c.org_id = ${orgId} and c.scope = '${scope}' and c.scope_id = ${scopeId}), '[]')`;
}

export function readCaps(caps: readonly CapJson[]): Cap[] {
  return caps.map(({ period, amountNano }) => ({ period, amountNano: nano(amountNano) }));
}

/** The given caps are then all that the owner has. */
export async function replaceCaps(tx: PoolClient, owner: CapOwner, caps: readonly Cap[]): Promise<void> {
  const { orgId, scope, scopeId } = owner;
  await tx.query('delete from caps where org_id = $4 and scope = $1 and scope_id = $2 and period <> all($3)', [
    scope,
    scopeId,
    caps.map(({ period }) => period),
    orgId,
  ]);
  for (const { period, amountNano } of caps) {
    await tx.query(
      `insert into caps (org_id, scope, scope_id, period, amount_nano) values ($1, $2, $3, $4, $5)
       on conflict (org_id, scope, scope_id, period) do update set amount_nano = excluded.amount_nano`,
      [orgId, scope, scopeId, period, amountNano],
    );
  }
}

export interface MemberCap extends Cap {
  readonly personId: string;
  /** Spent in this period, and set aside for requests in flight. */
  readonly usedNano: Nano;
}

/** A cap that nobody has met in its period has no counter yet: it will begin with what was spent. */
export async function memberCaps(db: Queryable, orgId: string): Promise<MemberCap[]> {
  const { rows } = await db.query<CapJson & { personId: string; usedNano: string }>(
    `select c.scope_id as "personId", c.period, c.amount_nano::text as "amountNano",
            coalesce(u.committed_nano, (select coalesce(sum(r.charge_nano), 0) from usage_records r
                                         where r.org_id = c.org_id and r.member_id = c.scope_id and r.admitted_at >= c.since))::text as "usedNano"
       from (select c.*, period_start(c.period, o.time_zone, (select billing_now())) as since
               from caps c join organizations o on o.id = c.org_id where c.org_id = $1 and c.scope = 'member') c
       left join cap_usage u on u.cap_id = c.id and u.period_start = c.since
      order by c.scope_id, array_position(array['total', 'month', 'week', 'day'], c.period)`,
    [orgId],
  );
  return rows.map(({ personId, period, amountNano, usedNano }) => ({
    ...{ personId, period },
    amountNano: nano(amountNano),
    usedNano: nano(usedNano),
  }));
}
