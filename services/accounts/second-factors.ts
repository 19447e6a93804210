// The second factor: an authenticator app, and ten codes on paper for when it is lost. The app's seed is sealed by the vault and never told again; of
// the codes on paper there are hashes. Each code of either kind opens once, and twenty wrong ones are tried in a day (R-LOG-2).
import { createHash, randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { queueMail } from '../notifications/outbox.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { seal } from '../vault/sealing.ts';
import type { SealContext, Sealed, Vault } from '../vault/vault.ts';
import { endSignInsUnderWay } from './password-holds.ts';
import { base32, SEED_BYTES, stepOf, totpUri } from './totp.ts';

const RECOVERY_CODES = 10;
const RECOVERY_BYTES = 10;
const MOST_WRONG_A_DAY = 20;

/** One of the two. */
export interface SecondProof {
  readonly code?: string | undefined;
  readonly recoveryCode?: string | undefined;
}

export interface Enrolment {
  readonly totpUri: string;
  readonly recoveryCodes: readonly string[];
}

export class SecondFactors {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** Takes effect when a code of it was typed; what was begun before and not ended is forgotten. @throws TollgateError conflict */
  async begin(tx: PoolClient, personId: string, email: string): Promise<Enrolment> {
    if (await isEnrolled(tx, personId)) throw enrolledAlready();
    const seed = randomBytes(SEED_BYTES);
    const sealed = await seal(tx, this.#vault, seed.toString('base64'), secondFactorPlace(personId));
    const recoveryCodes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    await tx.query('delete from auth.second_factors where person_id = $1', [personId]);
    await tx.query('insert into auth.second_factors (person_id, sealed, master_key_version) values ($1, $2, $3)', [
      personId,
      JSON.stringify(sealed),
      sealed.v,
    ]);
    await tx.query('insert into auth.recovery_codes (person_id, code_hash) select $1, unnest($2::bytea[])', [
      personId,
      recoveryCodes.map((code) => hashOf(personId, code)),
    ]);
    return { totpUri: totpUri(seed, email), recoveryCodes };
  }

  /** @throws TollgateError wrong_code, code_used, conflict */
  async confirm(tx: PoolClient, personId: string, code: string): Promise<void> {
    if (await isEnrolled(tx, personId)) throw enrolledAlready();
    await this.#takeCode(tx, personId, code);
    await tx.query('update auth.second_factors set enrolled_at = clock_timestamp() where person_id = $1', [personId]);
    await this.#tell(tx, personId, 'enrolled');
  }

  /** Takes what he proves it by: nobody proves anything by it again. @throws TollgateError wrong_code, code_used */
  async prove(tx: PoolClient, personId: string, { code, recoveryCode }: SecondProof): Promise<void> {
    if (recoveryCode === undefined) await this.#takeCode(tx, personId, code ?? '');
    else await this.#takeRecoveryCode(tx, personId, recoveryCode);
  }

  async remove(tx: PoolClient, personId: string): Promise<void> {
    await tx.query('delete from auth.second_factors where person_id = $1', [personId]);
    await this.#tell(tx, personId, 'removed');
  }

  /** He has lost it, and two of ours have made sure who he is: nobody is in any more, and the password is enough until there is another one. */
  async removeLost(tx: PoolClient, personId: string): Promise<void> {
    await endSignInsUnderWay(tx, personId);
    await tx.query('delete from auth.sessions where person_id = $1', [personId]);
    if (await isEnrolled(tx, personId)) await this.remove(tx, personId);
  }

  async #takeCode(tx: PoolClient, personId: string, code: string): Promise<void> {
    const { rows } = await tx.query<{ sealed: Sealed; lastStep: string; now: Date }>(
      `select sealed, last_step as "lastStep", clock_timestamp() as now from auth.second_factors where person_id = $1 for update`,
      [personId],
    );
    const [factor] = rows;
    if (factor === undefined) throw wrongCode();
    const seed = Buffer.from(this.#vault.open(factor.sealed, secondFactorPlace(personId)), 'base64');
    const step = stepOf(seed, code, factor.now.getTime());
    if (step === null) throw wrongCode();
    if (step <= Number(factor.lastStep)) throw usedCode();
    await tx.query(
      'update auth.second_factors set last_step = $2, wrong_today = greatest(wrong_today - 1, 0) where person_id = $1',
      [personId, step],
    );
  }

  async #takeRecoveryCode(tx: PoolClient, personId: string, code: string): Promise<void> {
    const { rowCount } = await tx.query(
      `delete from auth.recovery_codes where person_id = $1 and code_hash = $2
          and exists (select from auth.second_factors f where f.person_id = $1 and f.enrolled_at is not null)`,
      [personId, hashOf(personId, code)],
    );
    // Of one that was used nothing is left, so nobody could tell it from one that was made up.
    if (rowCount === 0) throw wrongCode();
    await tx.query('update auth.second_factors set wrong_today = greatest(wrong_today - 1, 0) where person_id = $1', [
      personId,
    ]);
    await this.#tell(tx, personId, 'recovery_code_used');
  }

  async #tell(tx: PoolClient, personId: string, change: 'enrolled' | 'removed' | 'recovery_code_used'): Promise<void> {
    const { rows } = await tx.query<{ at: Date; left: number }>(
      'select clock_timestamp() as at, count(*)::int as left from auth.recovery_codes where person_id = $1',
      [personId],
    );
    const { at = new Date(0), left = 0 } = rows[0] ?? {};
    const facts = { personId, change, changedAt: at.toISOString(), recoveryCodesLeft: left };
    await queueMail(tx, { orgId: null, kind: 'second_factor', key: `second_factor:${newId()}`, facts });
  }
}

