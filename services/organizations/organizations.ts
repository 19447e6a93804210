// Organizations: who pays, how fast they may go, and whether they are stopped.
// The row is also the lock under which an organization's credit moves, so a change here waits for a lease that is being cut.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import type { Stage } from '../../domain/overdue-policy.ts';
import type { PlanName, PlanVersion } from '../../domain/plans.ts';
import { newId } from '../platform/ids.ts';
import { networks } from '../platform/networks.ts';
import type { Queryable } from '../platform/postgres.ts';
import { type Cap, type CapJson, type CapOwner, capsColumn, readCaps, replaceCaps } from './caps.ts';

export type Enforcement = 'active' | 'stopped';

/** Each null: what the rate tier says. */
interface OwnRates {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrentRequests: number | null;
}

export interface Organization extends OwnRates {
  readonly id: string;
  readonly name: string;
  readonly rateTier: string;
  /** Chosen by somebody; else it follows the plan. */
  readonly rateTierByHand: boolean;
  /** Null: it has agreed on none. */
  readonly plan: PlanName | null;
  readonly planVersionId: string | null;
  /** From where its API keys may be used, beside what each says itself; null: from everywhere. No bar to who signs in (D88). */
  readonly allowedAddresses: readonly string[] | null;
  readonly enforcement: Enforcement;
  readonly enforcementReason: string | null;
  /** It is being converted, and no API key of it works (provisioning.ts). */
  readonly provisioning: boolean;
  /** Follows from its debts (enforcement.ts); no change of ours, so not in the version. */
  readonly overdueStage: Stage;
  readonly enforcementSeq: number;
  readonly timeZone: string;
  /** How many members may be active; null: as many as it likes. */
  readonly seats: number | null;
  readonly caps: readonly Cap[];
  readonly overdraftNano: Nano;
  readonly overdraftFloorNano: Nano;
  readonly version: number;
  readonly createdAt: Date;
}

interface OrganizationRow
  extends Omit<Organization, 'tokensPerMinute' | 'caps' | 'overdraftNano' | 'overdraftFloorNano'> {
  readonly tokensPerMinute: string | null;
  readonly caps: readonly CapJson[];
  readonly overdraftNano: string;
  readonly overdraftFloorNano: string;
}

export interface NewOrganization extends OwnRates {
  readonly name: string;
  /** Undefined: as the plan has it. */
  readonly rateTier?: string | undefined;
  readonly timeZone: string;
  readonly caps: readonly Cap[];
}

type OwnRatesChange = { readonly [R in keyof OwnRates]?: OwnRates[R] | undefined };

export interface OrganizationChange extends OwnRatesChange {
  readonly name?: string | undefined;
  /** Null: from now on as the plan has it. */
  readonly rateTier?: string | null | undefined;
  readonly timeZone?: string | undefined;
  readonly caps?: readonly Cap[] | undefined;
  readonly enforcement?: { readonly enforcement: Enforcement; readonly reason: string | null } | undefined;
}

/** Without a plan that has another. */
const USUAL_RATE_TIER = 'standard';

const ORGANIZATIONS = `
  select o.id, o.name, o.rate_tier as "rateTier", o.rate_tier_by_hand as "rateTierByHand", v.plan, o.plan_version_id as "planVersionId", o.requests_per_minute as "requestsPerMinute",
         o.tokens_per_minute as "tokensPerMinute", o.concurrent_requests as "concurrentRequests", o.allowed_addresses::text[] as "allowedAddresses", o.enforcement, o.enforcement_reason as "enforcementReason", o.provisioning,
         o.overdue_stage as "overdueStage", o.enforcement_seq::float8 as "enforcementSeq", o.time_zone as "timeZone", o.seats,
         ${capsColumn('organization', 'o.id', 'o.id')} as caps, o.overdraft_nano as "overdraftNano",
         o.overdraft_floor_nano as "overdraftFloorNano", o.version, o.created_at as "createdAt"
    from organizations o left join plan_versions v on v.id = o.plan_version_id`;

export async function createOrganization(tx: PoolClient, wanted: NewOrganization): Promise<Organization> {
  const { name, rateTier = USUAL_RATE_TIER, timeZone } = wanted;
  await refuseUnknownNames(tx, rateTier, timeZone);
  const id = newId();
  await tx.query(
    `insert into organizations (id, name, rate_tier, rate_tier_by_hand, time_zone, requests_per_minute, tokens_per_minute, concurrent_requests)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, name, rateTier, wanted.rateTier !== undefined, timeZone, ...ownRates(wanted)],
  );
  await replaceCaps(tx, ownerOf(id), wanted.caps);
  return organization(tx, id);
}

/** As Stripe remembers one that a restored database has forgotten: by its id alone. Staff invite its owner again. */
export async function recreateOrganization(tx: PoolClient, id: string): Promise<void> {
  await tx.query('insert into organizations (id, name) values ($1, $2)', [id, `Restored ${id.slice(-8)}`]);
}

export async function knownOrganization(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query('select from organizations where id = $1', [id]);
  return rowCount === 1;
}

export async function changeOrganization(
  tx: PoolClient,
  before: Organization,
  change: OrganizationChange,
): Promise<Organization> {
  const { name = before.name, timeZone = before.timeZone, caps } = change;
  const rateTierByHand = change.rateTier === undefined ? before.rateTierByHand : change.rateTier !== null;
  const rateTier = change.rateTier ?? (rateTierByHand ? before.rateTier : await rateTierOf(tx, before.planVersionId));
  const { enforcement, reason } = change.enforcement ?? {
    enforcement: before.enforcement,
    reason: before.enforcementReason,
  };
  await refuseUnknownNames(tx, rateTier, timeZone);
  await tx.query(
    `update organizations
        set name = $2, rate_tier = $3, rate_tier_by_hand = $4, time_zone = $5, enforcement = $6, enforcement_reason = $7,
            requests_per_minute = $8, tokens_per_minute = $9, concurrent_requests = $10, version = version + 1
      where id = $1`,
    [before.id, name, rateTier, rateTierByHand, timeZone, enforcement, reason, ...ownRates(before, change)],
  );
  if (caps !== undefined) await replaceCaps(tx, ownerOf(before.id), caps);
  return organization(tx, before.id);
}

/** Of all its API keys; null: from everywhere. */
export async function allowAddresses(
  tx: PoolClient,
  orgId: string,
  ranges: readonly string[] | null,
): Promise<Organization> {
  await tx.query(
    `update organizations set allowed_addresses = ${networks('$2')}, version = version + 1 where id = $1`,
    [orgId, ranges],
  );
  return organization(tx, orgId);
}

/**
 * What a plan gives beside credit; null: it has agreed on none. Credit that was leased under another goes back (migration 0009).
 * False: nothing has changed.
 */
export async function setPlan(tx: PoolClient, orgId: string, version: PlanVersion | null): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update organizations o
        set plan_version_id = $2, seats = $3, rate_tier = case when o.rate_tier_by_hand then o.rate_tier else $4 end, version = version + 1
      where o.id = $1 and (o.plan_version_id is distinct from $2 or o.seats is distinct from $3)`,
    [orgId, version?.id ?? null, version?.seats ?? null, version?.rateTier ?? USUAL_RATE_TIER],
  );
  return rowCount === 1;
}

