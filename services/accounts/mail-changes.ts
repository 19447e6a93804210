// Another mail address: asked for by the password, had by a code that is sent to the new one, and taken back for a week by a link that is sent to the
// one before. So a stolen session takes no account away, and neither does a stolen password for good. Whether somebody else has an address is told
// to nobody but to whoever reads its mail.
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { queueMail } from '../notifications/outbox.ts';
import { changePerson, lockedPerson, type Person, personWithAddress } from '../people/persons.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { isSameSecret } from '../platform/same-secret.ts';
import type { SignedIds } from '../platform/signed-ids.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import { deadLink } from './dead-links.ts';
import { endSignInsUnderWay } from './password-holds.ts';
import { passwordChanged } from './password-resets.ts';

const CODE_VALID_FOR = '15 minutes';
const WAY_BACK = '7 days';
const MOST_TRIES = 5;
/** By one person in an hour. */
const MOST_MAILS = 5;

/** What somebody has asked for, until he types its code. */
export interface AskedMailChange {
  readonly email: string;
  readonly validUntil: Date;
}

/**
 * Takes the place of one that was asked for before. Everything but the mail is the same where somebody has the address already.
 * @throws TollgateError invalid_body for his own address, too_many_attempts
 */
export async function askForMailChange(tx: PoolClient, personId: string, email: string): Promise<AskedMailChange> {
  const asking = await lockedPerson(tx, personId);
  if (asking.email === email) {
    throw new TollgateError('invalid_body', { message: 'This is your address already.', param: 'email' });
  }
  const id = newId();
  const { rows } = await tx.query<AskedMailChange>(
    `with gone as (
       delete from auth.mail_changes
        where coalesce(back_until, valid_until) < clock_timestamp() - interval '1 day'),
     ended as (
       update auth.mail_changes set ended_at = clock_timestamp() where person_id = $2 and changed_at is null and ended_at is null)
     insert into auth.mail_changes (id, person_id, email, valid_until)
       select $1, $2, $3, clock_timestamp() + $4::interval
        where (select count(*) from auth.mail_changes where person_id = $2 and asked_at > clock_timestamp() - interval '1 hour') < $5
     returning email, valid_until as "validUntil"`,
    [id, personId, email, CODE_VALID_FOR, MOST_MAILS],
  );
  const [asked] = rows;
  if (asked === undefined) {
    throw new TollgateError('too_many_attempts', {
      message: 'Five codes were sent in an hour. Wait, and try again.',
      retryAfterMs: 3_600_000,
    });
  }
  await tellNewAddress(tx, asking, id, asked);
  return asked;
}

async function tellNewAddress(tx: PoolClient, { locale }: Person, id: string, asked: AskedMailChange): Promise<void> {
  const known = await personWithAddress(tx, asked.email);
  if (known !== null) {
    await queueMail(tx, {
      orgId: null,
      kind: 'known_address',
      key: `known_address:${id}`,
      facts: { personId: known.id },
    });
    return;
  }
  const facts = { email: asked.email, locale, mailChangeId: id, validUntil: asked.validUntil.toISOString() };
  await queueMail(tx, { orgId: null, kind: 'mail_change_code', key: `mail_change_code:${id}`, facts });
}

/** Null: he has asked for none, or for none that could still be had. */
export async function askedMailChange(db: Queryable, personId: string): Promise<AskedMailChange | null> {
  const { rows } = await db.query<AskedMailChange>(
    `select email, valid_until as "validUntil" from auth.mail_changes
      where person_id = $1 and changed_at is null and ended_at is null and tries < $2 and valid_until > clock_timestamp()`,
    [personId, MOST_TRIES],
  );
  return rows[0] ?? null;
}

/**
 * Counts the try, whatever becomes of the request. Answers which one it is.
 * @throws TollgateError wrong_code; code_over, alike for an address that somebody has
 */
export async function checkMailChangeCode(
  db: Pool,
  mailChanges: SignedIds,
  personId: string,
  code: string,
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `update auth.mail_changes set tries = tries + 1
      where person_id = $1 and changed_at is null and ended_at is null and tries < $2 and valid_until > clock_timestamp()
     returning id`,
    [personId, MOST_TRIES],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw codeOver();
  if (!isSameSecret(code, mailChanges.codeOf(id))) throw wrongCode();
  return id;
}

/** Links that were sent to the address before end, but for the one by which this is undone. @throws TollgateError wrong_code, conflict */
export async function changeMail(tx: PoolClient, id: string, personId: string): Promise<Person> {
  const before = await lockedPerson(tx, personId);
  const { rows } = await tx.query<Changed & { readonly email: string }>(
    `update auth.mail_changes
        set changed_at = clock_timestamp(), email_before = $3, back_until = clock_timestamp() + $4::interval
      where id = $1 and person_id = $2 and changed_at is null and ended_at is null
     returning email, changed_at as "changedAt", back_until as "backUntil"`,
    [id, personId, before.email, WAY_BACK],
  );
  const [made] = rows;
  if (made === undefined) throw wrongCode();
  if ((await personWithAddress(tx, made.email)) !== null) throw takenMeanwhile('code');
  const after = await changePerson(tx, before, { email: made.email, verified: true });
  await tellFormerAddress(tx, before, id, made);
  return after;
}

