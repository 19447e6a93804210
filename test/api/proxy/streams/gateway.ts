// A gateway in this process: the parts of api/gateway.ts on a real PostgreSQL, behind real HTTP servers, one with the hot entry
// before Express and one where Express comes first. A test may move the clock of the attempts; it need not wait.

import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Pool } from 'pg';
import { createApp } from '../../../../api/app.ts';
import { listenerFor } from '../../../../api/change-listener.ts';
import { consolePages } from '../../../../api/console.ts';
import { newHttpServer } from '../../../../api/http-server.ts';
import { asMiddleware, hotEntry } from '../../../../api/proxy/hot-routes.ts';
import { type Flight, InFlight } from '../../../../api/proxy/in-flight.ts';
import type { ProxyParts } from '../../../../api/proxy/proxy-parts.ts';
import { Routing } from '../../../../api/routing.ts';
import { openAccounts } from '../../../../services/accounts/accounts.ts';
import { AddressList } from '../../../../services/api-keys/address-list.ts';
import { ApiKeyCache } from '../../../../services/api-keys/api-key-cache.ts';
import { ChangeFeed } from '../../../../services/api-keys/change-feed.ts';
import { ReplacedCredentials } from '../../../../services/api-keys/replaced-credentials.ts';
import { ChannelHealth } from '../../../../services/channels/channel-health.ts';
import { Egress } from '../../../../services/egress/egress.ts';
import { IdempotencyStore } from '../../../../services/idempotency/inference-requests.ts';
import { ExpectedOutput } from '../../../../services/leases/expected-output.ts';
import { RateLimiter } from '../../../../services/limits/rate-limiter.ts';
import { WelcomeLinks } from '../../../../services/onboarding/welcome.ts';
import { ofOneOrganization } from '../../../../services/organizations/one-organization.ts';
import { PayLinks } from '../../../../services/payments/pay-links.ts';
import { InvitationLinks } from '../../../../services/people/invitations.ts';
import { VerifyLinks } from '../../../../services/people/verifications.ts';
import { createLog } from '../../../../services/platform/log.ts';
import { LogSample } from '../../../../services/platform/log-sample.ts';
import { Metrics } from '../../../../services/platform/metrics.ts';
import { createPool } from '../../../../services/platform/postgres.ts';
import { openSingleSignOn } from '../../../../services/single-sign-on/single-sign-on.ts';
import { UnsentEnds } from '../../../../services/usage/unsent-ends.ts';
import { Vault } from '../../../../services/vault/vault.ts';
import { type BareGateway, openBareGateway } from '../../../support/bare-gateway.ts';
import { payUrlOf } from '../../../support/overdue.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../../support/throwaway-postgres.ts';

const ADMIN_TOKEN = 'a-token-of-the-tests-0123456789abcdef';

/** The sweep by hand beside the one by timer: what happens after a minute happens when the test says so. */
export class HandWound extends InFlight {
  readonly #mine = new Set<Flight>();

  override add(flight: Flight): void {
    super.add(flight);
    this.#mine.add(flight);
  }

  override remove(flight: Flight): void {
    super.remove(flight);
    this.#mine.delete(flight);
  }

