// As whom providers know our people. An identity is the issuer's name and its number for somebody: what becomes of his mail address there changes nothing
// here. It lives as long as he belongs to the organization (migrations/0025), and what he has opened by it ends with it.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { queueMail } from '../notifications/outbox.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

/** Who somebody is, by his provider's word. */
export interface Subject {
  readonly orgId: string;
  readonly issuer: string;
  readonly subject: string;
}

export interface Identity {
  readonly id: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly createdAt: Date;
  readonly usedAt: Date | null;
}

const IDENTITIES = `
  select i.id, i.org_id as "orgId", o.name as "orgName", i.created_at as "createdAt", i.used_at as "usedAt"
    from identities i join organizations o on o.id = i.org_id`;

/** Oldest first. */
export async function identitiesOf(db: Queryable, personId: string): Promise<Identity[]> {
  const { rows } = await db.query<Identity>(`${IDENTITIES} where i.person_id = $1 order by i.created_at, i.id`, [
    personId,
  ]);
  return rows;
}

/** @throws TollgateError not_found */
export async function identity(db: Queryable, personId: string, id: string): Promise<Identity> {
  const { rows } = await db.query<Identity>(`${IDENTITIES} where i.person_id = $1 and i.id = $2`, [personId, id]);
  if (rows[0] === undefined) throw unknown(id);
  return rows[0];
}

/** The organizations of his that have a provider, and where he is known to none. */
export async function connectable(db: Queryable, personId: string): Promise<{ orgId: string; orgName: string }[]> {
  const { rows } = await db.query<{ orgId: string; orgName: string }>(
    `select o.id as "orgId", o.name as "orgName"
       from memberships m join organizations o on o.id = m.org_id join plan_versions v on v.id = o.plan_version_id
       join identity_providers p on p.org_id = o.id
      where m.person_id = $1 and m.status = 'active' and v.plan = 'enterprise' and p.issuer is not null
        and exists (select from mail_domains d where d.org_id = o.id)
        and not exists (select from identities i where i.org_id = o.id and i.person_id = $1)
      order by o.name, o.id`,
    [personId],
  );
  return rows;
}

export interface KnownIdentity {
  readonly id: string;
  readonly personId: string;
  /** Of his membership. */
  readonly status: string;
}

/** Null: he was never here, or has left. Until the transaction ends nobody takes it away. */
export async function knownIdentity(
  tx: PoolClient,
  { orgId, issuer, subject }: Subject,
): Promise<KnownIdentity | null> {
  const { rows } = await tx.query<KnownIdentity>(
    `select i.id, i.person_id as "personId", m.status
       from identities i join memberships m on m.org_id = i.org_id and m.person_id = i.person_id
      where i.org_id = $1 and i.issuer = $2 and i.subject = $3 for key share of i`,
    [orgId, issuer, subject],
  );
  return rows[0] ?? null;
}

export async function noteUsed(tx: PoolClient, id: string): Promise<void> {
  await tx.query('update identities set used_at = clock_timestamp() where id = $1', [id]);
}

/** Of a member; he hears of it. What he has already he may be given again. @throws TollgateError conflict when it is somebody else's */
export async function addIdentity(tx: PoolClient, personId: string, of: Subject): Promise<string> {
  const known = await knownIdentity(tx, of);
  if (known?.personId === personId) return known.id;
  const { rows } = await tx.query<{ id: string }>(
    `insert into identities (id, org_id, person_id, issuer, subject) values ($1, $2, $3, $4, $5)
     on conflict do nothing returning id`,
    [newId(), of.orgId, personId, of.issuer, of.subject],
  );
  if (rows[0] === undefined) {
    throw new TollgateError('conflict', { message: 'Your provider’s account belongs to another account here.' });
  }
  await tell(tx, personId, await identity(tx, personId, rows[0].id), 'connected');
  return rows[0].id;
}

/** Sessions that he has by it end. Under the person's lock. @throws TollgateError not_found, last_way_in */
export async function removeIdentity(tx: PoolClient, personId: string, id: string): Promise<Identity> {
  const removed = await identity(tx, personId, id);
  const { rows } = await tx.query<{ hasOther: boolean }>(
    `select exists (select from auth.accounts where person_id = $1)
            or exists (select from auth.passkeys where person_id = $1 and copied_at is null and identity_id is distinct from $2)
            or exists (select from identities where person_id = $1 and id <> $2) as "hasOther"`,
    [personId, id],
  );
  if (rows[0]?.hasOther !== true) {
    throw new TollgateError('last_way_in', {
      message: 'It is your last way in: add a passkey, or have a password, first.',
    });
  }
  await tx.query('delete from identities where id = $1', [id]);
  await tell(tx, personId, removed, 'disconnected');
  return removed;
}

/** Of whoever has no name any more. */
export async function forgetIdentitiesOf(tx: PoolClient, personId: string): Promise<void> {
  await tx.query('delete from identities where person_id = $1', [personId]);
  await tx.query('delete from auth.identity_links where person_id = $1', [personId]);
}

async function tell(
  tx: PoolClient,
  personId: string,
  { orgName }: Identity,
  change: 'connected' | 'disconnected',
): Promise<void> {
  const { rows } = await tx.query<{ at: Date }>('select clock_timestamp() as at');
  const facts = { personId, change, orgName, changedAt: (rows[0]?.at ?? new Date(0)).toISOString() };
  await queueMail(tx, { orgId: null, kind: 'identity', key: `identity:${newId()}`, facts });
}

function unknown(id: string): TollgateError {
  return new TollgateError('not_found', { message: `You have no identity ${id}.` });
}
