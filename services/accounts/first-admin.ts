// The first of our own people: made by a secret that is told once and works for half an hour, and by none once there is an admin (R-LOG-8). So no
// installation has an account that somebody else could know of.
import { createHash, randomBytes } from 'node:crypto';
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import {
  changePerson,
  createVerifiedPerson,
  type NewPerson,
  type Person,
  personWithAddress,
} from '../people/persons.ts';
import { setStaffRoles } from '../people/staff-roles.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Accounts } from './accounts.ts';
import { createAccount, hasAccount } from './sign-ups.ts';

const VALID_FOR = '30 minutes';

export interface Bootstrap {
  readonly bootstrapToken: string;
  readonly validUntil: Date;
}

/** The one before works no more. @throws TollgateError conflict when there is an admin */
export async function newBootstrap(tx: PoolClient): Promise<Bootstrap> {
  await requireNoAdmin(tx);
  const bootstrapToken = randomBytes(32).toString('base64url');
  await tx.query('delete from auth.bootstraps');
  const { rows } = await tx.query<{ validUntil: Date }>(
    `insert into auth.bootstraps (secret_hash, valid_until) values ($1, clock_timestamp() + $2::interval)
     returning valid_until as "validUntil"`,
    [hashOf(bootstrapToken), VALID_FOR],
  );
  return { bootstrapToken, validUntil: rows[0]?.validUntil ?? new Date(0) };
}

/** Before anything slow is done for whoever has made one up. @throws TollgateError wrong_code, conflict */
export async function checkBootstrap(db: Queryable, bootstrapToken: string): Promise<void> {
  const { rowCount } = await db.query(
    'select from auth.bootstraps where secret_hash = $1 and valid_until > clock_timestamp()',
    [hashOf(bootstrapToken)],
  );
  if (rowCount === 0) throw spent();
}

/** Of two at once one waits for the other, and is refused. @throws TollgateError wrong_code, conflict */
export async function createFirstAdmin(
  tx: PoolClient,
  { auth }: Accounts,
  bootstrapToken: string,
  wanted: NewPerson,
  passwordHash: string,
): Promise<Person> {
  await requireNoAdmin(tx);
  const { rowCount } = await tx.query(
    'delete from auth.bootstraps where secret_hash = $1 and valid_until > clock_timestamp()',
    [hashOf(bootstrapToken)],
  );
  if (rowCount === 0) throw spent();
  const known = await personWithAddress(tx, wanted.email);
  if (known !== null && (await hasAccount(tx, known.id))) {
    throw new TollgateError('conflict', {
      message: 'There is an account with this address: give another one, so that nobody gets a customer’s account.',
      param: 'email',
    });
  }
  const admin =
    known === null ? await createVerifiedPerson(tx, wanted) : await changePerson(tx, known, { verified: true });
  await createAccount(tx, auth, admin.id, passwordHash);
  await setStaffRoles(tx, admin.id, ['admin']);
  return admin;
}

async function requireNoAdmin(tx: PoolClient): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('first admin', 0))`);
  const { rowCount } = await tx.query(`select from staff_roles where role = 'admin' limit 1`);
  if (rowCount === 0) return;
  throw new TollgateError('conflict', { message: 'There is an admin already; he grants further roles.' });
}

/** One sentence for all of it: of a token that was used or replaced nothing is left, so nobody could tell it from one that was made up. */
function spent(): TollgateError {
  return new TollgateError('wrong_code', {
    message:
      'This bootstrap token was used, is older than 30 minutes, or was never made; start the product again to have another.',
    param: 'bootstrapToken',
  });
}

function hashOf(bootstrapToken: string): Buffer {
  return createHash('sha256').update(bootstrapToken).digest();
}