export async function isEnrolled(db: Queryable, personId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'select from auth.second_factors where person_id = $1 and enrolled_at is not null',
    [personId],
  );
  return rowCount === 1;
}

/** Of an account, whatever becomes of the request; a right one is taken back. @throws TollgateError too_many_attempts */
export async function countProof(db: Pool, personId: string): Promise<void> {
  const { rowCount } = await db.query(
    `update auth.second_factors
        set wrong_today = case when wrong_on = current_date then wrong_today + 1 else 1 end, wrong_on = current_date
      where person_id = $1 and (wrong_on is distinct from current_date or wrong_today < $2)`,
    [personId, MOST_WRONG_A_DAY],
  );
  if (rowCount === 1 || !(await hasBegun(db, personId))) return;
  throw new TollgateError('too_many_attempts', {
    message: 'Twenty wrong codes were tried for this account today (UTC). Try again tomorrow.',
    retryAfterMs: 3_600_000,
  });
}

async function hasBegun(db: Pool, personId: string): Promise<boolean> {
  return (await db.query('select from auth.second_factors where person_id = $1', [personId])).rowCount === 1;
}

/** Four times four letters: 80 bits. */
function newRecoveryCode(): string {
  return (base32(randomBytes(RECOVERY_BYTES)).match(/.{4}/g) ?? []).join('-').toLowerCase();
}

/** However he writes it. What has 80 random bits needs no slow hash. */
function hashOf(personId: string, recoveryCode: string): Buffer {
  const letters = recoveryCode.toUpperCase().replace(/[^A-Z2-7]/g, '');
  return createHash('sha256').update(`${personId}:${letters}`).digest();
}

/** The one place that a seed is bound to. */
export function secondFactorPlace(personId: string): SealContext {
  return { table: 'auth.second_factors', rowId: personId, column: 'sealed', origin: 'totp:' };
}

function enrolledAlready(): TollgateError {
  return new TollgateError('conflict', { message: 'There is a second factor already: remove it first.' });
}

function wrongCode(): TollgateError {
  return new TollgateError('wrong_code', {
    message: 'This is not the code of now. Wait for the next one, or use a recovery code.',
    param: 'code',
  });
}

/** Whoever hears it has the password, and what he found out opens nothing any more. */
function usedCode(): TollgateError {
  return new TollgateError('code_used', {
    message: 'This code was used already, or a later one was. Wait for the next one, or use a recovery code.',
    param: 'code',
  });
}
