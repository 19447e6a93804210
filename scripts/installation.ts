// Everything that `npm start` brings up, in order, each part with its progress line; what is up is stopped in reverse.
// The order of stopping is the order of trust: the gateway drains while PostgreSQL still takes what it settles.

import { delimiter } from 'node:path';
import { serverUser } from '../services/platform/server-user.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/contracts/search-attributes.ts';
import type { Endpoints } from './endpoints.ts';
import { backupEnvironment } from './parts/backup-place.ts';
import { buildConsole } from './parts/console-build.ts';
import { startDemoProvider } from './parts/demo-provider.ts';
import { type FakeStripe, startFakeStripe } from './parts/fake-stripe.ts';
import { type GatewayNeeds, startGateway } from './parts/gateway.ts';
import type { Launch } from './parts/home.ts';
import { type MigratedDatabase, migrateGivenDatabase, migrateOwnServer } from './parts/migrate.ts';
import { type ReservedPort, reserveDefaultPort, reserveNamedPort } from './parts/ports.ts';
import { startPostgres, whyUnreachable } from './parts/postgres.ts';
import { findPostgres } from './parts/postgres-binaries.ts';
import { findOrFetchPostgresClients, INSTALL_POSTGRES_CLIENT } from './parts/postgres-clients.ts';
import { findOrInstallRedis, INSTALL_REDIS, startRedis, whyRedisIsSilent } from './parts/redis.ts';
import { keepCustomerKey, loadSecrets, type Secrets } from './parts/secrets.ts';
import { type SmtpInbox, startSmtpInbox } from './parts/smtp-inbox.ts';
import type { SupervisedProcess } from './parts/supervised-process.ts';
import { bringUpTemporal, TEMPORAL_NAMESPACE, type TemporalServer } from './parts/temporal.ts';
import { startWorker, type WorkerNeeds } from './parts/worker.ts';
import { seed } from './seed.ts';
import { seedPlans } from './seed-plans.ts';

type Seeded = Awaited<ReturnType<typeof seed>>;

const DEFAULT_PORTS = {
  api: 8080,
  demoProvider: 8081,
  stripe: 8082,
  worker: 8083,
  sdkMetrics: 8084,
  inboxPage: 8085,
  smtp: 8086,
  postgres: 5433,
  redis: 6380,
};

export interface Installation {
  readonly endpoints: Endpoints;
  /** Parts that died unasked and were started again. */
  restarted(): string[];
}

export async function bringUp(launch: Launch, stack: AsyncDisposableStack): Promise<Installation> {
  const site: Site = { launch, stack, secrets: loadSecrets(launch.home), parts: [] };
  const { adminToken, linkSecret } = site.secrets;
  const port = await reserveApiPort(site);
  const { urls: databases, serverMajor } = await step(launch, 'migrate', await bringUpPostgres(site));
  const redisUrl = await step(launch, 'redis', () => bringUpRedis(site));
  const demoProvider = await step(launch, 'demo', () => bringUpDemoProvider(site));
  const stripe = await step(launch, 'stripe', () => bringUpStripe(site, port));
  await step(launch, 'console', () => bringUpConsole(launch));
  const workerPorts = await takeWorkerPorts(site);
  const temporal = await step(launch, 'temporal', () => bringUpTime(site, workerPorts));
  const needs = { port, databases, redisUrl, adminToken, linkSecret, stripe, temporalUi: uiOf(temporal) };
  const api = await step(launch, 'gateway', () => bringUpGateway(site, needs));
  const { customerKey, models } = await step(launch, 'seed', () =>
    bringUpData(site, { api, adminToken, demoProvider }),
  );
  const inbox = await step(launch, 'inbox', () => bringUpInbox(site));
  const addresses = { publicUrl: api, smtpUrl: inbox.smtpUrl };
  const backups = await step(launch, 'backups', () => prepareBackups(launch, databases.backup, serverMajor));
  const worker = await step(launch, 'worker', () =>
    bringUpWorker(site, {
      ...workerPorts,
      ...addresses,
      databaseUrl: databases.worker,
      backups,
      temporal,
      adminToken,
      linkSecret,
      stripe,
    }),
  );
  const apiBaseUrl = `${api}/v1`;
  await step(launch, 'customers', () => bringUpCustomers({ api, apiBaseUrl, adminToken, stripe: stripe.url, models }));
  return {
    endpoints: {
      api,
      apiBaseUrl,
      demoProvider,
      demoMeter: `${demoProvider}/meter`,
      stripe: stripe.url,
      postgresUrl: databases.readonly,
      redisUrl,
      temporalAddress: temporal.address,
      temporalNamespace: TEMPORAL_NAMESPACE,
      temporalUi: temporal.uiUrl,
      worker,
      inbox: inbox.url,
      adminToken,
      customerKey,
      models,
    },
    restarted: () => site.parts.filter(({ restarts }) => restarts > 0).map(({ part }) => part),
  };
}

