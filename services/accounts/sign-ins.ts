// Somebody says who he is and proves it by his password. Whoever is not known waits as long as whoever is, and hears the same.
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Author, writeAudit } from '../audit/audit.ts';
import { inTransaction } from '../platform/postgres.ts';
import { requireOtherWay } from '../single-sign-on/enforcement.ts';
import { hashOfSessionId, within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import type { Attempt } from './attempts.ts';
import { headersOf, type Visit, whyRefused } from './auth.ts';
import { CHALLENGE_VALID_S, openChallenge } from './challenges.ts';
import { requireOpenAccount } from './closings.ts';
import { isKnownPlace, rememberPlace } from './known-places.ts';
import { holdPassword } from './password-holds.ts';
import { isEnrolled } from './second-factors.ts';
import type { SignedIn } from './sessions.ts';

/** Whom the audit log names where nobody has an address (D52). */
const NOBODY = 'nobody';

interface Credentials {
  readonly email: string;
  readonly password: string;
}

export interface OpenedSession {
  readonly personId: string;
  readonly sessionId: string;
  /** As `set-cookie` has it. */
  readonly cookie: string;
}

/** Whether it is another password than before. @throws TollgateError too_many_attempts */
export async function beginSignIn(
  db: Pool,
  { attempts }: Accounts,
  credentials: Credentials,
  visit: Visit,
): Promise<boolean> {
  return attempts.begin(db, attemptOf(credentials, visit), await isKnownPlace(db, credentials.email, visit));
}

export interface OpenedChallenge {
  readonly personId: string;
  readonly sessionId: null;
  /** As `set-cookie` has it. */
  readonly cookie: string;
}

/**
 * Within a turn of the hashing. Who has a second factor gets no session by it, only to the question for that.
 * @throws TollgateError wrong_credentials, account_closed, single_sign_on_required
 */
export async function signIn(
  tx: PoolClient,
  accounts: Accounts,
  credentials: Credentials,
  visit: Visit,
): Promise<OpenedSession | OpenedChallenge> {
  const { auth, attempts, cookies } = accounts;
  await holdPassword(tx, credentials.email);
  const { response, headers } = await within(tx, () =>
    auth.api.signInEmail({ body: credentials, headers: headersOf(visit), returnHeaders: true }),
  ).catch(asWrongCredentials);
  const personId = response.user.id;
  await requireOpenAccount(tx, personId);
  await requireOtherWay(tx, personId);
  await attempts.forgive(tx, attemptOf(credentials, visit));
  if (!(await isEnrolled(tx, personId))) {
    return opened(tx, accounts, { personId, secret: response.token, headers }, visit);
  }
  // better-auth has opened one, in this transaction: nobody has seen it.
  await tx.query('delete from auth.sessions where id_hash = $1', [hashOfSessionId(response.token)]);
  const challenge = await openChallenge(tx, personId, null);
  return { personId, sessionId: null, cookie: cookies.set(cookies.challenge, challenge, CHALLENGE_VALID_S) };
}

/** Of somebody who has proved in another way who he is. */
export async function openSession(
  tx: PoolClient,
  accounts: Accounts,
  personId: string,
  visit: Visit,
): Promise<OpenedSession> {
  const { response, headers } = await within(tx, () =>
    accounts.auth.api.openSession({ body: { personId }, headers: headersOf(visit), returnHeaders: true }),
  );
  return opened(tx, accounts, { personId, secret: response.token, headers }, visit);
}

/** The same under a new id: by whose word it was opened, and until when at most, goes on. */
export async function renewSession(
  tx: PoolClient,
  accounts: Accounts,
  { personId, sessionId: before }: Pick<SignedIn, 'personId' | 'sessionId'>,
  visit: Visit,
): Promise<OpenedSession> {
  const renewed = await openSession(tx, accounts, personId, visit);
  await tx.query(
    `update auth.sessions s set identity_id = b.identity_id, expires_at = case when b.identity_id is null then s.expires_at else b.expires_at end
       from auth.sessions b where s.id = $1 and b.id = $2`,
    [renewed.sessionId, before],
  );
  return renewed;
}

async function opened(
  tx: PoolClient,
  { cookies }: Accounts,
  { personId, secret, headers }: { readonly personId: string; readonly secret: string; readonly headers: Headers },
  visit: Visit,
): Promise<OpenedSession> {
  const { rows } = await tx.query<{ id: string }>(
    `with gone as (delete from auth.sessions where expires_at < clock_timestamp())
     select id from auth.sessions where id_hash = $1`,
    [hashOfSessionId(secret)],
  );
  const [session] = rows;
  if (session === undefined) throw new Error('a session was opened and is not there');
  await rememberPlace(tx, personId, visit, session.id);
  return { personId, sessionId: session.id, cookie: cookies.sessionIn(headers) };
}

/** Of an address that nobody has as well: what is left out for it could be timed (D112). */
export async function auditWrongPassword(db: Pool, author: Author, email: string): Promise<void> {
  const { rows } = await db.query<{ id: string }>('select id from persons where email = $1', [email]);
  await auditRefusal(db, author, rows[0]?.id ?? NOBODY, 'password');
}

export async function auditRefusal(
  db: Pool,
  author: Author,
  personId: string,
  wrong: 'password' | 'second_factor',
): Promise<void> {
  const entry = {
    action: 'person.sign_in_refused',
    targetKind: 'person',
    targetId: personId,
    after: { wrong },
  } as const;
  await inTransaction(db, (tx) => writeAudit(tx, author, entry));
}

function attemptOf({ email, password }: Credentials, { clientAddress }: Visit): Attempt {
  return { purpose: 'sign_in', subject: email, clientAddress, secret: password };
}

function asWrongCredentials(thrown: unknown): never {
  if (whyRefused(thrown) !== 'INVALID_EMAIL_OR_PASSWORD') throw thrown;
  throw new TollgateError('wrong_credentials', {
    message: 'There is no account with this mail address and this password.',
  });
}
