// The plans as they are sold. A version never changes: what a subscription was bought at stands in its own row.
import { cents } from '../../domain/cents.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type PlanName, type PlanVersion, versionInForce } from '../../domain/plans.ts';
import type { Queryable } from '../platform/postgres.ts';

interface VersionRow {
  readonly id: string;
  readonly plan: PlanName;
  readonly effectiveAtMs: number;
  readonly monthlyCents: number;
  readonly monthlyCreditCents: number;
  readonly seats: number | null;
  readonly models: PlanVersion['models'];
  readonly beyondIncludedPpm: number;
}

const VERSIONS = `
  select id, plan, case when isfinite(effective_at) then (extract(epoch from effective_at) * 1000)::float8 else 0 end as "effectiveAtMs",
         monthly_cents as "monthlyCents", monthly_credit_cents as "monthlyCreditCents", seats, models, beyond_included_ppm as "beyondIncludedPpm"
    from plan_versions`;

/**
 * The version of a plan that is sold now.
 * @throws TollgateError invalid_body for a plan that cannot be subscribed to
 */
export async function planOnSale(db: Queryable, plan: PlanName, nowMs: number): Promise<PlanVersion> {
  const { rows } = await db.query<VersionRow>(`${VERSIONS} where plan = $1`, [plan]);
  const version = versionInForce(rows.map(readVersion), plan, nowMs);
  if (version !== null && version.monthlyCents > 0) return version;
  throw new TollgateError('invalid_body', { message: `The plan ${plan} is not one to subscribe to.`, param: 'plan' });
}

/** Rows that never change are read once by a process (D77). */
const known = new Map<string, PlanVersion>();

export async function planVersion(db: Queryable, id: string): Promise<PlanVersion> {
  const seen = known.get(id);
  if (seen !== undefined) return seen;
  const { rows } = await db.query<VersionRow>(`${VERSIONS} where id = $1`, [id]);
  if (rows[0] === undefined) throw new Error(`there is no plan version ${id}`);
  const version = readVersion(rows[0]);
  known.set(id, version);
  return version;
}

function readVersion(row: VersionRow): PlanVersion {
  return {
    ...row,
    monthlyCents: cents(row.monthlyCents),
    monthlyCreditCents: cents(row.monthlyCreditCents),
    postpaid: null,
  };
}

/** Everything that was ever sold, by plan and age. */
export async function listPlanVersions(db: Queryable): Promise<PlanVersion[]> {
  const { rows } = await db.query<VersionRow>(`${VERSIONS} order by plan, effective_at, id`);
  return rows.map(readVersion);
}
