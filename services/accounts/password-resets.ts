// Somebody does not know his password: he is mailed a link, good for ten minutes and once. It changes the password and ends every session; it signs
// nobody in, so a second factor is asked for as ever (R-LOG-7). The row holds nothing by which anybody could make the link (D70).
import type { PoolClient } from 'pg';
import type { TollgateError } from '../../domain/errors.ts';
import { queueMail } from '../notifications/outbox.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import { deadLink } from './dead-links.ts';
import { endSignInsUnderWay } from './password-holds.ts';

const VALID_FOR = '10 minutes';
/** To one person in an hour. */
const MOST_MAILS = 5;

/** Answers which one it would be, also for whom there is none: an address that nobody has an account with is mailed nothing. */
export async function askForReset(tx: PoolClient, email: string): Promise<string> {
  const id = newId();
  const { rows } = await tx.query<{ personId: string; validUntil: Date }>(
    `with gone as (delete from auth.password_resets where valid_until < clock_timestamp() - interval '1 day')
     insert into auth.password_resets (id, person_id, valid_until)
       select $1, p.id, clock_timestamp() + $3::interval
         from persons p join auth.accounts a on a.person_id = p.id
        where p.email = $2
          and (select count(*) from auth.password_resets r
                where r.person_id = p.id and r.created_at > clock_timestamp() - interval '1 hour') < $4
     returning person_id as "personId", valid_until as "validUntil"`,
    [id, email, VALID_FOR, MOST_MAILS],
  );
  const [made] = rows;
  if (made === undefined) return id;
  const facts = { personId: made.personId, resetId: id, validUntil: made.validUntil.toISOString() };
  await queueMail(tx, { orgId: null, kind: 'password_reset', key: `password_reset:${id}`, facts });
  return id;
}

/** Before anything slow is done for whoever has made up a link. @throws TollgateError link_unknown, link_used, link_expired */
export async function openReset(db: Queryable, { resets }: Accounts, linkToken: string): Promise<string> {
  const id = resets.idOf(linkToken);
  const { rowCount } = await db.query(
    'select from auth.password_resets where id = $1 and used_at is null and valid_until > clock_timestamp()',
    [id],
  );
  if (id === null || rowCount === 0) throw await spent(db, id);
  return id;
}

/** Whose password it was. @throws TollgateError link_used when it was meanwhile */
export async function resetPassword(
  tx: PoolClient,
  { auth }: Accounts,
  resetId: string,
  passwordHash: string,
): Promise<string> {
  const { rows } = await tx.query<{ personId: string }>(
    `update auth.password_resets set used_at = clock_timestamp()
      where id = $1 and used_at is null and valid_until > clock_timestamp() returning person_id as "personId"`,
    [resetId],
  );
  const personId = rows[0]?.personId;
  if (personId === undefined) throw await spent(tx, resetId);
  await endSignInsUnderWay(tx, personId);
  const { internalAdapter } = await auth.$context;
  await within(tx, async () => {
    await internalAdapter.updatePassword(personId, passwordHash);
    await internalAdapter.deleteUserSessions(personId);
  });
  await passwordChanged(tx, personId);
  return personId;
}

/** Links that were sent for the password before end with it, and whose it is hears of it. */
export async function passwordChanged(tx: PoolClient, personId: string): Promise<void> {
  const { rows } = await tx.query<{ at: Date }>(
    `with ended as (
       update auth.password_resets set used_at = clock_timestamp() where person_id = $1 and used_at is null)
     select clock_timestamp() as at`,
    [personId],
  );
  const facts = { personId, changedAt: (rows[0]?.at ?? new Date(0)).toISOString() };
  await queueMail(tx, { orgId: null, kind: 'password_changed', key: `password_changed:${newId()}`, facts });
}

/** Null: we have never made it. Of a link that is long over no row is left. */
async function spent(db: Queryable, id: string | null): Promise<TollgateError> {
  const { rows } = await db.query<{ isUsed: boolean }>(
    'select used_at is not null as "isUsed" from auth.password_resets where id = $1',
    [id],
  );
  return deadLink(id === null ? 'unknown' : rows[0]?.isUsed ? 'used' : 'expired', 'Ask for a new one.');
}