async function rateTierOf(tx: PoolClient, planVersionId: string | null): Promise<string> {
  const { rows } = await tx.query<{ rateTier: string }>(
    'select rate_tier as "rateTier" from plan_versions where id = $1',
    [planVersionId],
  );
  return rows[0]?.rateTier ?? USUAL_RATE_TIER;
}

function ownRates(before: OwnRates, change: OwnRatesChange = {}): (number | null)[] {
  const {
    requestsPerMinute = before.requestsPerMinute,
    tokensPerMinute = before.tokensPerMinute,
    concurrentRequests = before.concurrentRequests,
  } = change;
  return [requestsPerMinute, tokensPerMinute, concurrentRequests];
}

export async function organization(db: Queryable, id: string): Promise<Organization> {
  const { rows } = await db.query<OrganizationRow>(`${ORGANIZATIONS} where o.id = $1`, [id]);
  return readOrganization(rows[0] ?? unknown(id));
}

/** As its lock was taken, with what its plan gives it then. */
export type HeldOrganization = Pick<Organization, 'id' | 'planVersionId' | 'seats'>;

const HELD = 'select id, plan_version_id as "planVersionId", seats from organizations';

/** Nobody changes it, and no lease is cut from it, until the transaction ends. */
export async function lockOrganization(tx: PoolClient, id: string): Promise<HeldOrganization> {
  const { rows } = await tx.query<HeldOrganization>(`${HELD} where id = $1 for no key update`, [id]);
  return rows[0] ?? unknown(id);
}

/** The same, of the organization that has this subscription. Null: there is no such subscription. */
export async function lockSubscriber(tx: PoolClient, subscriptionId: string): Promise<HeldOrganization | null> {
  const { rows } = await tx.query<HeldOrganization>(
    `${HELD} where id = (select org_id from subscriptions where id = $1) for no key update`,
    [subscriptionId],
  );
  return rows[0] ?? null;
}

export async function lockedOrganization(tx: PoolClient, id: string): Promise<Organization> {
  await lockOrganization(tx, id);
  return organization(tx, id);
}

/** Newest first. */
export async function listOrganizations(
  db: Queryable,
  after: string | null,
  pageSize: number,
): Promise<Organization[]> {
  const { rows } = await db.query<OrganizationRow>(
    `${ORGANIZATIONS}
      where $1::uuid is null or (o.created_at, o.id) < (select a.created_at, a.id from organizations a where a.id = $1)
      order by o.created_at desc, o.id desc
      limit $2`,
    [after, pageSize],
  );
  return rows.map(readOrganization);
}

function readOrganization(row: OrganizationRow): Organization {
  return {
    ...row,
    tokensPerMinute: row.tokensPerMinute === null ? null : Number(row.tokensPerMinute),
    caps: readCaps(row.caps),
    overdraftNano: nano(row.overdraftNano),
    overdraftFloorNano: nano(row.overdraftFloorNano),
  };
}

function unknown(id: string): never {
  throw new TollgateError('not_found', { message: `There is no organization ${id}.`, param: 'orgId' });
}

function ownerOf(orgId: string): CapOwner {
  return { orgId, scope: 'organization', scopeId: orgId };
}

async function refuseUnknownNames(tx: PoolClient, rateTier: string, timeZone: string): Promise<void> {
  const { rows } = await tx.query<{ tiers: string[]; knowsZone: boolean }>(
    `select array(select id from rate_tiers order by requests_per_minute) as tiers,
            exists (select from pg_timezone_names where name = $1) as "knowsZone"`,
    [timeZone],
  );
  const { tiers = [], knowsZone = false } = rows[0] ?? {};
  if (!tiers.includes(rateTier)) {
    const message = `There is no rate tier ${rateTier}; choose one of ${tiers.join(', ')}.`;
    throw new TollgateError('invalid_body', { message, param: 'rateTier' });
  }
  if (!knowsZone) {
    const message = `${timeZone} is not a time zone of the IANA list; write it as in "Europe/Berlin" or "UTC".`;
    throw new TollgateError('invalid_body', { message, param: 'timeZone' });
  }
}
