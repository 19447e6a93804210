// What the parts of accounts have in common, opened once per process. All secrets come of one, each for its own purpose.
import { createHmac } from 'node:crypto';
import type { Pool } from 'pg';
import { SignedIds } from '../platform/signed-ids.ts';
import type { Vault } from '../vault/vault.ts';
import { Attempts } from './attempts.ts';
import { type Auth, openAuth } from './auth.ts';
import { Cookies } from './cookies.ts';
import { PasskeyChallenges } from './passkey-challenges.ts';
import { type RelyingParty, relyingPartyAt } from './passkey-proofs.ts';
import { HashingTurns } from './passwords.ts';
import { SecondFactors } from './second-factors.ts';
import { Trials } from './trials.ts';

export interface Accounts {
  /** As tollgate_worker, also where a member calls. */
  readonly db: Pool;
  readonly auth: Auth;
  readonly attempts: Attempts;
  readonly trials: Trials;
  readonly turns: HashingTurns;
  readonly cookies: Cookies;
  readonly signUps: SignedIds;
  readonly resets: SignedIds;
  readonly mailChanges: SignedIds;
  readonly closings: SignedIds;
  readonly secondFactors: SecondFactors;
  readonly passkeyChallenges: PasskeyChallenges;
  readonly relyingParty: RelyingParty;
  /** What browsers call us: scheme, host and port. */
  readonly origin: string;
}

export function openAccounts(db: Pool, vault: Vault, publicUrl: string, linkSecret: string): Accounts {
  const secretFor = (purpose: string) => createHmac('sha256', linkSecret).update(`accounts: ${purpose}`).digest('hex');
  const cookies = new Cookies(publicUrl);
  return {
    db,
    cookies,
    auth: openAuth(db, { publicUrl, cookies, secret: secretFor('sessions') }),
    attempts: new Attempts(secretFor('attempts')),
    trials: new Trials(secretFor('trials')),
    turns: new HashingTurns(),
    signUps: new SignedIds('sign_up', linkSecret),
    resets: new SignedIds('password_reset', linkSecret),
    mailChanges: new SignedIds('mail_change', linkSecret),
    closings: new SignedIds('closing', linkSecret),
    secondFactors: new SecondFactors(vault),
    passkeyChallenges: new PasskeyChallenges(secretFor('passkeys')),
    relyingParty: relyingPartyAt(publicUrl),
    origin: new URL(publicUrl).origin,
  };
}