  pass(timeMs: number): void {
    for (const flight of [...this.#mine]) flight.tick(performance.now() + timeMs);
  }
}

export interface Gateway {
  /** http://127.0.0.1:<port>, as in production. */
  readonly url: string;
  /** The same parts, with Express first. */
  readonly expressUrl: string;
  /** Connections of customers to `url`, as the gateway sees them. */
  readonly connections: ReadonlySet<Socket>;
  readonly parts: ProxyParts;
  readonly attempts: HandWound;
  readonly bodies: HandWound;
  readonly bare: BareGateway;
  readonly vault: Vault;
  readonly database: ThrowawayDatabase;
  readonly postgres: ThrowawayPostgres;
  /** As superuser. */
  readonly admin: Pool;
  /** The management API, as an administrator. */
  manage(method: string, path: string, body: object): Promise<Record<string, unknown>>;
  /** The routing table as it is now. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

const HERE = ['http://127.0.0.1', 'of this gateway alone'] as const;
const LINKS = {
  links: new PayLinks(...HERE),
  verifyLinks: new VerifyLinks(...HERE),
  invitationLinks: new InvitationLinks(...HERE),
  welcomeLinks: new WelcomeLinks(...HERE),
};

export async function openGateway(replaced: (parts: ProxyParts) => Partial<ProxyParts> = () => ({})): Promise<Gateway> {
  const postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  const admin = new Pool({ connectionString: database.url });
  const bare = await openBareGateway(database);
  const db = createPool(database.urlFor('gateway'), { name: 'test', maxConnections: 8, statementTimeoutMs: 5_000 });
  const management = { name: 'test management', maxConnections: 4, statementTimeoutMs: 5_000 };
  const workerDb = createPool(database.urlFor('worker'), management);
  const membersDb = createPool(database.urlFor('members'), management);
  const log = createLog({ name: 'test', level: 'silent' });
  const vault = new Vault({ current: 1, keys: new Map([[1, createSecretKey(randomBytes(32))]]) });
  const apiKeys = new ApiKeyCache(db, () => performance.now(), payUrlOf);
  const routing = new Routing(db, vault, log);
  await routing.load();
  const listener = listenerFor({ apiKeys, leases: bare.leases, routing, incarnation: bare.incarnation });
  const feed = new ChangeFeed(database.urlFor('gateway'), listener, log);
  await feed.start();
  const attempts = new HandWound();
  const bodies = new HandWound();
  const own = proxyParts(bare, db, apiKeys, routing, { openAttempts: attempts, openBodies: bodies });
  const parts = { ...own, ...replaced(own) };
  const app = createApp({
    ...{ db: workerDb, dbOf: (orgId) => ofOneOrganization(membersDb, orgId) },
    ...{
      log,
      temporalUiUrl: null,
      scrape: () => parts.metrics.registry.metrics(),
      ...{ adminToken: ADMIN_TOKEN, accounts: openAccounts(workerDb, vault, ...HERE) },
      ...{ payments: null, demoClock: null, vault, egress: parts.egress },
      singleSignOn: openSingleSignOn(parts.egress, ...HERE),
    },
    ...{ ...LINKS, apiKeys, routing: routing.table },
    ...{ health: parts.health, trustedProxies: parts.trustedProxies },
    ...{ replacedCredentials: parts.replacedCredentials, scannerKeys: null },
    timeMs: parts.timeMs,
    consolePages: consolePages(null),
    proxy: asMiddleware(hotEntry(parts)),
    ready: () => ({ ok: true, reasons: [] }),
  });
  const server = await listening(newHttpServer(hotEntry(parts), app));
  const expressServer = await listening(newHttpServer(() => false, app));
  const connections = socketsOf(server);
  const url = urlOf(server);
  return {
    ...{ url, expressUrl: urlOf(expressServer), connections, parts, attempts, bodies, bare },
    ...{ vault, database, postgres, admin },
    manage: (method, path, body) => manage(url, method, path, body),
    reload: () => routing.load(),
    async close() {
      for (const one of [server, expressServer]) {
        one.closeAllConnections();
        one.close();
      }
      await bare.close();
      await Promise.all([feed.stop(), parts.unsentEnds.close(), parts.egress.close()]);
      await Promise.all([db, workerDb, membersDb, admin].map((pool) => pool.end()));
      await postgres.stop();
    },
  };
}

function proxyParts(
  bare: BareGateway,
  db: Pool,
  apiKeys: ApiKeyCache,
  routing: Routing,
  open: Pick<ProxyParts, 'openAttempts' | 'openBodies'>,
): ProxyParts {
  const { incarnation, leases, writer, journal } = bare;
  return {
    ...{ incarnation, leases, writer, journal, apiKeys, ...open },
    openRequests: { count: 0 },
    egress: new Egress(),
    metrics: new Metrics(),
    log: createLog({ name: 'test', level: 'silent' }),
    logSample: new LogSample(),
    unsentEnds: new UnsentEnds(db),
    replacedCredentials: new ReplacedCredentials(db, createLog({ name: 'test', level: 'silent' })),
    expectedOutput: new ExpectedOutput(),
    expectedDelivery: new ExpectedOutput(),
    limiter: new RateLimiter(null),
    routing: routing.table,
    health: new ChannelHealth(Math.random),
    idempotency: new IdempotencyStore(db, incarnation.id),
    trustedProxies: new AddressList([]),
    timeMs: () => incarnation.timeMs(),
    accepting: () => true,
  };
}

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function socketsOf(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function manage(url: string, method: string, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json', 'if-match': '*' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}
