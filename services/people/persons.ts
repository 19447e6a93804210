// Persons: a mail address and what to call whoever reads it. What somebody may do is no property of the person but of a
// membership (memberships.ts); how somebody signs in stands elsewhere.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { askToVerify, forgetVerification } from './verifications.ts';

export type Locale = 'en' | 'zh';

export interface NewPerson {
  /** As the field schema `mailAddress` leaves it: trimmed, in lower case. */
  readonly email: string;
  readonly name: string;
  readonly locale: Locale;
  readonly timeZone: string;
}

export interface Person extends NewPerson {
  readonly id: string;
  readonly emailVerifiedAt: Date | null;
  readonly version: number;
  readonly createdAt: Date;
}

export type PersonChange = { readonly [F in keyof NewPerson]?: NewPerson[F] | undefined } & {
  readonly verified?: boolean | undefined;
};

const PERSONS = `
  select p.id, p.email, p.name, p.locale, p.time_zone as "timeZone", p.email_verified_at as "emailVerifiedAt", p.version, p.created_at as "createdAt"
    from persons p`;

/** Whose address it is, he is asked to prove. @throws TollgateError conflict when somebody has the address already */
export async function createPerson(tx: PoolClient, wanted: NewPerson): Promise<Person> {
  const id = await insertPerson(tx, wanted);
  await askToVerify(tx, id);
  return person(tx, id);
}

/** Who has proved already that the address is his. @throws TollgateError conflict when somebody has the address already */
export async function createVerifiedPerson(tx: PoolClient, wanted: NewPerson): Promise<Person> {
  const id = await insertPerson(tx, wanted);
  await tx.query('update persons set email_verified_at = billing_now() where id = $1', [id]);
  return person(tx, id);
}

async function insertPerson(tx: PoolClient, { email, name, locale, timeZone }: NewPerson): Promise<string> {
  await refuseTaken(tx, email);
  const id = newId();
  await tx.query('insert into persons (id, email, name, locale, time_zone) values ($1, $2, $3, $4, $5)', [
    id,
    email,
    name,
    locale,
    timeZone,
  ]);
  return id;
}

/** Null: nobody has this address. Whoever makes a person with it, too, waits until the transaction ends. */
export async function personWithAddress(tx: PoolClient, email: string): Promise<Person | null> {
  await holdAddress(tx, email);
  const { rows } = await tx.query<Person>(`${PERSONS} where p.email = $1`, [email]);
  return rows[0] ?? null;
}

/**
 * Another address is not verified, and its owner is asked to prove that it is his, unless the same change says that it is.
 * @throws TollgateError conflict when somebody else has the address
 */
export async function changePerson(tx: PoolClient, before: Person, change: PersonChange): Promise<Person> {
  const { email = before.email, name = before.name, locale = before.locale, timeZone = before.timeZone } = change;
  const { verified = before.emailVerifiedAt !== null && email === before.email } = change;
  if (email !== before.email) await refuseTaken(tx, email);
  await tx.query(
    `update persons
        set email = $2, name = $3, locale = $4, time_zone = $5, version = version + 1,
            email_verified_at = case when $6 then coalesce(case when email = $2 then email_verified_at end, billing_now()) end
      where id = $1`,
    [before.id, email, name, locale, timeZone, verified],
  );
  if (email !== before.email) await (verified ? forgetVerification : askToVerify)(tx, before.id);
  return person(tx, before.id);
}

/** Nothing says who he was, and his address is another one's to have. */
export async function withoutIdentity(tx: PoolClient, id: string): Promise<void> {
  await forgetVerification(tx, id);
  await tx.query(
    `update persons
        set email = id || '@closed.invalid', name = 'Closed account', time_zone = 'UTC', email_verified_at = null, version = version + 1
      where id = $1`,
    [id],
  );
}

export async function person(db: Queryable, id: string): Promise<Person> {
  const { rows } = await db.query<Person>(`${PERSONS} where p.id = $1`, [id]);
  return rows[0] ?? unknown(id);
}

export async function lockedPerson(tx: PoolClient, id: string): Promise<Person> {
  await tx.query('select from persons where id = $1 for no key update', [id]);
  return person(tx, id);
}

/** Newest first. */
export async function listPersons(
  db: Queryable,
  email: string | undefined,
  after: string | null,
  pageSize: number,
): Promise<Person[]> {
  const { rows } = await db.query<Person>(
    `${PERSONS}
      where ($1::text is null or p.email = $1)
        and ($2::uuid is null or (p.created_at, p.id) < (select a.created_at, a.id from persons a where a.id = $2))
      order by p.created_at desc, p.id desc
      limit $3`,
    [email, after, pageSize],
  );
  return rows;
}

function unknown(id: string): never {
  throw new TollgateError('not_found', { message: `There is no person ${id}.`, param: 'personId' });
}

/** Whoever else wants this address waits here: a row that is not there yet cannot be locked. */
async function holdAddress(tx: PoolClient, email: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`person ${email}`]);
}

async function refuseTaken(tx: PoolClient, email: string): Promise<void> {
  await holdAddress(tx, email);
  const { rowCount } = await tx.query('select from persons where email = $1', [email]);
  if (rowCount === 0) return;
  throw new TollgateError('conflict', {
    message: `There is a person with the address ${email} already; GET /api/v1/persons?email= finds it.`,
    param: 'email',
  });
}