/** Somebody of ours has given him another address: whoever proved the one before hears of it there, and may take it back. */
export async function mailChangedByStaff(tx: PoolClient, before: Person, email: string): Promise<void> {
  if (before.emailVerifiedAt === null) return; // whoever reads that one may be a stranger
  const id = newId();
  const { rows } = await tx.query<Changed>(
    `insert into auth.mail_changes (id, person_id, email, valid_until, changed_at, email_before, back_until)
       values ($1, $2, $3, clock_timestamp(), clock_timestamp(), $4, clock_timestamp() + $5::interval)
     returning changed_at as "changedAt", back_until as "backUntil"`,
    [id, before.id, email, before.email, WAY_BACK],
  );
  const [made] = rows;
  if (made !== undefined) await tellFormerAddress(tx, before, id, made);
}

interface Changed {
  readonly changedAt: Date;
  readonly backUntil: Date;
}

async function tellFormerAddress(
  tx: PoolClient,
  before: Person,
  id: string,
  { changedAt, backUntil }: Changed,
): Promise<void> {
  await endLinksFor(tx, before.id);
  const facts = {
    ...{ email: before.email, locale: before.locale, mailChangeId: id },
    ...{ changedAt: changedAt.toISOString(), backUntil: backUntil.toISOString() },
  };
  await queueMail(tx, { orgId: null, kind: 'mail_changed', key: `mail_changed:${id}`, facts });
}

async function endLinksFor(tx: PoolClient, personId: string): Promise<void> {
  await tx.query(
    'update auth.password_resets set used_at = clock_timestamp() where person_id = $1 and used_at is null',
    [personId],
  );
}

/** Before anything slow is done for whoever has made up a link. Answers which one it is. @throws TollgateError link_unknown, link_used, link_expired */
export async function openWayBack(db: Queryable, { mailChanges }: Accounts, linkToken: string): Promise<string> {
  const id = mailChanges.idOf(linkToken);
  const { rowCount } = await db.query(
    'select from auth.mail_changes where id = $1 and ended_at is null and back_until > clock_timestamp()',
    [id],
  );
  if (id === null || rowCount === 0) throw await spent(db, id);
  return id;
}

/**
 * The address is the one before again, with another password, and whoever came in by what was known until now is out: all sessions, sign-ins
 * under way, a second factor that was taken since, passkeys of that time and of the week before it, and ways back to addresses that came later.
 * A closing since then is undone. Answers who it is.
 * @throws TollgateError link_used when it was meanwhile; conflict when somebody else has the address by now
 */
export async function takeMailBack(
  tx: PoolClient,
  { auth }: Accounts,
  id: string,
  passwordHash: string,
): Promise<string> {
  const { rows: known } = await tx.query<{ personId: string }>(
    'select person_id as "personId" from auth.mail_changes where id = $1',
    [id],
  );
  const personId = known[0]?.personId;
  if (personId === undefined) throw await spent(tx, id);
  const now = await lockedPerson(tx, personId);
  const { rows } = await tx.query<{ email: string; changedAt: Date }>(
    `with this as (
       select email_before, changed_at from auth.mail_changes where id = $1 and ended_at is null and back_until > clock_timestamp()),
     ended as (
       update auth.mail_changes set ended_at = clock_timestamp()
        where person_id = $2 and ended_at is null and coalesce(changed_at, clock_timestamp()) >= (select changed_at from this))
     select email_before as email, changed_at as "changedAt" from this`,
    [id, personId],
  );
  const [before] = rows;
  if (before === undefined) throw await spent(tx, id);
  const holder = await personWithAddress(tx, before.email);
  if (holder !== null && holder.id !== personId) throw takenMeanwhile('token');
  await changePerson(tx, now, { email: before.email, verified: true });
  await endWaysInSince(tx, personId, before.changedAt);
  const { internalAdapter } = await auth.$context;
  await within(tx, async () => {
    await internalAdapter.updatePassword(personId, passwordHash);
    await internalAdapter.deleteUserSessions(personId);
  });
  await passwordChanged(tx, personId);
  return personId;
}

async function endWaysInSince(tx: PoolClient, personId: string, changedAt: Date): Promise<void> {
  await endSignInsUnderWay(tx, personId);
  await tx.query('delete from auth.closings where person_id = $1 and erased_at is null and closed_at >= $2', [
    personId,
    changedAt,
  ]);
  await tx.query('delete from auth.second_factors where person_id = $1 and enrolled_at >= $2', [personId, changedAt]);
  await tx.query('delete from auth.passkeys where person_id = $1 and created_at >= $2::timestamptz - $3::interval', [
    personId,
    changedAt,
    WAY_BACK,
  ]);
}

function wrongCode(): TollgateError {
  return new TollgateError('wrong_code', {
    message: 'This is not the code. Look at the mail again, or ask for a new one.',
    param: 'code',
  });
}

function codeOver(): TollgateError {
  return new TollgateError('code_over', {
    message:
      'No code counts any more: it was used, or is older than 15 minutes, or five others were tried. Ask for a new one.',
  });
}

/** Null: we have never made it. Of a link that is long over no row is left. */
async function spent(db: Queryable, id: string | null): Promise<TollgateError> {
  const { rows } = await db.query<{ isEnded: boolean }>(
    'select ended_at is not null as "isEnded" from auth.mail_changes where id = $1',
    [id],
  );
  const why = id === null ? 'unknown' : rows[0]?.isEnded ? 'used' : 'expired';
  return deadLink(why, 'If it was not you who changed the address, write to us.');
}

/** Whoever hears it has proved that he reads the mail of the address. */
function takenMeanwhile(param: string): TollgateError {
  return new TollgateError('conflict', {
    message: 'There is another account with this address by now.',
    param,
  });
}
