// Between the password, or a provider's word, and the second factor: the browser has a secret that opens nothing, for ten minutes and five codes (D122).
import { createHash, randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';

export const CHALLENGE_VALID_S = 10 * 60;
const MOST_TRIES = 5;

/** identityId: by whose word; null: by a password. Answers what the browser has. */
export async function openChallenge(tx: PoolClient, personId: string, identityId: string | null): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  await tx.query(
    `with gone as (delete from auth.challenges where valid_until < clock_timestamp())
     insert into auth.challenges (secret_hash, person_id, identity_id, valid_until)
       values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))`,
    [hashOf(secret), personId, identityId, CHALLENGE_VALID_S],
  );
  return secret;
}

/** Counts the try, whatever becomes of the request. Answers whose it is. @throws TollgateError code_over */
export async function tryChallenge(db: Pool, secret: string): Promise<string> {
  const { rows } = await db.query<{ personId: string }>(
    `update auth.challenges set tries = tries + 1
      where secret_hash = $1 and tries < $2 and valid_until > clock_timestamp() returning person_id as "personId"`,
    [hashOf(secret), MOST_TRIES],
  );
  if (rows[0] === undefined) throw over();
  return rows[0].personId;
}

/** Once: of two at the same time one is refused. Answers by whose word it was; null: by a password. @throws TollgateError code_over */
export async function endChallenge(tx: PoolClient, secret: string): Promise<string | null> {
  const { rows } = await tx.query<{ identityId: string | null }>(
    'delete from auth.challenges where secret_hash = $1 returning identity_id as "identityId"',
    [hashOf(secret)],
  );
  if (rows[0] === undefined) throw over();
  return rows[0].identityId;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function over(): TollgateError {
  return new TollgateError('code_over', {
    message: 'Too much time has passed since the password, or five codes were tried. Sign in again.',
  });
}
