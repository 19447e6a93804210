// The app as api/gateway.ts wires it, on a port of its own over a real PostgreSQL, without the hot path: what a test sends
// goes through HTTP, what it looks at behind the API's back it reads as superuser.

import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { Pool } from 'pg';
import { createApp } from '../../../api/app.ts';
import { openConsole } from '../../../api/console.ts';
import { type Accounts, openAccounts } from '../../../services/accounts/accounts.ts';
import { AddressList } from '../../../services/api-keys/address-list.ts';
import { ApiKeyCache } from '../../../services/api-keys/api-key-cache.ts';
import { ReplacedCredentials } from '../../../services/api-keys/replaced-credentials.ts';
import { ScannerKeys } from '../../../services/api-keys/scanner-keys.ts';
import { FakeStripeClock } from '../../../services/billing-clock/fake-stripe-clock.ts';
import { ChannelHealth } from '../../../services/channels/channel-health.ts';
import { loadRoutingTable } from '../../../services/channels/routing-table.ts';
import { Egress } from '../../../services/egress/egress.ts';
import { WelcomeLinks } from '../../../services/onboarding/welcome.ts';
import { ofOneOrganization } from '../../../services/organizations/one-organization.ts';
import { PayLinks } from '../../../services/payments/pay-links.ts';
import { StripeApi } from '../../../services/payments/stripe-api.ts';
import { StripeInbox } from '../../../services/payments/stripe-inbox.ts';
import { InvitationLinks } from '../../../services/people/invitations.ts';
import { VerifyLinks } from '../../../services/people/verifications.ts';
import { createLog } from '../../../services/platform/log.ts';
import { Metrics } from '../../../services/platform/metrics.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { openSingleSignOn, type SingleSignOn } from '../../../services/single-sign-on/single-sign-on.ts';
import { Vault } from '../../../services/vault/vault.ts';
import { control } from '../../fake-stripe/stripe-client.ts';
import { startFakeStripe } from '../../support/fake-stripe/server.ts';
import { payUrlOf } from '../../support/overdue.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';
import { SCANNER_KEYS } from './scanner.ts';

export const WEBHOOK_SECRET = 'whsec_of_the_tests';
const STRIPE_SECRETS = { secretKey: 'sk_test_management', webhookSecret: WEBHOOK_SECRET };
export const ADMIN_TOKEN = 'a-token-of-the-tests-0123456789abcdef';

export const TEMPORAL_UI_URL = 'http://temporal.example/namespaces/tollgate/workflows';

export interface Sent {
  /** undefined: the admin token; null: none. */
  readonly credential?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed JSON; null: the answer has another form. */
  readonly body: unknown;

  constructor(status: number, headers: Headers, text: string) {
    this.status = status;
    this.headers = headers;
    this.text = text;
    const isJson = /[/+]json\b/.test(headers.get('content-type') ?? '');
    this.body = isJson && text !== '' ? JSON.parse(text) : null;
  }

  /** `data.0.id`; undefined: it is not there. */
  field(path: string): unknown {
    let value = this.body;
    for (const name of path.split('.')) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = Object.entries(value).find(([field]) => field === name)?.[1];
    }
    return value;
  }

  string(path: string): string {
    const value = this.field(path);
    if (typeof value !== 'string') throw new Error(`no string at ${path} in ${this.text}`);
    return value;
  }

  list(path: string): unknown[] {
    const value = this.field(path);
    if (!Array.isArray(value)) throw new Error(`no list at ${path} in ${this.text}`);
    return value;
  }
}

