// Who is signed in: by a session that is neither too old nor idle for too long. Whoever works for us is out sooner, from the moment on in which he
// does (R-LOG-4), and not by anybody else's word for him. Nobody is by an account that was closed, also who came in at that very moment.
import type { Pool, PoolClient } from 'pg';
import type { StaffRole } from '../../domain/authorization.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Accounts } from './accounts.ts';
import { headersOf, type Visit, whyRefused } from './auth.ts';
import { standingOf } from './standing.ts';

export interface SignedIn {
  readonly sessionId: string;
  readonly personId: string;
  readonly staffRoles: readonly StaffRole[];
  readonly hasSecondFactor: boolean;
  /** He has to have a second factor and has none: he may do nothing but see who he is and take one. */
  readonly mustEnrol: boolean;
  /** The organization whose provider has opened the session, which reaches no other one; null: a password or a passkey has. */
  readonly confinedTo: string | null;
  readonly signedInAt: Date;
}

const IS_STAFF = 'exists (select from staff_roles r where r.person_id = s.person_id)';
const IS_LIVE = `
  s.expires_at > clock_timestamp()
  and not exists (select from auth.closings c where c.person_id = s.person_id)
  and s.seen_at > clock_timestamp() - case when ${IS_STAFF} then interval '30 minutes' else interval '12 hours' end
  and (s.created_at > clock_timestamp() - interval '12 hours' or not ${IS_STAFF})
  and (s.identity_id is null or not ${IS_STAFF} and exists (
         select from identities i join memberships m on m.org_id = i.org_id and m.person_id = i.person_id
          where i.id = s.identity_id and m.status = 'active'))`;

/** Null: nobody is, by this cookie. */
export async function signedIn(db: Pool, { auth, cookies }: Accounts, visit: Visit): Promise<SignedIn | null> {
  if (cookies.valueOf(cookies.session, visit.cookie) === '') return null;
  const found = await auth.api.getSession({ headers: headersOf(visit) }).catch((thrown: unknown) => {
    throw new Error(`better-auth finds no session: ${whyRefused(thrown)}`);
  });
  return found === null ? null : liveSession(db, found.session.id);
}

async function liveSession(db: Queryable, sessionId: string): Promise<SignedIn | null> {
  const { rows } = await db.query<Pick<SignedIn, 'personId' | 'confinedTo' | 'signedInAt'>>(
    `with live as (
       select s.id, s.person_id, s.identity_id, s.created_at from auth.sessions s where s.id = $1 and ${IS_LIVE}),
     seen as (
       update auth.sessions s set seen_at = clock_timestamp() from live
        where s.id = live.id and s.seen_at < clock_timestamp() - interval '1 minute')
     select l.person_id as "personId", i.org_id as "confinedTo", l.created_at as "signedInAt"
       from live l left join identities i on i.id = l.identity_id`,
    [sessionId],
  );
  if (rows[0] === undefined) return null;
  const { staffRoles, hasSecondFactor, mustHaveSecondFactor } = await standingOf(db, rows[0].personId);
  return { ...rows[0], sessionId, staffRoles, hasSecondFactor, mustEnrol: mustHaveSecondFactor && !hasSecondFactor };
}

export interface LiveSession {
  readonly id: string;
  readonly createdAt: Date;
  readonly seenAt: Date;
  readonly expiresAt: Date;
  readonly clientAddress: string;
  readonly userAgent: string;
  readonly isThisOne: boolean;
}

/** Used last first. */
export async function liveSessions(db: Queryable, { personId, sessionId }: SignedIn): Promise<LiveSession[]> {
  const { rows } = await db.query<LiveSession>(
    `select s.id, s.created_at as "createdAt", s.seen_at as "seenAt", s.expires_at as "expiresAt",
            s.client_address as "clientAddress", s.user_agent as "userAgent", s.id = $2 as "isThisOne"
       from auth.sessions s where s.person_id = $1 and ${IS_LIVE} order by s.seen_at desc, s.id desc`,
    [personId, sessionId],
  );
  return rows;
}

export async function endOtherSessions(tx: PoolClient, personId: string, sessionId: string): Promise<void> {
  await tx.query('delete from auth.sessions where person_id = $1 and id <> $2', [personId, sessionId]);
}

/** False: he had none of this id that was not over already. */
export async function endSession(tx: PoolClient, personId: string, sessionId: string): Promise<boolean> {
  const { rowCount } = await tx.query('delete from auth.sessions where id = $1 and person_id = $2', [
    sessionId,
    personId,
  ]);
  return rowCount === 1;
}

/** For 12 hours at most: how long somebody stays who he was, his provider alone would know. */
export async function bindSession(tx: PoolClient, sessionId: string, identityId: string): Promise<void> {
  await tx.query(
    `update auth.sessions set identity_id = $2, expires_at = least(expires_at, created_at + interval '12 hours') where id = $1`,
    [sessionId, identityId],
  );
}

/** Of whoever has a password that is what he is asked for, and no provider's word takes its place; nor does it where he has come to belong elsewhere since. */
const IS_FRESH = `
  s.proved_at > clock_timestamp() - interval '5 minutes' and not exists (select from auth.accounts a where a.person_id = s.person_id)
  and (select count(*) from memberships m where m.person_id = s.person_id) <= 1`;

export async function noteFreshSignOn(tx: PoolClient, sessionId: string): Promise<void> {
  await tx.query('update auth.sessions set proved_at = clock_timestamp() where id = $1', [sessionId]);
}

/** Until when nothing more is asked; null: it is. */
export async function freshUntil(db: Queryable, sessionId: string): Promise<Date | null> {
  const { rows } = await db.query<{ until: Date }>(
    `select s.proved_at + interval '5 minutes' as until from auth.sessions s where s.id = $1 and ${IS_FRESH}`,
    [sessionId],
  );
  return rows[0]?.until ?? null;
}

/** Once. False: it was not there, or was used. */
export async function takeFreshSignOn(tx: PoolClient, sessionId: string): Promise<boolean> {
  const { rowCount } = await tx.query(`update auth.sessions s set proved_at = null where s.id = $1 and ${IS_FRESH}`, [
    sessionId,
  ]);
  return rowCount === 1;
}
