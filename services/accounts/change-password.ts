// Whoever is signed in is asked for his password where a stolen session must not be enough, and may take another one: then every other session ends,
// and his own goes on under a new id.
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { Queryable } from '../platform/postgres.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import { headersOf, type Visit, whyRefused } from './auth.ts';
import { endSignInsUnderWay } from './password-holds.ts';
import { passwordChanged } from './password-resets.ts';
import { isPasswordOf } from './passwords.ts';

/** A stolen session is no way to guess the password either. @throws TollgateError too_many_attempts */
export async function countPassword(
  db: Pool,
  { attempts }: Accounts,
  personId: string,
  password: string,
  { clientAddress }: Pick<Visit, 'clientAddress'>,
): Promise<void> {
  await attempts.begin(db, { purpose: 'sign_in', subject: personId, clientAddress, secret: password }, false);
}

/** Within a turn of the hashing. @throws TollgateError wrong_password */
export async function checkPassword(db: Queryable, personId: string, password: string): Promise<void> {
  const { rows } = await db.query<{ hash: string }>(
    'select password_hash as hash from auth.accounts where person_id = $1',
    [personId],
  );
  if (rows[0] === undefined || !(await isPasswordOf(rows[0].hash, password))) throw wrongPassword('password');
}

export async function forgivePassword(
  tx: PoolClient,
  { attempts }: Accounts,
  personId: string,
  { clientAddress }: Pick<Visit, 'clientAddress'>,
): Promise<void> {
  await attempts.forgive(tx, { purpose: 'sign_in', subject: personId, clientAddress });
}

/** Within a turn of the hashing. Answers the cookie of the session that goes on. @throws TollgateError wrong_password */
export async function changePassword(
  tx: PoolClient,
  accounts: Accounts,
  personId: string,
  change: { readonly currentPassword: string; readonly newPassword: string },
  visit: Visit,
): Promise<string> {
  await endSignInsUnderWay(tx, personId);
  const body = { ...change, revokeOtherSessions: true };
  const { headers } = await within(tx, () =>
    accounts.auth.api.changePassword({ body, headers: headersOf(visit), returnHeaders: true }),
  ).catch(asWrongPassword);
  await forgivePassword(tx, accounts, personId, visit);
  await passwordChanged(tx, personId);
  return accounts.cookies.sessionIn(headers);
}

function asWrongPassword(thrown: unknown): never {
  throw whyRefused(thrown) === 'INVALID_PASSWORD' ? wrongPassword('currentPassword') : thrown;
}

function wrongPassword(param: string): TollgateError {
  return new TollgateError('wrong_password', { message: 'This is not your password.', param });
}
