// Whether every backup that is recorded can be restored, each tried on a server of its own as `npm run backup:verify` does; and whether anything was left behind by
// those that tried them before, and were killed: folders, servers, databases.
import { readdirSync, readFileSync } from 'node:fs';
import type { Client } from 'pg';
import type { OpenPlace } from '../../../services/backups/backups.ts';
import { openBackupPlace } from '../../../services/backups/open-place.ts';
import { verifyBackup } from '../../../services/backups/verify-backup.ts';
import { backupSettings } from '../../../services/platform/backup-config.ts';
import { asAdmin, type KeysProduct } from './keys-product.ts';

const AT_ONCE = 2;

export interface RecordedBackup {
  readonly name: string;
  readonly object: string;
}

/** As a person has it who verifies a backup by hand. @throws Error naming what is wrong */
export async function placeOf({ environment }: KeysProduct): Promise<OpenPlace> {
  const problems: string[] = [];
  const settings = backupSettings({ PATH: process.env.PATH, ...environment }, problems);
  if (settings === null) throw new Error(problems.join('; '));
  return await openBackupPlace(settings);
}

/** Of all that lie in storage, the newest first. */
export function recordedBackups({ database }: KeysProduct): Promise<RecordedBackup[]> {
  return asAdmin(database, async (db) => {
    const { rows } = await db.query<RecordedBackup>(
      'select name, object from backups where object is not null and removed_at is null order by taken_at desc',
    );
    return rows;
  });
}

/** Why each that cannot be restored cannot be. */
export async function judgeBackups(place: OpenPlace, recorded: readonly RecordedBackup[]): Promise<string[]> {
  const findings: string[] = [];
  const waiting = [...recorded];
  const verify = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { name, object } = next;
      await verifyBackup(place, object).catch((error) => findings.push(`backup ${name} cannot be restored: ${error}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, verify));
  return recorded.length === 0 ? ['no backup is recorded'] : findings;
}

/** `known`: the databases that there were before. */
export async function judgeLeftovers(product: KeysProduct, known: readonly string[]): Promise<string[]> {
  const databases = await asAdmin(product.database, databaseNames);
  return [
    ...readdirSync(product.scratch).map((name) => `the folder ${name} of a scratch server is left`),
    ...serversOn(product.scratch).map((pid) => `process ${pid} of a scratch server is left`),
    ...databases.filter((name) => !known.includes(name)).map((name) => `the database ${name} is left`),
  ];
}

export async function databaseNames(db: Client): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>('select datname as name from pg_database');
  return rows.map(({ name }) => name);
}

function serversOn(scratch: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => commandLineOf(pid).includes(scratch));
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