interface Site {
  readonly launch: Launch;
  readonly secrets: Secrets;
  /** What must be given back, in reverse. */
  readonly stack: AsyncDisposableStack;
  readonly parts: SupervisedProcess[];
}

interface Outcome<T> {
  readonly result: T;
  readonly text: string;
}

/** Runs one step and says its line with the time that it took. */
async function step<T>(launch: Launch, part: string, work: () => Promise<Outcome<T>>): Promise<T> {
  launch.interrupted.throwIfAborted();
  const startedAtMs = performance.now();
  const { result, text } = await work();
  launch.say(part, `${text}  ${secondsSince(startedAtMs)}`);
  return result;
}

/** First of all: a PORT that is taken is said before anything has started. */
async function reserveApiPort(site: Site): Promise<number> {
  const named = process.env.PORT;
  const reserved = named ? await reserveNamedPort('PORT', named) : await reserveDefaultPort(DEFAULT_PORTS.api);
  return takePort(site, 'gateway', reserved);
}

/** Answers with the next step: what to migrate depends on whose server it is. */
async function bringUpPostgres(site: Site): Promise<() => Promise<Outcome<MigratedDatabase>>> {
  const { launch, secrets } = site;
  const given = process.env.DATABASE_URL;
  if (given) {
    const silence = await whyUnreachable(given);
    if (silence !== null) throw new Error(`DATABASE_URL leads to no PostgreSQL (${silence}): correct it, or unset it`);
    return async () => migrationOutcome(await migrateGivenDatabase(launch, given, secrets));
  }
  const server = await step(launch, 'postgres', async () => {
    const port = takePort(site, 'postgres', await reserveDefaultPort(DEFAULT_PORTS.postgres));
    const started = await startPostgres(launch, port, secrets.passwords.superuser);
    keep(site, started.process);
    return { result: started, text: `ready on ${started.address} (${started.version})` };
  });
  return async () => migrationOutcome(await migrateOwnServer(launch, server, secrets));
}

function migrationOutcome(migrated: MigratedDatabase): Outcome<MigratedDatabase> {
  const { applied, place } = migrated;
  const work = applied === 0 ? 'schema is up to date' : `${applied} migrations applied`;
  return { result: migrated, text: `${work} (${place})` };
}

/** Without pg_dump the rest works, and a backup says why there is none. */
async function prepareBackups(launch: Launch, databaseUrl: string, serverMajor: number) {
  const clients = await findOrFetchPostgresClients(serverMajor, launch);
  const { folder: server } = findPostgres(serverUser(), null);
  const result = backupEnvironment(launch, databaseUrl, [clients, server].filter(Boolean).join(delimiter));
  const text = clients === null ? `none can be taken: ${INSTALL_POSTGRES_CLIENT}` : `by ${clients}/pg_dump`;
  return { result, text: `${text}, to ${result.TOLLGATE_BACKUP_STORE}` };
}

async function bringUpRedis(site: Site): Promise<Outcome<string | null>> {
  const given = process.env.REDIS_URL;
  if (given) {
    const silence = await whyRedisIsSilent(given);
    if (silence !== null) throw new Error(`REDIS_URL leads to no Redis (${silence}): correct it, or unset it`);
    return { result: given, text: 'ready at REDIS_URL' };
  }
  const binary = await findOrInstallRedis((text) => site.launch.say('redis', text));
  if (binary === null) {
    return { result: null, text: `not found: rate windows are local to each gateway (to have it: ${INSTALL_REDIS})` };
  }
  const port = takePort(site, 'redis', await reserveDefaultPort(DEFAULT_PORTS.redis));
  const server = await startRedis(site.launch, binary, port, site.secrets.passwords.redis);
  keep(site, server.process);
  return { result: server.url, text: `ready on 127.0.0.1:${port} (${binary})` };
}

async function bringUpDemoProvider(site: Site): Promise<Outcome<string>> {
  const port = takePort(site, 'demo', await reserveDefaultPort(DEFAULT_PORTS.demoProvider));
  const demo = await startDemoProvider(site.launch, port);
  keep(site, demo.process);
  return { result: demo.url, text: `ready on ${demo.url} (demo provider)` };
}

