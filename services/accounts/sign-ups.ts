// Somebody wants an account: he is mailed a code, and whoever types it in the browser that asked has one. Until then there is no person, so nobody
// takes an address that is not his; and an answer is the same whether or not the address is known, only the mail says which (D86).
import { createHash, randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { queueMail } from '../notifications/outbox.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { addMember } from '../people/memberships.ts';
import {
  changePerson,
  createVerifiedPerson,
  type NewPerson,
  type Person,
  personWithAddress,
} from '../people/persons.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { isSameSecret } from '../platform/same-secret.ts';
import type { SignedIds } from '../platform/signed-ids.ts';
import { putOnPlan } from '../subscriptions/plans-without-fee.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import type { Auth } from './auth.ts';
import type { TrialOutcome } from './trials.ts';

export const SIGN_UP_VALID_S = 15 * 60;
const MOST_TRIES = 5;
/** To one address in an hour. */
const MOST_MAILS = 5;

export interface AskedSignUp {
  readonly id: string;
  /** For the browser that asked. */
  readonly secret: string;
}

/** Everything but the mail is the same for whoever has an account already. */
export async function askToSignUp(tx: PoolClient, wanted: NewPerson, passwordHash: string): Promise<AskedSignUp> {
  const asked = { id: newId(), secret: randomBytes(32).toString('base64url') };
  const known = await personWithAddress(tx, wanted.email);
  if (known !== null && (await hasAccount(tx, known.id))) await tellKnown(tx, known.id);
  else await insertSignUp(tx, asked, wanted, passwordHash);
  return asked;
}

async function tellKnown(tx: PoolClient, personId: string): Promise<void> {
  const hour = new Date().toISOString().slice(0, 13);
  await queueMail(tx, {
    orgId: null,
    kind: 'known_address',
    key: `known_address:${personId}:${hour}`,
    facts: { personId },
  });
}

async function insertSignUp(
  tx: PoolClient,
  { id, secret }: AskedSignUp,
  { email, name, locale, timeZone }: NewPerson,
  passwordHash: string,
): Promise<void> {
  const { rows } = await tx.query<{ validUntil: Date }>(
    `with gone as (delete from auth.sign_ups where created_at < clock_timestamp() - interval '1 day')
     insert into auth.sign_ups (id, secret_hash, email, name, locale, time_zone, password_hash, valid_until)
       select $1, $2, $3, $4, $5, $6, $7, clock_timestamp() + make_interval(secs => $8)
        where (select count(*) from auth.sign_ups where email = $3 and created_at > clock_timestamp() - interval '1 hour') < $9
     returning valid_until as "validUntil"`,
    [id, hashOfSecret(secret), email, name, locale, timeZone, passwordHash, SIGN_UP_VALID_S, MOST_MAILS],
  );
  const [made] = rows;
  if (made === undefined) return; // he has five mails already
  const facts = { email, locale, signUpId: id, validUntil: made.validUntil.toISOString() };
  await queueMail(tx, { orgId: null, kind: 'sign_up_code', key: `sign_up_code:${id}`, facts });
}

/**
 * Counts the try, whatever becomes of the request. Answers which sign-up it is.
 * @throws TollgateError wrong_code
 */
export async function checkCode(
  db: Pool,
  codes: SignedIds,
  { email, code, secret }: { readonly email: string; readonly code: string; readonly secret: string },
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `update auth.sign_ups set tries = tries + 1
      where secret_hash = $1 and email = $2 and tries < $3 and valid_until > clock_timestamp() returning id`,
    [hashOfSecret(secret), email, MOST_TRIES],
  );
  const id = rows[0]?.id;
  if (id === undefined || !isSameSecret(code, codes.codeOf(id))) throw wrongCode();
  return id;
}

interface SignUpRow extends NewPerson {
  readonly passwordHash: string;
}

interface SignedUp {
  readonly personId: string;
  /** Null: he belongs to an organization already. */
  readonly trial: TrialOutcome | null;
}

/**
 * Whoever has typed its code is a person with an account from now on, and owns an organization if he belonged to none.
 * @throws TollgateError wrong_code when it was used meanwhile; conflict when another sign-up with this address was
 */
export async function completeSignUp(
  tx: PoolClient,
  accounts: Accounts,
  signUpId: string,
  clientAddress: string,
): Promise<SignedUp> {
  const { rows } = await tx.query<SignUpRow>(
    `delete from auth.sign_ups where id = $1
     returning email, name, locale, time_zone as "timeZone", password_hash as "passwordHash"`,
    [signUpId],
  );
  const [asked] = rows;
  if (asked === undefined) throw wrongCode();
  const { passwordHash, ...wanted } = asked;
  const known = await personWithAddress(tx, wanted.email);
  if (known !== null && (await hasAccount(tx, known.id))) {
    throw new TollgateError('conflict', { message: 'There is an account with this address already: sign in.' });
  }
  const person =
    known === null ? await createVerifiedPerson(tx, wanted) : await changePerson(tx, known, { verified: true });
  await createAccount(tx, accounts.auth, person.id, passwordHash);
  if (await belongsSomewhere(tx, person.id)) return { personId: person.id, trial: null };
  const orgId = await foundOrganization(tx, person);
  return { personId: person.id, trial: await accounts.trials.give(tx, { orgId, personId: person.id, clientAddress }) };
}

export async function createAccount(tx: PoolClient, auth: Auth, personId: string, password: string): Promise<void> {
  const { internalAdapter } = await auth.$context;
  const account = { userId: personId, providerId: 'credential', accountId: personId, password };
  await within(tx, () => internalAdapter.createAccount(account));
}

export async function hasAccount(db: Queryable, personId: string): Promise<boolean> {
  return (await db.query('select from auth.accounts where person_id = $1', [personId])).rowCount === 1;
}

async function belongsSomewhere(tx: PoolClient, personId: string): Promise<boolean> {
  const { rowCount } = await tx.query(`select from memberships where person_id = $1 and status = 'active' limit 1`, [
    personId,
  ]);
  return rowCount === 1;
}

async function foundOrganization(tx: PoolClient, { id, name, timeZone }: Person): Promise<string> {
  const ratesOfPlan = { requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null };
  const { id: orgId } = await createOrganization(tx, { name, timeZone, caps: [], ...ratesOfPlan });
  await addMember(tx, orgId, id, 'owner');
  await putOnPlan(tx, orgId, 'free');
  return orgId;
}

function hashOfSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** One sentence for all of it: whether a sign-up stands at all must not be heard in it (D86, D122). */
function wrongCode(): TollgateError {
  return new TollgateError('wrong_code', {
    message:
      'This is not the code, or it was used, or it is older than 15 minutes, or too many others were tried. Ask for a new one.',
    param: 'code',
  });
}
