// Contracts of enterprises that pay afterwards: how much is lent to them, and how long they may take to pay. What is lent and owed is
// levelled with the line in the transaction that changes either (level_credit_line).
import type { PoolClient } from 'pg';
import { type Cents, cents } from '../../domain/cents.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import { postpaidAvailable } from '../../domain/postpaid.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { addContractPlan } from '../plans/plan-versions.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { endProjectPrices } from '../projects/projects.ts';
import { adoptPlan } from '../subscriptions/plan-benefits.ts';
import { liveSubscriptionOf } from '../subscriptions/subscription-rows.ts';
import { openUsageAccount } from './usage-accounts.ts';

export interface Contract {
  readonly id: string;
  readonly orgId: string;
  readonly creditLineCents: Cents;
  readonly netDays: number;
  /** What its requests cost, in millionths of list price. */
  readonly priceOfListPpm: number;
  readonly effectiveAt: Date;
  readonly endedAt: Date | null;
  readonly madeBy: string;
  readonly note: string | null;
  readonly version: number;
}

export interface NewContract {
  /** Of what made it, so that it is made once; undefined: a new one. */
  readonly id?: string | undefined;
  readonly creditLineCents: number;
  readonly netDays: number;
  readonly priceOfListPpm: number;
  readonly note: string | null;
  readonly actor: string;
}

/** From now on. @throws TollgateError not_found; conflict where one is in force */
export async function makeContract(tx: PoolClient, orgId: string, wanted: NewContract): Promise<Contract> {
  await lockedOrganization(tx, orgId);
  if ((await contractInForce(tx, orgId)) !== null) {
    throw new TollgateError('conflict', {
      message: `Organization ${orgId} has a contract that is in force: change its credit line, or end it first.`,
    });
  }
  const { id = newId(), creditLineCents, netDays, priceOfListPpm, note, actor } = wanted;
  const planVersionId = await addContractPlan(tx, id, priceOfListPpm);
  await tx.query(
    `insert into contracts (id, org_id, credit_line_cents, net_days, plan_version_id, made_by, note)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, orgId, creditLineCents, netDays, planVersionId, actor, note],
  );
  await adoptUnlessSubscribed(tx, orgId, planVersionId);
  await openUsageAccount(tx, orgId);
  await levelled(tx, orgId, actor);
  return contract(tx, orgId);
}

/** More is lent at once; less is taken from what is free, and the rest when it comes back or is paid. */
export async function changeCreditLine(
  tx: PoolClient,
  { id, orgId }: Contract,
  creditLineCents: number,
  actor: string,
): Promise<Contract> {
  await tx.query('update contracts set credit_line_cents = $2, version = version + 1 where id = $1', [
    id,
    creditLineCents,
  ]);
  await levelled(tx, orgId, actor);
  return contract(tx, orgId);
}

/** Nothing is lent any more. What was used until then is invoiced as before. */
export async function endContract(tx: PoolClient, { id, orgId }: Contract, actor: string): Promise<Contract> {
  await tx.query('update contracts set ended_at = billing_now(), version = version + 1 where id = $1', [id]);
  await endProjectPrices(tx, orgId);
  await adoptUnlessSubscribed(tx, orgId, null);
  await levelled(tx, orgId, actor);
  return contract(tx, orgId);
}

/** A subscription's plan outranks it, as with every turn of one (services/subscriptions/plan-benefits.ts). */
async function adoptUnlessSubscribed(tx: PoolClient, orgId: string, planVersionId: string | null): Promise<void> {
  if ((await liveSubscriptionOf(tx, orgId)) === null) await adoptPlan(tx, orgId, planVersionId);
}

async function levelled(tx: PoolClient, orgId: string, actor: string): Promise<void> {
  await tx.query('select level_credit_line($1, $2)', [orgId, actor]);
}

/** The one in force, else the last one: an invoice may come after the end. @throws TollgateError not_found */
export async function contract(db: Queryable, orgId: string): Promise<Contract> {
  const found = await lastContract(db, orgId);
  if (found !== null) return found;
  throw new TollgateError('not_found', {
    message: `Organization ${orgId} has no contract: it pays in advance.`,
    param: 'orgId',
  });
}

/** Null: none. */
export async function contractInForce(db: Queryable, orgId: string): Promise<Contract | null> {
  const last = await lastContract(db, orgId);
  return last?.endedAt === null ? last : null;
}

async function lastContract(db: Queryable, orgId: string): Promise<Contract | null> {
  const { rows } = await db.query<Omit<Contract, 'creditLineCents'> & { creditLineCents: number }>(
    `select c.id, c.org_id as "orgId", c.credit_line_cents as "creditLineCents", c.net_days as "netDays",
            v.beyond_included_ppm as "priceOfListPpm", c.effective_at as "effectiveAt", c.ended_at as "endedAt", c.made_by as "madeBy",
            c.note, c.version
       from contracts c join plan_versions v on v.id = c.plan_version_id
      where c.org_id = $1 order by (c.ended_at is null) desc, c.effective_at desc, c.id desc limit 1`,
    [orgId],
  );
  return rows[0] === undefined ? null : { ...rows[0], creditLineCents: cents(rows[0].creditLineCents) };
}

/** The one in force, with its organization. @throws TollgateError not_found; conflict where it has ended */
export async function lockedContract(tx: PoolClient, orgId: string): Promise<Contract> {
  await lockedOrganization(tx, orgId);
  const found = await contract(tx, orgId);
  if (found.endedAt === null) return found;
  throw new TollgateError('conflict', { message: `The contract of organization ${orgId} has ended: make another.` });
}

export interface CreditStanding {
  /** As it counts: nothing after the end. */
  readonly creditLineCents: Cents;
  readonly openInvoicesCents: Cents;
  /** Used, and on no invoice yet. */
  readonly unbilledNano: Nano;
  /** Leased to gateways and not spent. */
  readonly heldNano: Nano;
  /** Below zero: the line was cut to less than is owed. */
  readonly availableNano: Nano;
}

export async function creditStanding(db: Queryable, { orgId, netDays, ...agreed }: Contract): Promise<CreditStanding> {
  const { rows } = await db.query<{ open: string; unbilled: string; held: string }>(
    `select (select coalesce(sum(remaining_of(i.id)), 0) from invoices i where i.org_id = $1 and i.kind = 'usage' and i.state = 'open') as open,
            unbilled_of($1) as unbilled,
            (select coalesce(sum(u.unspent_nano), 0)
               from unspent_slices($1) u join credit_grants g on g.id = u.grant_id where g.source = 'credit_line') as held`,
    [orgId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a select without a table answered no row');
  const use = {
    openInvoicesCents: cents(Number(row.open)),
    unbilledNano: nano(row.unbilled),
    heldNano: nano(row.held),
  };
  const creditLineCents = agreed.endedAt === null ? agreed.creditLineCents : cents(0);
  return { ...use, creditLineCents, availableNano: postpaidAvailable({ creditLineCents, netDays }, use) };
}
