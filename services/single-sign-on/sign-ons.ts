// Somebody who was sent to his provider and comes back: once, within ten minutes, in the browser that was sent. That has a secret of which all is made
// that the provider is told, so what is kept opens nothing, and a code that was meant for another browser is good for nobody (D81).
import { createHash, randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { isSameSecret } from '../platform/same-secret.ts';
import { type FlowSecrets, failed } from './openid.ts';

export const SIGN_ON_VALID_S = 10 * 60;

/** connect: a live session is told whom its person is there. proof: whoever is signed in proves it anew. */
export type SignOnPurpose = 'sign_in' | 'connect' | 'proof';

export interface BegunSignOn {
  readonly orgId: string;
  readonly purpose: SignOnPurpose;
  /** As which he called himself; null: he is signed in. */
  readonly email: string | null;
  readonly sessionId: string | null;
}

/** What the browser has. */
export function newBrowserSecret(): string {
  return randomBytes(32).toString('base64url');
}

export async function beginSignOn(tx: PoolClient, secret: string, begun: BegunSignOn): Promise<void> {
  await tx.query(
    `with gone as (delete from auth.sign_ons where valid_until < clock_timestamp())
     insert into auth.sign_ons (secret_hash, org_id, purpose, email, session_id, valid_until)
       values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))`,
    [hashOf(secret), begun.orgId, begun.purpose, begun.email, begun.sessionId, SIGN_ON_VALID_S],
  );
}

export function flowSecretsOf(secret: string): FlowSecrets {
  const made = (what: string) => createHash('sha256').update(`${what}:${secret}`).digest('base64url');
  return { state: made('state'), nonce: made('nonce'), codeVerifier: made('verifier') };
}

/** Once, whatever becomes of the request. @throws TollgateError single_sign_on_failed */
export async function takeSignOn(db: Pool, secret: string, state: string): Promise<BegunSignOn> {
  const { rows } = await db.query<BegunSignOn>(
    `delete from auth.sign_ons where secret_hash = $1 and valid_until > clock_timestamp()
     returning org_id as "orgId", purpose, email, session_id as "sessionId"`,
    [hashOf(secret)],
  );
  if (rows[0] === undefined) throw failed('nobody was sent there');
  if (!isSameSecret(state, flowSecretsOf(secret).state)) throw failed('state');
  return rows[0];
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
