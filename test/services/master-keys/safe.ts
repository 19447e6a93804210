// A vault, its PostgreSQL, and channels whose keys are sealed: what the tests of the master key have in common.
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { addChannelKeys } from '../../../services/channels/channel-keys.ts';
import { KeyringHolder } from '../../../services/master-keys/keyring-holder.ts';
import { startRotation } from '../../../services/master-keys/rotations.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { Vault } from '../../../services/vault/vault.ts';
import type { ThrowawayDatabase } from '../../support/throwaway-postgres.ts';

const BASE_URL = 'https://upstream.example/v1';

export class Safe {
  readonly db: Pool;
  readonly admin: Pool;
  /** By version; each is made when it is asked for. */
  readonly #masterKeys = new Map<number, KeyObject>();
  readonly #processes: KeyringHolder[] = [];

  constructor(database: ThrowawayDatabase, admin: Pool) {
    this.db = createPool(database.urlFor('worker'), { name: 'safe', maxConnections: 6, statementTimeoutMs: 8_000 });
    this.admin = admin;
  }

  masterKey(version: number): KeyObject {
    const made = this.#masterKeys.get(version) ?? createSecretKey(randomBytes(32));
    this.#masterKeys.set(version, made);
    return made;
  }

  vault(...versions: number[]): Vault {
    return new Vault(this.keyring(...versions));
  }

  keyring(...versions: number[]) {
    return { current: versions[0] ?? 1, keys: new Map(versions.map((version) => [version, this.masterKey(version)])) };
  }

  /** As the file has it. */
  fileText(...versions: number[]): string {
    const keys = versions.map((version) => [version, this.masterKey(version).export().toString('base64')]);
    return JSON.stringify({ current: versions[0], keys: Object.fromEntries(keys) });
  }

  /** A channel with so many keys of its own, sealed under what seals now. */
  async channel(vault: Vault, keyCount: number): Promise<string> {
    const id = newId();
    await this.admin.query(
      `insert into channels (id, name, provider, base_url) values ($1, 'upstream', 'openai-compatible', $2)`,
      [id, BASE_URL],
    );
    const secrets = Array.from({ length: keyCount }, (_, n) => `upstream-secret-${n}`);
    await inTransaction(this.db, (tx) => addChannelKeys(tx, vault, { id, baseUrl: BASE_URL }, secrets));
    return id;
  }

  /** The process that has these, as it says so itself. */
  async process(kind: 'gateway' | 'worker', ...versions: number[]): Promise<KeyringHolder> {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const given = { masterKeys: this.keyring(...versions), masterKeysFile: null };
    const holder = new KeyringHolder(given, { db: this.db, processId: newId(), kind, log });
    this.#processes.push(holder);
    await holder.begin();
    return holder;
  }

  /** As all processes do by themselves every few seconds. */
  async processesLookAgain(): Promise<void> {
    for (const one of this.#processes) await one.lookAgain();
  }

  start(version: number, vault: Vault) {
    return inTransaction(this.db, (tx) =>
      startRotation(tx, vault, version, { actor: 'ada', reason: 'a year is over' }),
    );
  }

  /** version -> rows */
  async rowsUnder(): Promise<Record<string, number>> {
    const { rows } = await this.admin.query<{ version: number; count: number }>(
      'select master_key_version as version, count(*)::integer as count from channel_keys group by 1',
    );
    return Object.fromEntries(rows.map(({ version, count }) => [version, count]));
  }

  /** Of another test. */
  async empty(): Promise<void> {
    for (const one of this.#processes.splice(0)) await one.end();
    await this.admin.query(
      `set session_replication_role to replica;
       truncate channel_keys, master_key_rotations, master_key_holders, process_pokes, process_commands, master_keys cascade;
       set session_replication_role to default`,
    );
  }
}
