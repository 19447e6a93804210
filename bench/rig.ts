// Everything that a bench measures or measures with, up and pinned: the gateways and nginx have core 1, all else core 0.
// Idle subjects cost nothing, so all are up from the first window to the last, and windows of different subjects can
// follow each other directly.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { GATEWAY_V8_FLAGS } from '../api/gateway-flags.ts';
import { startGateway } from '../scripts/parts/gateway.ts';
import type { Launch } from '../scripts/parts/home.ts';
import { type DatabaseUrls, migrateGivenDatabase, migrateOwnServer } from '../scripts/parts/migrate.ts';
import { reserveDefaultPort } from '../scripts/parts/ports.ts';
import { type PostgresServer, startPostgres } from '../scripts/parts/postgres.ts';
import { whyClosed } from '../scripts/parts/readiness.ts';
import { findOrInstallRedis, INSTALL_REDIS, startRedis } from '../scripts/parts/redis.ts';
import { loadSecrets, masterKeysFile, type Secrets } from '../scripts/parts/secrets.ts';
import { type ProcessPlan, SupervisedProcess } from '../scripts/parts/supervised-process.ts';
import { newId } from '../services/platform/ids.ts';
import { requireDurability, withClient } from './durability.ts';
import { firstChildOf, parentOf, pinTo, SUBJECT_CORE } from './machine.ts';
import { type Programs, preparePrograms } from './programs.ts';
import { KINDS, type Kind, writeRequests } from './requests.ts';
import { type Customers, SELLING_PRICE, seed } from './seed.ts';

const FIRST_PORT = 18_080;
const NO_CREDENTIALS = Array.from({ length: 256 }, (_, at) => `sk-nobody-${at}`);

