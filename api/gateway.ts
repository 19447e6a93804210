// One gateway process, from its configuration to its last byte. Every part that is opened here registers how it is closed; a
// drain closes them in the order in which nothing is lost: requests, settlements, leases, journal, connections.
import type { Server } from 'node:http';
import type { Express } from 'express';
import { Client } from 'pg';
import { openAccounts } from '../services/accounts/accounts.ts';
import { AddressList } from '../services/api-keys/address-list.ts';
import { ApiKeyCache } from '../services/api-keys/api-key-cache.ts';
import { ChangeFeed } from '../services/api-keys/change-feed.ts';
import { ReplacedCredentials } from '../services/api-keys/replaced-credentials.ts';
import { ChannelHealth } from '../services/channels/channel-health.ts';
import { channelVitals } from '../services/channels/channel-vitals.ts';
import { HealthExchange } from '../services/channels/health-exchange.ts';
import { healthToldIn } from '../services/channels/health-log.ts';
import { Egress } from '../services/egress/egress.ts';
import { IdempotencyStore } from '../services/idempotency/inference-requests.ts';
import { Incarnation, isFencedError } from '../services/incarnations/incarnation.ts';
import { RoutingAcknowledgements } from '../services/incarnations/routing-acknowledgements.ts';
import { Journal } from '../services/journal/journal.ts';
import { ExpectedOutput } from '../services/leases/expected-output.ts';
import { LeaseBook } from '../services/leases/lease-book.ts';
import { SettlementWriter } from '../services/ledger/settlement-writer.ts';
import { RateLimiter } from '../services/limits/rate-limiter.ts';
import { WindowExchange } from '../services/limits/window-exchange.ts';
import { KeyringHolder } from '../services/master-keys/keyring-holder.ts';
import { WelcomeLinks } from '../services/onboarding/welcome.ts';
import { ofOneOrganization } from '../services/organizations/one-organization.ts';
import { PayLinks } from '../services/payments/pay-links.ts';
import { InvitationLinks } from '../services/people/invitations.ts';
import { VerifyLinks } from '../services/people/verifications.ts';
import { type Config, readConfig } from '../services/platform/config.ts';
import { crashOnDefects } from '../services/platform/crash-on-defects.ts';
import { armCrashPoints } from '../services/platform/crash-points.ts';
import { createLog, type Log } from '../services/platform/log.ts';
import { LogSample } from '../services/platform/log-sample.ts';
import { Metrics } from '../services/platform/metrics.ts';
import type { createPool } from '../services/platform/postgres.ts';
import { createRedis, type RedisLink } from '../services/platform/redis.ts';
import { openSingleSignOn } from '../services/single-sign-on/single-sign-on.ts';
import { UnsentEnds } from '../services/usage/unsent-ends.ts';
import type { Vault } from '../services/vault/vault.ts';
import { createApp } from './app.ts';
import { listenerFor } from './change-listener.ts';
import { openConsole } from './console.ts';
import { Drain, type OpenRequests } from './drain.ts';
import { newHttpServer } from './http-server.ts';
import { openPools } from './pools.ts';
import { asMiddleware, type HotEntry, hotEntry } from './proxy/hot-routes.ts';
import { InFlight } from './proxy/in-flight.ts';
import type { ProxyParts } from './proxy/proxy-parts.ts';
import { readiness } from './readiness.ts';
import type { PaymentDesk } from './routes/app-dependencies.ts';
import { openDemoClock, openPaymentDesk } from './routes/payment-desk.ts';
import { Routing } from './routing.ts';
import { Scrape } from './scrape.ts';

const DISK_CHECK_MS = 5_000;
const DATABASE_RETRY_MS = 500;
/** A paused or fenced gateway leaves by this code: its supervisor starts a fresh incarnation. */
const FENCED_EXIT_CODE = 75;

const [incarnationId = '', slot = '0'] = process.argv.slice(2);
await startGateway(readConfig(process.env), incarnationId, slot);

async function startGateway(config: Config, incarnationId: string, slot: string): Promise<void> {
  const log = createLog({ name: `gateway-${process.pid}`, level: config.logLevel });
  crashOnDefects(log);
  if (config.crashPoints !== null) armCrashPoints(config.crashPoints.points, config.crashPoints.log);
  const drain = new Drain(log);
  const parts = await openParts(config, incarnationId, log, drain);
  const scrape = new Scrape(parts.proxy.metrics.registry, slot);
  const app = createApp(appDependencies(config, parts, scrape));
  const server = listen(config, hotEntry(parts.proxy), app);
  drain.serveUntilAsked(server, openRequests(parts.proxy));
}

