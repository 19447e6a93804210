// The passkeys of a person: added and removed by who proves his password, and signed in by without it. A device that checks who uses it is two factors
// by itself, so nobody is asked for a code beside it; it takes the place of no authenticator app, which guards the password that there still is (D43).
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Author, writeAudit } from '../audit/audit.ts';
import { queueMail } from '../notifications/outbox.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import type { Accounts } from './accounts.ts';
import { spendChallenge, wrongPasskey } from './passkey-challenges.ts';
import { countSigned, type MadePasskey, type SignedQuestion } from './passkey-proofs.ts';
import type { SignedIn } from './sessions.ts';

const MOST = 20;
export const LONGEST_PASSKEY_NAME = 100;
/** What a challenge that signs in was made for. */
export const SIGN_IN = 'sign_in';

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly usedAt: Date | null;
  /** It was copied, and opens nothing. */
  readonly isCopied: boolean;
}

const PASSKEYS = `select id, name, created_at as "createdAt", used_at as "usedAt", copied_at is not null as "isCopied" from auth.passkeys`;

/** Oldest first. */
export async function passkeysOf(db: Queryable, personId: string): Promise<Passkey[]> {
  const { rows } = await db.query<Passkey>(`${PASSKEYS} where person_id = $1 order by created_at, id`, [personId]);
  return rows;
}

/** So that no device makes a second one for him. */
export async function credentialIdsOf(db: Queryable, personId: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    'select credential_id as id from auth.passkeys where person_id = $1 order by created_at',
    [personId],
  );
  return rows.map(({ id }) => id);
}

/** What a provider has opened adds what is confined like it. @throws TollgateError conflict for one that somebody has, and beyond twenty */
export async function addPasskey(
  tx: PoolClient,
  { personId, sessionId }: Pick<SignedIn, 'personId' | 'sessionId'>,
  name: string,
  { credentialId, publicKey, counter }: MadePasskey,
): Promise<Passkey> {
  const { rows } = await tx.query<{ id: string }>(
    `insert into auth.passkeys (id, person_id, credential_id, public_key, name, counter, identity_id)
       select $1, $2, $3, $4, $5, $6, (select identity_id from auth.sessions where id = $8)
        where (select count(*) from auth.passkeys where person_id = $2) < $7
     on conflict (credential_id) do nothing returning id`,
    [newId(), personId, credentialId, publicKey, name, counter, MOST, sessionId],
  );
  if (rows[0] === undefined) {
    throw new TollgateError('conflict', { message: `This passkey is known already, or you have ${MOST} of them.` });
  }
  await tell(tx, personId, name, 'added');
  return passkey(tx, personId, rows[0].id);
}

/** @throws TollgateError not_found */
export async function renamePasskey(tx: PoolClient, personId: string, id: string, name: string): Promise<Passkey> {
  await tx.query('update auth.passkeys set name = $3 where id = $1 and person_id = $2', [id, personId, name]);
  return passkey(tx, personId, id);
}

/** Who has neither a password nor a provider cannot, since that is what he proves it by: so it is never the last way in. @throws TollgateError not_found */
export async function removePasskey(tx: PoolClient, personId: string, id: string): Promise<void> {
  const { rows } = await tx.query<{ name: string }>(
    'delete from auth.passkeys where id = $1 and person_id = $2 returning name',
    [id, personId],
  );
  if (rows[0] === undefined) throw unknownPasskey(id);
  await tell(tx, personId, rows[0].name, 'removed');
}

async function passkey(db: Queryable, personId: string, id: string): Promise<Passkey> {
  const { rows } = await db.query<Passkey>(`${PASSKEYS} where id = $1 and person_id = $2`, [id, personId]);
  if (rows[0] === undefined) throw unknownPasskey(id);
  return rows[0];
}

interface ProvenPasskey {
  readonly id: string;
  readonly personId: string;
  readonly name: string;
  readonly challenge: string;
  readonly counter: number;
  /** By whose word it was added; null: by a password. */
  readonly identityId: string | null;
}

/** Which passkey has signed what this browser was asked. @throws TollgateError wrong_passkey */
export async function provenPasskey(
  db: Queryable,
  { passkeyChallenges, relyingParty }: Accounts,
  browsers: string,
  signed: SignedQuestion,
  nowMs: number,
): Promise<ProvenPasskey> {
  const challenge = passkeyChallenges.challengeOf(browsers, SIGN_IN, nowMs);
  const { rows } = await db.query<{
    id: string;
    personId: string;
    name: string;
    publicKey: Buffer;
    identityId: string | null;
  }>(
    `select id, person_id as "personId", name, public_key as "publicKey", identity_id as "identityId" from auth.passkeys where credential_id = $1`,
    [signed.id],
  );
  const [known] = rows;
  if (known === undefined || signed.userHandle !== userHandleOf(known.personId)) throw wrongPasskey();
  const { publicKey, ...found } = known;
  return { ...found, challenge, counter: await countSigned(relyingParty, challenge, signed, publicKey) };
}

/** Whatever becomes of the request, once. One that counts backwards is two: it is set aside. @throws TollgateError wrong_passkey */
export async function takePasskey(db: Pool, author: Author, proven: ProvenPasskey): Promise<void> {
  const isTaken = await inTransaction(db, async (tx) => {
    await spendChallenge(tx, proven.challenge);
    const { rowCount } = await tx.query(
      `update auth.passkeys set counter = $2, used_at = clock_timestamp()
        where id = $1 and copied_at is null and (counter < $2 or counter = 0 and $2 = 0)`,
      [proven.id, proven.counter],
    );
    if (rowCount === 0) await setAside(tx, author, proven);
    return rowCount === 1;
  });
  if (!isTaken) throw wrongPasskey();
}

async function setAside(tx: PoolClient, author: Author, { id, personId, name }: ProvenPasskey): Promise<void> {
  const { rowCount } = await tx.query(
    'update auth.passkeys set copied_at = clock_timestamp() where id = $1 and copied_at is null',
    [id],
  );
  if (rowCount === 0) return;
  await tell(tx, personId, name, 'copied');
  const what = { action: 'person.passkey_copied', targetKind: 'person', targetId: personId } as const;
  await writeAudit(tx, author, { ...what, after: { passkeyId: id } });
}

/** Who removes it meanwhile waits, and ends the session that it opens, or has removed it. @throws TollgateError wrong_passkey */
export async function holdPasskey(tx: PoolClient, { id }: ProvenPasskey): Promise<void> {
  const { rowCount } = await tx.query('select from auth.passkeys where id = $1 and copied_at is null for key share', [
    id,
  ]);
  if (rowCount === 0) throw wrongPasskey();
}

/** By which a device that knows several of our people tells them apart: it says nothing of him. */
export function userHandleOf(personId: string): string {
  return Buffer.from(personId.replaceAll('-', ''), 'hex').toString('base64url');
}

async function tell(
  tx: PoolClient,
  personId: string,
  name: string,
  change: 'added' | 'removed' | 'copied',
): Promise<void> {
  const { rows } = await tx.query<{ at: Date }>('select clock_timestamp() as at');
  const facts = { personId, change, name, changedAt: (rows[0]?.at ?? new Date(0)).toISOString() };
  await queueMail(tx, { orgId: null, kind: 'passkey', key: `passkey:${newId()}`, facts });
}

function unknownPasskey(id: string): TollgateError {
  return new TollgateError('not_found', { message: `You have no passkey ${id}.` });
}
