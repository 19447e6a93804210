// The plans as they are sold. A version never changes: what a subscription was bought at stands in its own row.
import type { PoolClient } from 'pg';
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
  readonly rateTier: PlanVersion['rateTier'];
}

const VERSIONS = `
  select id, plan, case when isfinite(effective_at) then (extract(epoch from effective_at) * 1000)::float8 else 0 end as "effectiveAtMs",
         monthly_cents as "monthlyCents", monthly_credit_cents as "monthlyCreditCents", seats, models, beyond_included_ppm as "beyondIncludedPpm", rate_tier as "rateTier"
    from plan_versions`;

/** The version of one that nobody is charged for by the month. */
export async function planWithoutFee(
  db: Queryable,
  plan: 'free' | 'pay_as_you_go',
  nowMs: number,
): Promise<PlanVersion> {
  const version = await inForce(db, plan, nowMs);
  if (version === null) throw new Error(`there is no version of the plan ${plan}`);
  return version;
}

/** What a contract agrees on beside credit. `id`: of the contract. Returns the id of the version. */
export async function addContractPlan(tx: PoolClient, id: string, beyondIncludedPpm: number): Promise<string> {
  const versionId = `enterprise-${id}`;
  await tx.query(
    `insert into plan_versions (id, plan, effective_at, monthly_cents, monthly_credit_cents, seats, models, beyond_included_ppm, rate_tier)
     values ($1, 'enterprise', billing_now(), 0, 0, null, 'all', $2, 'very_high')`,
    [versionId, beyondIncludedPpm],
  );
  return versionId;
}

/** Of the contract in force; null: there is none. */
export async function contractPlanOf(db: Queryable, orgId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    'select plan_version_id as id from contracts where org_id = $1 and ended_at is null',
    [orgId],
  );
  return rows[0]?.id ?? null;
}

/**
 * The version of a plan that is sold now.
 * @throws TollgateError invalid_body for a plan that cannot be subscribed to
 */
export async function planOnSale(db: Queryable, plan: PlanName, nowMs: number): Promise<PlanVersion> {
  const version = await inForce(db, plan, nowMs);
  if (version !== null && version.monthlyCents > 0) return version;
  throw new TollgateError('invalid_body', { message: `The plan ${plan} is not one to subscribe to.`, param: 'plan' });
}

async function inForce(db: Queryable, plan: PlanName, nowMs: number): Promise<PlanVersion | null> {
  const { rows } = await db.query<VersionRow>(`${VERSIONS} where plan = $1`, [plan]);
  return versionInForce(rows.map(readVersion), plan, nowMs);
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

/** Everything that was ever sold to all, by plan and age. */
export async function listPlanVersions(db: Queryable): Promise<PlanVersion[]> {
  const { rows } = await db.query<VersionRow>(`${VERSIONS} where plan <> 'enterprise' order by plan, effective_at, id`);
  return rows.map(readVersion);
}
