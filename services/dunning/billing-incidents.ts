// Times for which no customer answers, as people declare them: while one is open nobody is limited, stopped or mailed, and it is added to every
// ladder (D35). Cases look at it by themselves (migrations/0009).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface BillingIncident {
  readonly id: string;
  readonly what: string;
  readonly fromAt: Date;
  /** Null: it goes on. */
  readonly toAt: Date | null;
  readonly declaredBy: string;
}

const INCIDENTS = `select id, what, from_at as "fromAt", to_at as "toAt", declared_by as "declaredBy" from billing_incidents`;

/** From now on. */
export async function declareIncident(tx: PoolClient, what: string, actor: string): Promise<BillingIncident> {
  const id = newId();
  await tx.query('insert into billing_incidents (id, what, declared_by) values ($1, $2, $3)', [id, what, actor]);
  return incident(tx, id);
}

/** @throws TollgateError not_found; conflict where it has ended */
export async function endIncident(tx: PoolClient, id: string): Promise<BillingIncident> {
  const { toAt } = await incident(tx, id);
  if (toAt !== null) throw new TollgateError('conflict', { message: `Incident ${id} ended at ${toAt.toISOString()}.` });
  await tx.query('update billing_incidents set to_at = billing_now() where id = $1', [id]);
  return incident(tx, id);
}

/** Newest first. */
export async function listIncidents(db: Queryable, after: string | null, pageSize: number): Promise<BillingIncident[]> {
  const { rows } = await db.query<BillingIncident>(
    `${INCIDENTS}
      where $1::uuid is null or (from_at, id) < (select a.from_at, a.id from billing_incidents a where a.id = $1)
      order by from_at desc, id desc limit $2`,
    [after, pageSize],
  );
  return rows;
}

async function incident(db: Queryable, id: string): Promise<BillingIncident> {
  const { rows } = await db.query<BillingIncident>(`${INCIDENTS} where id = $1`, [id]);
  if (rows[0] === undefined) throw new TollgateError('not_found', { message: `There is no incident ${id}.` });
  return rows[0];
}