async function bringUpStripe(site: Site, gatewayPort: number): Promise<Outcome<FakeStripe>> {
  const port = takePort(site, 'stripe', await reserveDefaultPort(DEFAULT_PORTS.stripe));
  const stripe = await startFakeStripe(site.launch, port, gatewayPort);
  keep(site, stripe.process);
  return { result: stripe, text: `ready on ${stripe.url} (fake Stripe, takes no real money)` };
}

async function bringUpInbox(site: Site): Promise<Outcome<SmtpInbox>> {
  const pagePort = takePort(site, 'inbox', await reserveDefaultPort(DEFAULT_PORTS.inboxPage));
  const smtpPort = takePort(site, 'inbox', await reserveDefaultPort(DEFAULT_PORTS.smtp));
  const inbox = await startSmtpInbox(site.launch, pagePort, smtpPort);
  keep(site, inbox.process);
  return { result: inbox, text: `ready on ${inbox.url} (mails are kept here, none leaves this machine)` };
}

async function bringUpConsole({ checkout, interrupted }: Launch): Promise<Outcome<void>> {
  const { wasFresh, firstPaint } = await buildConsole(checkout, interrupted);
  const what = wasFresh ? 'as built before' : 'built';
  return { result: undefined, text: `${what} (first paint: ${firstPaint.text})` };
}

async function bringUpGateway(site: Site, needs: GatewayNeeds): Promise<Outcome<string>> {
  const gateway = await startGateway(site.launch, needs);
  keep(site, gateway.process);
  const processes = process.env.GATEWAY_PROCESSES || '1';
  return { result: gateway.url, text: `ready on ${gateway.url} (gateway processes: ${processes})` };
}

async function takeWorkerPorts(site: Site): Promise<Pick<WorkerNeeds, 'port' | 'sdkMetricsPort'>> {
  const port = takePort(site, 'worker', await reserveDefaultPort(DEFAULT_PORTS.worker));
  const sdkMetricsPort = takePort(site, 'worker', await reserveDefaultPort(DEFAULT_PORTS.sdkMetrics));
  return { port, sdkMetricsPort };
}

async function bringUpTime(site: Site, { port }: { port: number }): Promise<Outcome<TemporalServer>> {
  const server = await bringUpTemporal(site.launch, {
    searchAttributes: SEARCH_ATTRIBUTES,
    codecEndpoint: codecOf(`http://127.0.0.1:${port}`),
    takePort: async (preferred) => takePort(site, 'temporal', await reserveDefaultPort(preferred)),
  });
  if (server.process !== null) keep(site, server.process);
  return { result: server, text: server.text };
}

async function bringUpWorker(site: Site, needs: WorkerNeeds): Promise<Outcome<string>> {
  const worker = await startWorker(site.launch, needs);
  keep(site, worker.process);
  return { result: worker.url, text: `ready on ${worker.url} (sign in to read workflows: ${codecOf(worker.url)})` };
}

/** Null: the server is not ours, and nobody tells where its UI is. */
function uiOf({ uiUrl }: TemporalServer): GatewayNeeds['temporalUi'] {
  return uiUrl === null ? null : { url: uiUrl, namespace: TEMPORAL_NAMESPACE };
}

function codecOf(workerUrl: string): string {
  return `${workerUrl}/codec`;
}

async function bringUpData(
  site: Site,
  place: Omit<Parameters<typeof seed>[0], 'customerKey'>,
): Promise<Outcome<Seeded>> {
  const known = site.secrets.customerKey;
  const seeded = await seed({ ...place, customerKey: known });
  if (seeded.customerKey !== known) keepCustomerKey(site.launch.home, seeded.customerKey);
  const data = known === null ? 'a new customer with credit' : 'the customer of the last start';
  return { result: seeded, text: `${seeded.models.length} models, ${data}` };
}

/** Last of all: who owes came to it in months, which pass with all parts at work. */
async function bringUpCustomers(place: Parameters<typeof seedPlans>[0]): Promise<Outcome<number>> {
  const made = await seedPlans(place);
  const text = made === 0 ? 'those of the last start' : `${made} more, one on each plan and in each stage of a debt`;
  return { result: made, text };
}

/** Held until the end: the part may have to come back on it. */
function takePort({ launch, stack }: Site, part: string, port: ReservedPort): number {
  stack.defer(() => port.release());
  if (port.note !== null) launch.say(part, port.note);
  return port.number;
}

function keep({ launch, stack, parts }: Site, process: SupervisedProcess): void {
  parts.push(process);
  stack.defer(async () => {
    const startedAtMs = performance.now();
    await process.stop();
    launch.say(process.part, `stopped  ${secondsSince(startedAtMs)}`);
  });
}

export function secondsSince(startedAtMs: number): string {
  return `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`;
}
