// Whoever is signed in proves anew who he is, where a session that was stolen, or left open, must not be enough: by his password, or where he has none by
// his provider (D81), and by his second factor if he has one.
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { inTransaction } from '../platform/postgres.ts';
import type { Accounts } from './accounts.ts';
import type { Visit } from './auth.ts';
import { checkPassword, countPassword, forgivePassword } from './change-password.ts';
import { countProof, isEnrolled } from './second-factors.ts';
import { freshUntil, type SignedIn, takeFreshSignOn } from './sessions.ts';

type Somebody = Pick<SignedIn, 'personId' | 'sessionId'>;
type From = Pick<Visit, 'clientAddress'>;

interface Proof {
  /** Undefined: his provider has just said that it is he. */
  readonly password?: string | undefined;
  readonly code?: string | undefined;
}

/** Before there is a transaction. @throws TollgateError wrong_password, too_many_attempts */
export async function checkPresence(
  db: Pool,
  accounts: Accounts,
  { personId, sessionId }: Somebody,
  password: string | undefined,
  from: From,
): Promise<void> {
  if (password === undefined) {
    if ((await freshUntil(db, sessionId)) === null) throw unproved();
    return;
  }
  await countPassword(db, accounts, personId, password, from);
  await accounts.turns.inTurn(() => checkPassword(db, personId, password));
}

/** With what it was asked for. @throws TollgateError wrong_password */
export async function takePresence(
  tx: PoolClient,
  accounts: Accounts,
  { personId, sessionId }: Somebody,
  password: string | undefined,
  from: From,
): Promise<void> {
  if (password !== undefined) await forgivePassword(tx, accounts, personId, from);
  else if (!(await takeFreshSignOn(tx, sessionId))) throw unproved();
}

/** That it is he, before there is a transaction. @throws TollgateError wrong_password, too_many_attempts */
export async function checkProof(
  db: Pool,
  accounts: Accounts,
  somebody: Somebody,
  { password }: Proof,
  from: From,
): Promise<void> {
  await checkPresence(db, accounts, somebody, password, from);
  if (await isEnrolled(db, somebody.personId)) await countProof(db, somebody.personId);
}

/** And the second factor, with what it was asked for. @throws TollgateError wrong_password, wrong_code */
export async function takeProof(
  tx: PoolClient,
  accounts: Accounts,
  somebody: Somebody,
  { password, code = '' }: Proof,
  from: From,
): Promise<void> {
  const { personId } = somebody;
  await takePresence(tx, accounts, somebody, password, from);
  if (await isEnrolled(tx, personId)) await accounts.secondFactors.prove(tx, personId, { code });
}

/**
 * Of a member who changes something of his organization: in its name nothing is shown of how he gets in (D42), so he proves it beside the change, and has
 * proved it whatever becomes of that. @throws TollgateError wrong_password, wrong_code, too_many_attempts
 */
export async function proveBeside(accounts: Accounts, somebody: Somebody, proof: Proof, from: From): Promise<void> {
  await checkProof(accounts.db, accounts, somebody, proof, from);
  await inTransaction(accounts.db, (tx) => takeProof(tx, accounts, somebody, proof, from));
}

function unproved(): TollgateError {
  return new TollgateError('wrong_password', {
    message: 'Say your password; or if you have none, sign in again by your provider and do it within five minutes.',
    param: 'password',
  });
}
