// Somebody closes his account. What stands in the way is told before: money that is owed, what would go on costing, and organizations in which others
// rely on him. Then nothing of it works any more; for 30 days a link opens it again, after that his name and his address are taken from it, and the
// address is free. The books stay (D109).
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { revokeKeysOf } from '../api-keys/keys-of-leavers.ts';
import { writeAudit } from '../audit/audit.ts';
import { queueMail } from '../notifications/outbox.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { endInvitationsOf, forgetInvitedAddress } from '../people/invitations.ts';
import { lockedPerson, withoutIdentity } from '../people/persons.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { forgetIdentitiesOf } from '../single-sign-on/identities.ts';
import type { Accounts } from './accounts.ts';
import { type ClosingOutlook, closingOutlook } from './closing-outlook.ts';
import { deadLink } from './dead-links.ts';

const WAY_BACK = '30 days';
const AT_A_TIME = 100;

/** @throws TollgateError conflict while something stands in the way, account_closed when it is */
export async function closeAccount(tx: PoolClient, personId: string): Promise<ClosingOutlook> {
  const { email, locale } = await lockedPerson(tx, personId);
  await requireOpenAccount(tx, personId);
  const { organizations } = await closingOutlook(tx, personId);
  for (const { orgId } of organizations) await lockOrganization(tx, orgId);
  const outlook = await closingOutlook(tx, personId);
  if (outlook.obstacles.length > 0 || outlook.organizations.length !== organizations.length) throw obstructed(outlook);
  for (const { orgId } of organizations) {
    await revokeKeysOf(tx, orgId, 'the account was closed');
    await endInvitationsOf(tx, orgId);
  }
  const { rows } = await tx.query<{ id: string; closedAt: Date; backUntil: Date }>(
    `insert into auth.closings (person_id, id, back_until) values ($1, $2, clock_timestamp() + $3::interval)
     returning id, closed_at as "closedAt", back_until as "backUntil"`,
    [personId, newId(), WAY_BACK],
  );
  await endAccess(tx, personId);
  const [{ id, closedAt, backUntil } = { id: '', closedAt: new Date(0), backUntil: new Date(0) }] = rows;
  const facts = {
    ...{ email, locale, closingId: id },
    ...{ closedAt: closedAt.toISOString(), backUntil: backUntil.toISOString() },
  };
  await queueMail(tx, { orgId: null, kind: 'account_closed', key: `account_closed:${id}`, facts });
  return outlook;
}

async function endAccess(tx: PoolClient, personId: string): Promise<void> {
  await tx.query('delete from auth.sessions where person_id = $1', [personId]);
  await tx.query('delete from auth.challenges where person_id = $1', [personId]);
  await tx.query('delete from auth.password_resets where person_id = $1', [personId]);
  // The way back to an address stays: whoever has taken an account by changing its mail must not keep it by closing it.
  await tx.query(
    'delete from auth.mail_changes where person_id = $1 and (back_until is null or back_until <= clock_timestamp())',
    [personId],
  );
}

/** After he has proved who he is. @throws TollgateError account_closed */
export async function requireOpenAccount(db: Queryable, personId: string): Promise<void> {
  const { rowCount } = await db.query('select from auth.closings where person_id = $1', [personId]);
  if (rowCount === 0) return;
  throw new TollgateError('account_closed', {
    message: 'This account was closed. The link in the mail that we sent then opens it again.',
  });
}

/** Whose it is. @throws TollgateError link_unknown, link_used, link_expired */
export async function reopenAccount(tx: PoolClient, { closings }: Accounts, linkToken: string): Promise<string> {
  const id = closings.idOf(linkToken);
  const { rows } = await tx.query<{ personId: string }>(
    `delete from auth.closings where id = $1 and erased_at is null and back_until > clock_timestamp()
     returning person_id as "personId"`,
    [id],
  );
  if (rows[0] !== undefined) return rows[0].personId;
  // A row stays where nobody has opened it again: whose it was is gone from it.
  const { rowCount } = await tx.query('select from auth.closings where id = $1', [id]);
  const why = id === null ? 'unknown' : rowCount === 0 ? 'used' : 'expired';
  throw deadLink(why, 'Sign in, or create an account.');
}

/** Of those whose way back is over. Each by itself, so that one that fails holds up no other for good. */
export async function eraseClosedAccounts(db: Pool): Promise<void> {
  const { rows } = await db.query<{ personId: string }>(
    `select person_id as "personId" from auth.closings where erased_at is null and back_until <= clock_timestamp() order by back_until limit $1`,
    [AT_A_TIME],
  );
  for (const { personId } of rows) await inTransaction(db, (tx) => erase(tx, personId));
}

async function erase(tx: PoolClient, personId: string): Promise<void> {
  const { email } = await lockedPerson(tx, personId);
  const { rowCount } = await tx.query(
    `update auth.closings set erased_at = clock_timestamp()
      where person_id = $1 and erased_at is null and back_until <= clock_timestamp()`,
    [personId],
  );
  if (rowCount === 0) return;
  await tx.query('delete from auth.accounts where person_id = $1', [personId]);
  await tx.query('delete from auth.second_factors where person_id = $1', [personId]);
  await tx.query('delete from auth.passkeys where person_id = $1', [personId]);
  await tx.query('delete from auth.known_places where person_id = $1', [personId]);
  await forgetIdentitiesOf(tx, personId);
  await endAccess(tx, personId);
  await tx.query('delete from auth.mail_changes where person_id = $1', [personId]);
  await forgetInvitedAddress(tx, personId, email);
  await withoutIdentity(tx, personId);
  const what = { action: 'person.erased', targetKind: 'person', targetId: personId } as const;
  await writeAudit(tx, { actor: 'caretaker', requestId: newId() }, { ...what, after: {} });
}

function obstructed({ obstacles }: ClosingOutlook): TollgateError {
  const told = obstacles.map(({ why, orgName }) => (orgName === null ? why : `${why} (${orgName})`));
  return new TollgateError('conflict', {
    message: `The account cannot be closed yet: ${told.join(', ')}. GET /api/v1/me/closing says what to do.`,
  });
}