export const SUBJECTS = ['direct', 'nginx', 'nodeFloor', 'tollgate', 'withoutSettlement'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** Who is asked in a window. */
export interface Subject {
  readonly name: SubjectName;
  readonly port: number;
  readonly streamPort: number;
  /** Whose CPU and memory are measured. */
  readonly pid: number;
  /** The upstream behind it. */
  readonly upstreamPort: number;
  readonly credentials: readonly string[];
  readonly coldCredentials: readonly string[];
  requestsFile(kind: Kind): string;
}

export interface Rig {
  readonly folder: string;
  readonly programs: Programs;
  readonly subjects: { readonly [S in SubjectName]: Subject };
  readonly postgresPid: number;
  /** Of the database whose books are checked, as superuser. */
  readonly databaseUrl: string;
  readonly meterFile: string;
  /** Parts that died meanwhile. */
  restarted(): string[];
}

interface Site {
  readonly launch: Launch;
  readonly stack: AsyncDisposableStack;
  readonly secrets: Secrets;
  readonly programs: Programs;
  readonly folder: string;
  readonly parts: SupervisedProcess[];
}

export async function openRig(launch: Launch, stack: AsyncDisposableStack): Promise<Rig> {
  const folder = join(launch.home, 'rig');
  mkdirSync(folder);
  const programs = preparePrograms(folder, (text) => launch.say('programs', text));
  const site: Site = { launch, stack, programs, folder, secrets: loadSecrets(launch.home), parts: [] };

  const server = await startPostgres(launch, await freePort(site), site.secrets.passwords.superuser);
  keep(site, server.process);
  const redisUrl = await bringUpRedis(site);
  const upstream = await bringUpUpstream(site, 'upstream');
  const otherUpstream = await bringUpUpstream(site, 'upstream-without-settlement');
  const nginx = await bringUpNginx(site, upstream.port);
  const nodeFloor = await bringUpNodeFloor(site, upstream.port);
  const tollgate = await bringUpTollgate(site, server, redisUrl, upstream.port);
  const withoutSettlement = await bringUpWithoutSettlement(site, server, redisUrl, otherUpstream.port);

  const direct = { name: 'direct', pid: upstream.pid, port: upstream.port, streamPort: upstream.port } as const;
  return {
    folder,
    programs,
    subjects: {
      direct: subject(site, { ...direct, upstreamPort: upstream.port }, null),
      nginx,
      nodeFloor,
      tollgate,
      withoutSettlement,
    },
    postgresPid: await postmasterOf(server),
    databaseUrl: server.urlOf('tollgate'),
    meterFile: upstream.meterFile,
    restarted: () => site.parts.filter(({ restarts }) => restarts > 0).map(({ part }) => part),
  };
}

async function bringUpRedis(site: Site): Promise<string> {
  const binary = await findOrInstallRedis((text) => site.launch.say('redis', text));
  if (binary === null) throw new Error(`the bench needs a Redis server on PATH (as root: ${INSTALL_REDIS})`);
  const redis = await startRedis(site.launch, binary, await freePort(site), site.secrets.passwords.redis);
  keep(site, redis.process);
  return redis.url;
}

interface Upstream {
  readonly port: number;
  readonly pid: number;
  readonly meterFile: string;
}

async function bringUpUpstream(site: Site, part: string): Promise<Upstream> {
  const port = await freePort(site);
  const meterFile = join(site.folder, `${part}.meter.csv`);
  const { input, cachedInput, output } = SELLING_PRICE;
  const args = [port, meterFile, input, cachedInput, output].map(String);
  await start(site, { part, command: site.programs.upstream, args, env: {}, missing: () => whyClosed(port) });
  return { port, pid: pidOf(site, part), meterFile };
}

/** The committed configuration as it stands, with its ports in files beside it. */
async function bringUpNginx(site: Site, upstreamPort: number): Promise<Subject> {
  const folder = join(site.folder, 'nginx');
  mkdirSync(folder);
  const [port, streamPort] = [await freePort(site), await freePort(site)];
  copyFileSync(join(import.meta.dirname, 'nginx.conf'), join(folder, 'nginx.conf'));
  writeFileSync(join(folder, 'upstream-port.conf'), `server 127.0.0.1:${upstreamPort};\n`);
  writeFileSync(join(folder, 'plain-port.conf'), `listen 127.0.0.1:${port};\n`);
  writeFileSync(join(folder, 'stream-port.conf'), `listen 127.0.0.1:${streamPort};\n`);
  await start(site, {
    part: 'nginx',
    command: site.programs.nginx,
    args: ['-p', `${folder}/`, '-c', 'nginx.conf'],
    env: {},
    missing: () => whyClosed(streamPort),
  });
  const worker = await firstChildOf(pidOf(site, 'nginx'));
  pinTo(SUBJECT_CORE, worker);
  return subject(site, { name: 'nginx', port, streamPort, pid: worker, upstreamPort }, null);
}

async function bringUpNodeFloor(site: Site, upstreamPort: number): Promise<Subject> {
  const part = 'node-floor';
  const port = await freePort(site);
  const program = join(import.meta.dirname, 'node-floor.ts');
  const args = [
    ...GATEWAY_V8_FLAGS,
    '--disable-warning=ExperimentalWarning',
    program,
    String(port),
    String(upstreamPort),
  ];
  await start(site, { part, command: process.execPath, args, env: {}, missing: () => whyClosed(port) });
  const pid = pidOf(site, part);
  pinTo(SUBJECT_CORE, pid);
  return subject(site, { name: 'nodeFloor', port, streamPort: port, pid, upstreamPort }, null);
}

async function bringUpTollgate(
  site: Site,
  server: PostgresServer,
  redisUrl: string,
  upstreamPort: number,
): Promise<Subject> {
  const { urls: databases } = await migrateOwnServer(site.launch, server, site.secrets);
  await requireDurability(databases.gateway, server.urlOf('tollgate'));
  const { adminToken } = site.secrets;
  const port = await freePort(site);
  const gateway = await startGateway(site.launch, {
    port,
    databases,
    redisUrl,
    adminToken,
    linkSecret: site.secrets.linkSecret,
    stripe: null,
    temporalUi: null,
  });
  keep(site, gateway.process);
  const pid = await firstChildOf(pidOf(site, 'gateway'));
  pinTo(SUBJECT_CORE, pid);
  const customers = await seed({ api: gateway.url, adminToken }, upstreamPort);
  return subject(site, { name: 'tollgate', port, streamPort: port, pid, upstreamPort }, customers);
}

async function bringUpWithoutSettlement(
  site: Site,
  server: PostgresServer,
  redisUrl: string,
  upstreamPort: number,
): Promise<Subject> {
  const { launch, secrets } = site;
  const part = 'gateway-without-settlement';
  await withClient(server.urlOf('postgres'), (db: Client) => db.query('create database without_settlement'));
  const { urls: databases } = await migrateGivenDatabase(launch, server.urlOf('without_settlement'), secrets);
  const port = await freePort(site);
  const env = gatewayEnvironment(site, databases, redisUrl, port);
  const program = join(import.meta.dirname, 'gateway-without-settlement.ts');
  const args = [...GATEWAY_V8_FLAGS, '--disable-warning=ExperimentalWarning', program, newId()];
  await start(site, { part, command: process.execPath, args, env, missing: () => whyClosed(port) });
  const pid = pidOf(site, part);
  pinTo(SUBJECT_CORE, pid);
  const staff = { api: `http://127.0.0.1:${port}`, adminToken: secrets.adminToken };
  const customers = await seed(staff, upstreamPort);
  return subject(site, { name: 'withoutSettlement', port, streamPort: port, pid, upstreamPort }, customers);
}

/** As scripts/parts/gateway.ts gives it to api/main.ts; Redis by another number, or the two would count rates together. */
function gatewayEnvironment(site: Site, databases: DatabaseUrls, redisUrl: string, port: number): NodeJS.ProcessEnv {
  return {
    PORT: String(port),
    DATABASE_URL: databases.gateway,
    DATABASE_URL_WORKER: databases.worker,
    DATABASE_URL_MEMBERS: databases.members,
    REDIS_URL: `${redisUrl}/1`,
    TOLLGATE_ADMIN_TOKEN: site.secrets.adminToken,
    TOLLGATE_LINK_SECRET: site.secrets.linkSecret,
    TOLLGATE_MASTER_KEYS_FILE: masterKeysFile(site.launch.home),
    TOLLGATE_JOURNAL_DIR: join(site.launch.home, 'journal-without-settlement'),
  };
}

type SubjectPlace = Pick<Subject, 'name' | 'port' | 'streamPort' | 'pid' | 'upstreamPort'>;

function subject({ folder }: Site, place: SubjectPlace, customers: Customers | null): Subject {
  const credentials = customers?.credentials ?? NO_CREDENTIALS;
  const files = new Map<Kind, string>();
  for (const kind of Object.keys(KINDS) as Kind[]) {
    files.set(kind, writeRequests(folder, `${place.name}-${kind}`, kind, credentials));
  }
  return {
    ...place,
    credentials,
    coldCredentials: customers?.coldCredentials ?? NO_CREDENTIALS,
    requestsFile: (kind) => files.get(kind) ?? '',
  };
}

interface Start extends Pick<ProcessPlan, 'part' | 'command' | 'args' | 'env' | 'missing'> {}

async function start(site: Site, plan: Start): Promise<void> {
  const rest = { folder: site.folder, user: null, input: null, stopSignal: 'SIGTERM', graceMs: 30_000 } as const;
  const env = { ...process.env, ...plan.env };
  keep(site, await SupervisedProcess.start({ ...plan, ...rest, env, readyWithinMs: 60_000 }, site.launch));
}

function keep({ launch, stack, parts }: Site, part: SupervisedProcess): void {
  parts.push(part);
  stack.defer(() => part.stop());
  launch.say(part.part, 'ready');
}

/** As it was written down for the next start (scripts/parts/leftovers.ts). */
function pidOf({ launch }: Site, part: string): number {
  const { pid } = JSON.parse(readFileSync(join(launch.home, 'run', `${part}.json`), 'utf8')) as { pid: number };
  return pid;
}

async function postmasterOf(server: PostgresServer): Promise<number> {
  return await withClient(server.urlOf('postgres'), async (db) => {
    const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
    return parentOf(rows[0]?.pid ?? 0);
  });
}

async function freePort({ stack }: Site): Promise<number> {
  const port = await reserveDefaultPort(FIRST_PORT);
  stack.defer(() => port.release());
  return port.number;
}
