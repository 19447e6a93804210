// What a passkey is asked to sign: of five minutes, for one purpose, and of the browser that asked, which has a secret beside it. Nothing is kept of
// one before it is answered, so that strangers who ask and ask fill no table; then it is, so that nobody answers it twice (D43).
import { createHmac, randomBytes } from 'node:crypto';
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { isSameSecret } from '../platform/same-secret.ts';

export const PASSKEY_CHALLENGE_VALID_S = 5 * 60;

interface OpenedPasskeyChallenge {
  readonly challenge: string;
  /** What the browser has. */
  readonly secret: string;
}

export class PasskeyChallenges {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  open(purpose: string, nowMs: number): OpenedPasskeyChallenge {
    const id = `${Math.trunc(nowMs).toString(36)}.${randomBytes(16).toString('base64url')}`;
    return { challenge: this.#derived('challenge', purpose, id), secret: this.#browsers(purpose, id) };
  }

  /** What that browser was asked to sign. @throws TollgateError wrong_passkey for another purpose, for one too old, or for none */
  challengeOf(secret: string, purpose: string, nowMs: number): string {
    const [openedAt = '', random = ''] = secret.split('.');
    const id = `${openedAt}.${random}`;
    const ageMs = nowMs - Number.parseInt(openedAt, 36);
    const isOurs = isSameSecret(secret, this.#browsers(purpose, id));
    if (!isOurs || ageMs > PASSKEY_CHALLENGE_VALID_S * 1_000) throw wrongPasskey();
    return this.#derived('challenge', purpose, id);
  }

  #browsers(purpose: string, id: string): string {
    return `${id}.${this.#derived('browser', purpose, id)}`;
  }

  #derived(what: string, purpose: string, id: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([what, purpose, id]))
      .digest('base64url');
  }
}

/** Once: of two at the same time one is refused. @throws TollgateError wrong_passkey */
export async function spendChallenge(tx: PoolClient, challenge: string): Promise<void> {
  const { rowCount } = await tx.query(
    `with gone as (delete from auth.answered_challenges where answered_at < clock_timestamp() - interval '1 hour')
     insert into auth.answered_challenges (challenge) values ($1) on conflict do nothing`,
    [Buffer.from(challenge, 'base64url')],
  );
  if (rowCount === 0) throw wrongPasskey();
}

/** One answer for all that can be wrong: nobody learns which passkeys there are. */
export function wrongPasskey(): TollgateError {
  return new TollgateError('wrong_passkey', {
    message:
      'This passkey opens nothing here, or the question was answered, is older than five minutes, or was another browser’s.',
  });
}