interface GatewayParts {
  readonly proxy: ProxyParts;
  readonly routing: Routing;
  readonly vault: Vault;
  readonly workerDb: ReturnType<typeof createPool>;
  readonly membersDb: ReturnType<typeof createPool>;
  readonly payments: PaymentDesk | null;
  readonly links: PayLinks;
}

async function openParts(config: Config, incarnationId: string, log: Log, drain: Drain): Promise<GatewayParts> {
  const { db, renewalDb, workerDb, membersDb } = openPools(config);
  const metrics = new Metrics();
  const masterKeys = new KeyringHolder(config, { db: workerDb, processId: incarnationId, kind: 'gateway', log });
  const egress = new Egress({ log });
  const fenced = () => {
    log.fatal({ incarnationId }, 'incarnation_fenced');
    drain.leaveAtOnce(FENCED_EXIT_CODE);
  };
  const incarnation = new Incarnation(renewalDb, incarnationId, fenced);
  const journal = new Journal(config.journalDir, incarnationId);
  await onceDatabaseAnswers(log, () => incarnation.begin(journal.folder));
  await masterKeys.begin();
  const links = new PayLinks(config.publicUrl, config.linkSecret);
  const leases = new LeaseBook(db, incarnation, links.urlOf);
  const writer = await openWriter(config, incarnation, journal, log, drain);
  const apiKeys = new ApiKeyCache(db, () => performance.now(), links.urlOf);
  const routing = new Routing(db, masterKeys.vault, log);
  await routing.load();
  const unsentEnds = new UnsentEnds(db);
  const replacedCredentials = new ReplacedCredentials(db, log);
  const acknowledgements = new RoutingAcknowledgements(db, incarnationId, () => routing.standing());
  const feed = new ChangeFeed(config.databaseUrl, listenerFor({ apiKeys, leases, routing, incarnation }), log);
  await feed.start();
  const payments = openPaymentDesk(config, workerDb, log);
  drain.afterRequests(async () => {
    await writer.drain(3_000);
    await leases.close();
    await unsentEnds.close();
    await replacedCredentials.close();
    incarnation.stop();
    acknowledgements.close();
    journal.close();
    const inboxClosed = payments?.inbox.close();
    await masterKeys.end();
    const pools = [db, renewalDb, workerDb, membersDb].map((pool) => pool.end());
    await Promise.allSettled([feed.stop(), egress.close(), inboxClosed, ...pools]);
  });
  const disk = watchDisk(journal);
  const redis = openRedis(config, log);
  const proxy: ProxyParts = {
    ...{ incarnation, journal, leases, writer, apiKeys, replacedCredentials, egress },
    openAttempts: new InFlight(),
    openBodies: new InFlight(),
    openRequests: { count: 0 },
    ...{ metrics, log, unsentEnds },
    logSample: new LogSample(),
    expectedOutput: new ExpectedOutput(),
    expectedDelivery: new ExpectedOutput(),
    routing: routing.table,
    health: openHealth(redis, incarnation, log, drain),
    limiter: new RateLimiter(openWindows(redis, incarnationId, drain)),
    idempotency: new IdempotencyStore(db, incarnationId),
    trustedProxies: new AddressList(config.trustedProxies),
    timeMs: () => incarnation.timeMs(),
    accepting: () => !disk.isLow && !drain.isDraining,
  };
  watch(metrics, proxy);
  return { proxy, routing, vault: masterKeys.vault, workerDb, membersDb, payments, links };
}

function openRequests({ openRequests: requests, openAttempts, openBodies }: ProxyParts): OpenRequests {
  return {
    get count() {
      return requests.count;
    },
    stop() {
      openBodies.stop();
      openAttempts.stop();
    },
  };
}

function watchDisk(journal: Journal): { readonly isLow: boolean } {
  const disk = { isLow: false };
  setInterval(() => {
    disk.isLow = journal.isDiskLow();
  }, DISK_CHECK_MS).unref();
  return disk;
}

