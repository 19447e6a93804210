// Whether a mail address is read by whom it was given for: it is sent a link, and whoever follows it and says so has proved it. A person has
// one link at most, for the address that he has now; it works once, for a day of real time, which no demo moves (D70).
import type { PoolClient } from 'pg';
import { queueMail } from '../notifications/outbox.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { SignedIds } from '../platform/signed-ids.ts';

const VALID_FOR = '24 hours';

export class VerifyLinks {
  readonly #publicUrl: string;
  readonly #ids: SignedIds;

  constructor(publicUrl: string, secret: string) {
    this.#publicUrl = publicUrl;
    this.#ids = new SignedIds('verify', secret);
  }

  /** Handed on by itself to whoever writes the mail. */
  readonly urlOf = (verificationId: string): string =>
    `${this.#publicUrl}/verify/${this.#ids.linkTokenOf(verificationId)}`;

  /** Null: we have never made it. */
  verificationOf(linkToken: string): string | null {
    return this.#ids.idOf(linkToken);
  }
}

/** Takes the place of any link before. The caller holds the person. */
export async function askToVerify(tx: PoolClient, personId: string): Promise<{ readonly validUntil: Date }> {
  const id = newId();
  const { rows } = await tx.query<{ validUntil: Date }>(
    `insert into mail_verifications (person_id, id, valid_until) values ($1, $2, clock_timestamp() + $3::interval)
     on conflict (person_id) do update set id = excluded.id, valid_until = excluded.valid_until, used_at = null
     returning valid_until as "validUntil"`,
    [personId, id, VALID_FOR],
  );
  const [made] = rows;
  if (made === undefined) throw new Error('an upsert returned no row');
  const facts = { personId, verificationId: id, validUntil: made.validUntil.toISOString() };
  await queueMail(tx, { orgId: null, kind: 'verification', key: `verification:${id}`, facts });
  return made;
}

/** Nobody proves by it any more that he reads an address. */
export async function forgetVerification(tx: PoolClient, personId: string): Promise<void> {
  await tx.query('delete from mail_verifications where person_id = $1', [personId]);
}

export type VerificationState = 'open' | 'used' | 'over';

/** Null: another one has taken its place. */
export async function verificationState(db: Queryable, id: string): Promise<VerificationState | null> {
  const { rows } = await db.query<{ state: VerificationState }>(
    `select case when used_at is not null then 'used' when valid_until <= clock_timestamp() then 'over' else 'open' end as state
       from mail_verifications where id = $1`,
    [id],
  );
  return rows[0]?.state ?? null;
}

/** The person whose address is verified by it now; null: it does not work any more, or has worked before. */
export async function useVerification(tx: PoolClient, id: string): Promise<string | null> {
  // In the order in which whoever changes the person takes them.
  await tx.query(
    'select from persons where id = (select person_id from mail_verifications where id = $1) for no key update',
    [id],
  );
  const { rows } = await tx.query<{ personId: string }>(
    `update mail_verifications set used_at = clock_timestamp()
      where id = $1 and used_at is null and valid_until > clock_timestamp() returning person_id as "personId"`,
    [id],
  );
  const personId = rows[0]?.personId ?? null;
  if (personId !== null) {
    await tx.query(
      'update persons set email_verified_at = coalesce(email_verified_at, billing_now()), version = version + 1 where id = $1',
      [personId],
    );
  }
  return personId;
}