export interface ManagementApp {
  readonly url: string;
  /** The fake Stripe's URL. */
  readonly stripe: string;
  readonly api: StripeApi;
  readonly links: PayLinks;
  readonly verifyLinks: VerifyLinks;
  readonly accounts: Accounts;
  readonly singleSignOn: SingleSignOn;
  readonly invitationLinks: InvitationLinks;
  readonly welcomeLinks: WelcomeLinks;
  /** As superuser. */
  readonly db: Pool;
  readonly worker: Pool;
  readonly vault: Vault;
  readonly postgres: ThrowawayPostgres;
  readonly database: ThrowawayDatabase;
  /** Everything that was logged. */
  readonly log: string[];
  call(method: string, path: string, sent?: Sent): Promise<Answered>;
  /** What a gateway does when it hears of a change. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export async function startManagementApp(
  takesPayments = true,
  trustedProxies: readonly string[] = [],
): Promise<ManagementApp> {
  const postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  const pool = (url: string) => createPool(url, { name: 'test', maxConnections: 8, statementTimeoutMs: 5_000 });
  const db = pool(database.url);
  const worker = pool(database.urlFor('worker'));
  const members = pool(database.urlFor('members'));
  const vault = new Vault({ current: 1, keys: new Map([1, 2, 3].map((v) => [v, createSecretKey(randomBytes(32))])) });
  const stripeFolder = mkdtempSync(join(tmpdir(), 'stripe-'));
  const stripe = await startFakeStripe({ port: 0, dataDir: stripeFolder });
  const log: string[] = [];
  const metrics = new Metrics();
  const egress = new Egress();
  const apiKeys = new ApiKeyCache(worker, () => performance.now(), payUrlOf);
  let table = await loadRoutingTable(worker, vault, 0);
  const logger = createLog({ name: 'test', level: 'info' }, linesTo(log));
  const api = new StripeApi({ apiBase: stripe.url, ...STRIPE_SECRETS }, async () => {});
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signing = signingWith(randomBytes(32).toString('hex'), url, { worker, vault, egress });
  const replacedCredentials = new ReplacedCredentials(db, logger);
  const inbox = new StripeInbox(worker, api, logger, async () => {});
  const app = createApp({
    ...signing,
    db: worker,
    dbOf: (orgId) => ofOneOrganization(members, orgId),
    log: logger,
    payments: takesPayments ? { stripe: api, inbox, publicUrl: url } : null,
    demoClock: takesPayments ? { stripe: new FakeStripeClock(stripe.url), patienceMs: 3_000 } : null,
    scrape: () => metrics.registry.metrics(),
    adminToken: ADMIN_TOKEN,
    temporalUiUrl: TEMPORAL_UI_URL,
    vault,
    egress,
    apiKeys,
    routing: () => table,
    health: new ChannelHealth(Math.random),
    ready: () => ({ ok: true, reasons: [] }),
    replacedCredentials,
    scannerKeys: takesPayments ? new ScannerKeys(SCANNER_KEYS) : null,
    consolePages: openConsole(logger),
    proxy: (_req, _res, next) => next(),
    trustedProxies: new AddressList(trustedProxies),
    timeMs: () => Date.now(),
  });
  server.on('request', app);
  await control(stripe.url, 'webhooks', { url: `${url}/webhooks/stripe`, secret: WEBHOOK_SECRET });
  return {
    ...signing,
    ...{ url, stripe: stripe.url, api, db, worker, vault, postgres, database, log },
    call: (method, path, sent = {}) => call(url, method, path, sent),
    async refresh() {
      apiKeys.suspectAll();
      table = await loadRoutingTable(worker, vault, 0);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await Promise.all([inbox.close(), replacedCredentials.close()]);
      await Promise.all([egress.close(), worker.end(), members.end(), db.end(), stripe.close()]);
      rmSync(stripeFolder, { recursive: true });
      await postgres.stop();
    },
  };
}

function linesTo(log: string[]): Writable {
  return new Writable({
    write(line, _encoding, done) {
      log.push(String(line));
      done();
    },
  });
}

/** All that is signed, by one secret as in production. */
function signingWith(
  secret: string,
  url: string,
  { worker, vault, egress }: { readonly worker: Pool; readonly vault: Vault; readonly egress: Egress },
) {
  return {
    links: new PayLinks(url, secret),
    verifyLinks: new VerifyLinks(url, secret),
    invitationLinks: new InvitationLinks(url, secret),
    welcomeLinks: new WelcomeLinks(url, secret),
    accounts: openAccounts(worker, vault, url, secret),
    singleSignOn: openSingleSignOn(egress, url, secret),
  };
}

async function call(url: string, method: string, path: string, sent: Sent): Promise<Answered> {
  const { credential = ADMIN_TOKEN, body, headers = {} } = sent;
  const answer = await fetch(url + path, {
    method: method.toUpperCase(),
    headers: {
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
  });
  return new Answered(answer.status, answer.headers, await answer.text());
}

/** For steps that a test needs and does not test. */
export function done(answer: Answered): Answered {
  if (answer.status >= 300) throw new Error(`answered ${answer.status}: ${answer.text}`);
  return answer;
}
