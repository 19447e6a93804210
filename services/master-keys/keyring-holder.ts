// The master keys of one process: it says every few seconds which it has, hears which of them count no more, and reads its file again, so that a key which
// the operator adds is known without a restart (D127). With a key that is missing or not the one that sealed, it refuses to start and touches nothing.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Pool, PoolClient } from 'pg';
import type { Config } from '../platform/config.ts';
import type { Log } from '../platform/log.ts';
import { inTransaction } from '../platform/postgres.ts';
import { holdSealing } from '../vault/sealing.ts';
import { fingerprintOf, type Keyring, parseKeyring, Vault } from '../vault/vault.ts';

const EVERY_MS = 5_000;
/** Who has said nothing for so long is gone. A gateway that was stopped for longer is fenced, and leaves when it wakes. */
export const SILENT_AFTER = '90 seconds';

/** Thrown when a process has not the keys that it needs. What is wrong is named by version, never by value. */
class KeyringRefused extends Error {
  constructor(problems: readonly string[]) {
    super(`Master keys refused:\n  ${problems.join('\n  ')}`);
  }
}

interface Holding {
  readonly db: Pool;
  readonly processId: string;
  readonly kind: 'gateway' | 'caretaker' | 'worker';
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

interface Given {
  readonly keyring: Keyring;
  /** Of the file, when it was read; null: it was not read here yet. */
  readonly text: string | null;
}

interface KnownVersion {
  readonly version: number;
  readonly fingerprint: Buffer;
  readonly state: 'coming' | 'sealing' | 'opening' | 'destroyed';
  /** Something is sealed under it. */
  readonly isNeeded: boolean;
}

export class KeyringHolder {
  readonly vault: Vault;
  readonly #holding: Holding;
  readonly #file: string | null;
  #timer: NodeJS.Timeout | null = null;
  #telling: Promise<void> = Promise.resolve();
  /** As it was given: also what counts no more. */
  #given: Given;
  #wasSaid = '';

  /** Keys that came by the environment stay as they are until the process is started again. */
  constructor({ masterKeys, masterKeysFile }: Pick<Config, 'masterKeys' | 'masterKeysFile'>, holding: Holding) {
    this.vault = new Vault(masterKeys);
    this.#file = masterKeysFile;
    this.#holding = holding;
    this.#given = { keyring: masterKeys, text: null };
  }

  /** Where PostgreSQL does not answer it begins all the same, and is checked as soon as it does. @throws KeyringRefused */
  async begin(): Promise<void> {
    try {
      await this.#tell(this.#given);
    } catch (error) {
      if (error instanceof KeyringRefused) throw error;
      this.#holding.log.warn({ err: error }, 'master_keys_unchecked');
    }
    this.#timer = setInterval(() => {
      this.#telling = this.#telling.then(() => this.lookAgain());
    }, EVERY_MS).unref();
  }

  async end(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#telling;
    const { db, processId } = this.#holding;
    await db.query('delete from master_key_holders where process_id = $1', [processId]).catch(() => undefined);
  }

  /** As it does by itself every few seconds. */
  async lookAgain(): Promise<void> {
    try {
      await this.#tell(this.#givenNow());
      this.#wasSaid = '';
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // A file that is wrong is wrong every five seconds.
      if (why !== this.#wasSaid) this.#holding.log.error({ why }, 'master_keys_not_taken');
      this.#wasSaid = why;
      // It lives, with what it has: nobody may think that it is gone.
      await this.#tell(this.#given).catch(() => undefined);
    }
  }

  /** @throws Error, naming no value, where the file is no keyring */
  #givenNow(): Given {
    const text = this.#file === null ? null : readFileSync(this.#file, 'utf8');
    return text === null || text === this.#given.text ? this.#given : { keyring: parseKeyring('Master', text), text };
  }

  async #tell(given: Given): Promise<void> {
    await inTransaction(this.#holding.db, (tx) => this.#tellIn(tx, given.keyring));
    this.#given = given;
  }

  /** With the version that seals held: it is another one only once this process has said what it has. */
  async #tellIn(tx: PoolClient, given: Keyring): Promise<void> {
    await holdSealing(tx, given);
    const known = await knownVersions(tx);
    const problems = problemsOf(given, known);
    if (problems.length > 0) throw new KeyringRefused(problems); // it goes on with what it has
    this.#take(given, known);
    const { processId, kind } = this.#holding;
    const ofState = (are: boolean) =>
      known.filter((one) => one.state !== 'destroyed' && isSame(given, one) === are).map(({ version }) => version);
    await tx.query(
      `insert into master_key_holders (process_id, kind, host, pid, versions, other_bytes) values ($1, $2, $3, $4, $5, $6)
       on conflict (process_id) do update set versions = excluded.versions, other_bytes = excluded.other_bytes, seen_at = clock_timestamp()`,
      [processId, kind, hostname(), process.pid, ofState(true), ofState(false)],
    );
    await tx.query('delete from master_key_holders where seen_at < clock_timestamp() - $1::interval', [SILENT_AFTER]);
  }

  /** Before it is said: whoever reads that this process has a master key may seal under it at once. */
  #take({ current, keys }: Keyring, known: readonly KnownVersion[]): void {
    const dead = new Set(known.filter(({ state }) => state === 'destroyed').map(({ version }) => version));
    const alive = new Map([...keys].filter(([version]) => !dead.has(version)));
    const isAsBefore = [...alive.keys()].join() === [...this.vault.keyring.keys.keys()].join();
    this.vault.replaceKeyring({ current, keys: alive });
    if (isAsBefore) return;
    this.#holding.log.info({ versions: [...alive.keys()], destroyed: [...dead] }, 'master_keys_taken');
  }
}

async function knownVersions(tx: PoolClient): Promise<KnownVersion[]> {
  const { rows } = await tx.query<KnownVersion>(
    `select k.version, k.fingerprint, k.state,
            k.state = 'sealing' or (k.state = 'opening' and exists (select from sealed_rows() r where r.version = k.version)) as "isNeeded"
       from master_keys k order by k.version`,
  );
  return rows;
}

/** Null: it does not have it. */
function isSame(given: Keyring, { version, fingerprint }: KnownVersion): boolean | null {
  const held = given.keys.get(version);
  return held === undefined ? null : fingerprintOf(held).equals(fingerprint);
}

/** Of one that is coming it is no fault to have it not, or not yet right: it is told, and named by those who wait for it. */
function problemsOf(given: Keyring, known: readonly KnownVersion[]): string[] {
  return known.flatMap((one) => {
    if (one.state === 'coming' || one.state === 'destroyed') return [];
    const same = isSame(given, one);
    if (same === false) return [`master key ${one.version} has other bytes than the one that sealed`];
    if (same === null && one.isNeeded) return [`master key ${one.version} is missing, and secrets are sealed under it`];
    return [];
  });
}