async function openWriter(
  config: Config,
  incarnation: Incarnation,
  journal: Journal,
  log: Log,
  drain: Drain,
): Promise<SettlementWriter> {
  const writer = new SettlementWriter({
    incarnationId: incarnation.id,
    journal,
    connect: () => connectForSettlement(config.databaseUrl),
    mayStillSpill: () => incarnation.mayAdmit(),
    onFenced: () => incarnation.wasFenced(),
    onTrouble: (event, error, requestIds) => {
      log.error({ err: error, requestIds }, event);
      // Neither PostgreSQL nor the disk takes the charge: this process can do no more good.
      if (event === 'settlement_spill_failed') drain.leaveAtOnce(1);
    },
  });
  await onceDatabaseAnswers(log, () => writer.begin());
  return writer;
}

/** A gateway that finds no PostgreSQL waits for it: if it died, it would only be started again. */
async function onceDatabaseAnswers(log: Log, step: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await step();
      return;
    } catch (error) {
      if (isFencedError(error)) throw error;
      log.warn({ err: error }, 'waiting_for_postgres');
      await new Promise((resolve) => setTimeout(resolve, DATABASE_RETRY_MS));
    }
  }
}

async function connectForSettlement(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: 'tollgate settlement',
    options: '-c timezone=UTC',
    connectionTimeoutMillis: 2_000,
    keepAlive: true,
  });
  client.on('error', () => {}); // the statement in flight rejects and says so
  await client.connect();
  return client;
}

function openRedis(config: Config, log: Log): RedisLink | null {
  if (config.redisUrl !== null) return createRedis(config.redisUrl, 'tollgate gateway', log);
  log.info('no REDIS_URL: rate windows and the health of channels are known to this gateway alone');
  return null;
}

function openHealth(redis: RedisLink | null, incarnation: Incarnation, log: Log, drain: Drain): ChannelHealth {
  const health = new ChannelHealth(Math.random, healthToldIn(log));
  if (redis === null) return health;
  const clock = { timeMs: () => incarnation.realTimeMs(), nowMs: () => performance.now() };
  const exchange = new HealthExchange(redis, health, clock);
  drain.afterRequests(() => exchange.close());
  return health;
}

/** Opened last of what uses Redis, so that it is closed last, and the connection with it. */
function openWindows(redis: RedisLink | null, incarnationId: string, drain: Drain): WindowExchange | null {
  if (redis === null) return null;
  const exchange = new WindowExchange(redis, incarnationId);
  drain.afterRequests(async () => {
    await exchange.close();
    redis.close();
  });
  return exchange;
}

function watch(metrics: Metrics, { leases, writer, openAttempts, routing, health }: ProxyParts): void {
  metrics.watch(() => {
    const { leases: openLeases, freeNano } = leases.snapshot();
    return {
      requestsInFlight: openAttempts.count,
      openLeases,
      leaseFreeNano: freeNano,
      spillRecords: writer.spilledCount,
      channels: channelVitals(routing(), health.snapshot()),
    };
  });
}

function appDependencies(
  config: Config,
  { proxy, routing, vault, workerDb, membersDb, payments, links }: GatewayParts,
  scrape: Scrape,
) {
  return {
    db: workerDb,
    dbOf: (orgId: string) => ofOneOrganization(membersDb, orgId),
    log: proxy.log,
    scrape: () => scrape.text(),
    ...{ adminToken: config.adminToken, temporalUiUrl: config.temporalUiUrl },
    accounts: openAccounts(workerDb, vault, config.publicUrl, config.linkSecret),
    payments,
    links,
    verifyLinks: new VerifyLinks(config.publicUrl, config.linkSecret),
    welcomeLinks: new WelcomeLinks(config.publicUrl, config.linkSecret),
    invitationLinks: new InvitationLinks(config.publicUrl, config.linkSecret),
    ...{ demoClock: openDemoClock(config), vault },
    singleSignOn: openSingleSignOn(proxy.egress, config.publicUrl, config.linkSecret),
    scannerKeys: config.scannerKeys,
    ...{ egress: proxy.egress, apiKeys: proxy.apiKeys, replacedCredentials: proxy.replacedCredentials },
    routing: proxy.routing,
    ...{ health: proxy.health, trustedProxies: proxy.trustedProxies, timeMs: proxy.timeMs },
    consolePages: openConsole(proxy.log),
    proxy: asMiddleware(hotEntry(proxy)),
    ready: () => readiness(proxy, routing),
  };
}

function listen(config: Config, hot: HotEntry, app: Express): Server {
  const server = newHttpServer(hot, app);
  server.listen({ port: config.port, host: config.host, reusePort: config.gatewayProcesses > 1 });
  return server;
}
