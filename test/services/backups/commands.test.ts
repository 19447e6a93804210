// The commands of backups as a person types them: the verdict is the last line and the exit code, and whoever kills them finds nothing left.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { until } from '../../support/until.ts';
import { backedUpInstallation, bytesOf } from './backed-up-installation.ts';

const ROOT = join(import.meta.dirname, '../../..');
const { admin, database, place, environment, take, pretend } = await backedUpInstallation();

interface Command {
  readonly child: ChildProcess;
  readonly said: string[];
}

function begin(script: string, ...args: string[]): Command {
  return start(process.execPath, [join(ROOT, 'scripts', script), ...args]);
}

/** Where no file grows beyond some kilobytes. */
function beginOnFullDisk(script: string, ...args: string[]): Command {
  return start('sh', ['-c', 'ulimit -f 8; exec "$@"', 'sh', process.execPath, join(ROOT, 'scripts', script), ...args]);
}

function start(command: string, args: readonly string[]): Command {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, TZ: 'UTC', NODE_NO_WARNINGS: '1', ...environment },
  });
  const said: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(text));
  return { child, said };
}

async function ended({
  child,
  said,
}: Command): Promise<{ readonly exitCode: number | null; readonly verdict: string }> {
  await once(child, 'close');
  return { exitCode: child.exitCode, verdict: said.join('').trim().split('\n').at(-1) ?? '' };
}

/** On the same server, with nothing in it. */
async function newDatabase(name: string): Promise<string> {
  await admin.query(`create database ${name} template template0`);
  return database.url.replace(/[^/]+$/, name);
}

function tablesIn(name: string): Promise<number> {
  return rowsIn(name, `select from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
}

async function rowsIn(name: string, query: string): Promise<number> {
  const client = new Client({ connectionString: database.url.replace(/[^/]+$/, name) });
  await client.connect();
  const { rowCount } = await client.query(query);
  await client.end();
  return rowCount ?? 0;
}

const scratch = () => readdirSync(place.temporary);
const stored = (end: string) => readdirSync(place.folder).filter((file) => file.endsWith(end));

test('npm run backup takes one and proves it, and npm run backup:verify says the same of its file', async () => {
  const taken = await ended(begin('backup.ts'));
  const [object = ''] = stored('.backup');
  const verified = await ended(begin('backup-verify.ts', join(place.folder, object)));

  expect(taken).toEqual({
    exitCode: 0,
    verdict: expect.stringMatching(/^good: by-hand-.* invariants hold, restored in/),
  });
  expect(verified).toEqual({ exitCode: 0, verdict: expect.stringContaining(`good: ${object}`) });
  expect(scratch()).toEqual([]);
});

test('npm run backup:verify ends with 1 and the reason', async () => {
  const { object } = await take('broken');
  writeFileSync(join(place.folder, object), bytesOf(place, object).fill(0, 3_000, 3_010));

  const broken = await ended(begin('backup-verify.ts', object));
  const absent = await ended(begin('backup-verify.ts', 'absent.backup'));

  expect(broken).toEqual({
    exitCode: 1,
    verdict: expect.stringMatching(/^rejected: chunk 0 of the backup does not open/),
  });
  expect(absent).toEqual({ exitCode: 1, verdict: expect.stringMatching(/^rejected: absent.manifest.json is not in/) });
});

async function signedIn(): Promise<void> {
  await admin.query(
    `with person as (insert into persons (id, email, name) values (gen_random_uuid(), 'ada@left.example', 'Ada') returning id)
     insert into auth.sessions (id, person_id, id_hash, created_at, seen_at, expires_at, client_address, user_agent)
     select gen_random_uuid(), id, sha256('a session'::bytea), now(), now(), now() + interval '1 day', '::1', 'a browser' from person`,
  );
}

test('npm run restore goes into an empty database alone, which is on hold afterwards, and nobody is signed in there', async () => {
  await signedIn();
  const { object } = await take('restored');
  const into = await newDatabase('restored');
  const nowhere = into.replace(/:\d+\//, ':9/');

  const unreachable = await ended(begin('restore.ts', '--from', object, '--into', nowhere));
  const restored = await ended(begin('restore.ts', '--from', object, '--into', into));
  const again = await ended(begin('restore.ts', '--from', object, '--into', into));
  const half = await ended(begin('restore.ts', '--from', object));

  expect(unreachable).toEqual({
    exitCode: 1,
    verdict: expect.stringMatching(/^rejected: restored at .*:9 cannot be reached/),
  });
  expect(restored).toEqual({
    exitCode: 0,
    verdict: expect.stringMatching(/^restored: restored\..* invariants hold, .*; billing is on hold, epoch \d+$/),
  });
  expect(again).toEqual({
    exitCode: 1,
    verdict: expect.stringMatching(/^rejected: restored is not empty: it has \d+/),
  });
  expect(half).toEqual({ exitCode: 1, verdict: expect.stringMatching(/^rejected: npm run restore -- --from/) });
  expect(await rowsIn('restored', 'select from auth.sessions')).toBe(0); // whoever was shown out since the backup is
});

test('a backup that is not whole is never begun to be restored, and what is not as its manifest says stays shut', async () => {
  const { object, ...manifest } = await take('unlike');
  const into = await newDatabase('unlike');
  pretend({ object, ...manifest }, { figures: { ...manifest.figures, migration: '0001_of-another-world' } });

  const unlike = await ended(begin('restore.ts', '--from', object, '--into', into));
  const mayEnter = await admin.query(
    `select has_database_privilege('tollgate_worker_login', 'unlike', 'connect') as may`,
  );
  writeFileSync(join(place.folder, object), bytesOf(place, object).fill(0, 3_000, 3_010));
  const cut = await ended(begin('restore.ts', '--from', object, '--into', await newDatabase('untouched')));
  const tables = await tablesIn('untouched');

  expect(unlike.verdict).toMatch(/^rejected: its last migration is .*What was restored stays shut: drop unlike$/);
  expect(mayEnter.rows).toEqual([{ may: false }]);
  expect(cut.verdict).toMatch(/^rejected: chunk 0 of the backup does not open/);
  expect(tables).toBe(0);
});

test('a disk that is full fails a backup and a restore with that reason, and nothing of either stays on it', async () => {
  const before = readdirSync(place.folder);

  const dumped = await ended(beginOnFullDisk('backup.ts'));
  const restored = await ended(
    beginOnFullDisk('backup-verify.ts', before.find((file) => file.startsWith('by-hand')) ?? ''),
  );

  expect(dumped).toEqual({ exitCode: 1, verdict: expect.stringMatching(/^rejected: .*EFBIG/) });
  expect(restored).toEqual({ exitCode: 1, verdict: expect.stringMatching(/^rejected: .*initdb ended with/) });
  expect(readdirSync(place.folder)).toEqual(before);
  expect(scratch()).toEqual([]);
});

test('killed while it dumps or while it restores it leaves no server, no folder and no half of a backup', async () => {
  const before = stored('.manifest.json').length;
  const dumping = begin('backup.ts');
  await until(async () => stored('.unfinished').length > 0);
  dumping.child.kill('SIGKILL');
  await ended(dumping);

  const restoring = begin('backup-verify.ts', stored('.backup').find((file) => file.startsWith('by-hand')) ?? '');
  await until(async () => scratch().length > 0);
  restoring.child.kill('SIGKILL');
  await ended(restoring);

  await until(async () => scratch().length === 0);
  expect(stored('.manifest.json')).toHaveLength(before);
});
