// An installation with something in it to lose: a customer who has spent, a channel whose key is sealed, an audit log; and a place for its
// backups, in a folder that goes with its server.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { Pool } from 'pg';
import { DirectoryStore } from '../../../services/backups/directory-store.ts';
import { type Manifest, objectNames, writtenManifest } from '../../../services/backups/manifest.ts';
import { type BackupSource, takeBackup } from '../../../services/backups/take-backup.ts';
import { type VerificationPlace, verifyBackup } from '../../../services/backups/verify-backup.ts';
import { channelKeyContext } from '../../../services/channels/channel-key-context.ts';
import { newId } from '../../../services/platform/ids.ts';
import { parseKeyring, Vault } from '../../../services/vault/vault.ts';
import { newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { noteMigrations } from '../../support/noted-migrations.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { postgresPrograms } from '../../support/postgres-programs.ts';
import type { ThrowawayDatabase } from '../../support/throwaway-postgres.ts';

const BASE_URL = 'https://upstream.example/v1';
const MIGRATIONS = join(import.meta.dirname, '../../../migrations');
/** What nobody may read in a backup. */
export const CHANNEL_KEY = 'sk-a-channel-key-that-nobody-may-read';

export type BackupTestPlace = BackupSource & VerificationPlace & { readonly folder: string };

export interface BackedUpInstallation {
  readonly admin: Pool;
  readonly database: ThrowawayDatabase;
  readonly place: BackupTestPlace;
  /** By which a process of its own finds all this. */
  readonly environment: Readonly<Record<string, string>>;
  spend(): Promise<void>;
  take(name: string, from?: Partial<BackupSource>): Promise<Manifest>;
  /** The reason why it was rejected; 'good' otherwise. */
  verdict(object: string, at?: Partial<VerificationPlace>): Promise<string>;
  /** As if it had been taken of something else: sealed anew, so only what is in it can tell. */
  pretend(manifest: Manifest, changes: Partial<Manifest>): void;
}

export function newVault(masterKeys = newMasterKeys()): Vault {
  return new Vault(parseKeyring('Master', masterKeys));
}

function newMasterKeys(): string {
  return JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } });
}

/** A place for backups of this database, and the environment by which a process of its own finds it. */
export async function backupPlaceOf(
  database: ThrowawayDatabase,
  admin: Pool,
): Promise<{ readonly place: BackupTestPlace; readonly environment: Readonly<Record<string, string>> }> {
  const masterKeys = newMasterKeys();
  await noteMigrations(admin);
  const folder = mkdtempSync(join(database.folder, 'backups-'));
  const temporary = mkdtempSync(join(tmpdir(), 'tollgate-backup-test-'));
  chmodSync(temporary, 0o711); // PostgreSQL walks through it as nobody, where tests run as root
  afterAll(() => rmSync(temporary, { recursive: true }));
  const place: BackupTestPlace = {
    databaseUrl: database.urlFor('backup'),
    store: new DirectoryStore(folder),
    vault: newVault(masterKeys),
    programs: postgresPrograms(),
    temporary,
    migrations: MIGRATIONS,
    folder,
  };
  const environment = {
    DATABASE_URL_BACKUP: place.databaseUrl,
    TOLLGATE_BACKUP_STORE: folder,
    TOLLGATE_BACKUP_SCRATCH: temporary,
    TOLLGATE_MASTER_KEYS: masterKeys,
    PG_BIN: place.programs.join(delimiter),
  };
  return { place, environment };
}

export async function backedUpInstallation(): Promise<BackedUpInstallation> {
  const { database, admin } = await ownDatabase();
  const { place, environment } = await backupPlaceOf(database, admin);
  const { vault, folder } = place;
  await addChannel(admin, vault);
  const customer = await newCustomer(admin, [{ usd: '5' }]);
  const spend = async () => {
    const gateway = await openBareGateway(database);
    await gateway.settle(customer, await gateway.hold(customer, '0.1'), '0.1');
    await gateway.close();
  };
  await spend();
  return {
    admin,
    database,
    place,
    environment,
    spend,
    take: (name, from = {}) => takeBackup({ ...place, ...from }, { name, run: newId() }),
    verdict: (object, at = {}) =>
      verifyBackup({ ...place, ...at }, object).then(
        () => 'good',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
    pretend: ({ name, run, ...manifest }, changes) =>
      writeFileSync(
        join(folder, objectNames(name, run).manifest),
        writtenManifest({ name, run, ...manifest, ...changes }, vault),
      ),
  };
}

async function addChannel(admin: Pool, vault: Vault): Promise<void> {
  const [channelId, keyId] = [newId(), newId()];
  const sealed = vault.seal(CHANNEL_KEY, channelKeyContext(keyId, BASE_URL), 1);
  await admin.query(`insert into channels (id, name, provider, base_url) values ($1, 'upstream', 'openai', $2)`, [
    channelId,
    BASE_URL,
  ]);
  await admin.query(
    `insert into channel_keys (id, channel_id, sealed, master_key_version, last_four) values ($1, $2, $3, 1, 'read')`,
    [keyId, channelId, JSON.stringify(sealed)],
  );
}

export function bytesOf({ folder }: BackupTestPlace, object: string): Buffer {
  return readFileSync(join(folder, object));
}
