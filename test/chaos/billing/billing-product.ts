// A product of a billing campaign's own: PostgreSQL, the fake Stripe, a mail server, Temporal, one gateway that moves the clock, two
// workers, and the demo provider that answers what enterprises use. All but that one can be killed, and come back as a service manager
// would bring them back. The bench of workflows has one too, with one worker and another Temporal.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEMPORAL_NAMESPACE } from '../../../scripts/parts/temporal.ts';
import { freePort } from '../../support/free-port.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';
import { workflowBundle } from '../../support/workflow-bundle.ts';
import {
  NEIGHBOUR_AWAY_MS,
  ours,
  type Served,
  type ServedWorker,
  startDemoProvider,
  startDevServer,
  startWorker,
} from '../kept-parts.ts';
import { type KeptProcess, ProcessYard } from '../process-yard.ts';
import { answers } from '../product.ts';

export interface BillingParts {
  readonly workers: readonly string[];
  /** Settings of its server. */
  readonly postgres: Parameters<typeof startThrowawayPostgres>[0];
  startTemporal(site: BillingSite): Promise<Served>;
}

const OF_A_CAMPAIGN: BillingParts = { postgres: {}, workers: ['worker-a', 'worker-b'], startTemporal: startDevServer };

export interface BillingProduct {
  readonly folder: string;
  readonly postgres: ThrowawayPostgres;
  readonly database: ThrowawayDatabase;
  readonly api: string;
  readonly gateway: KeptProcess;
  readonly stripe: Served;
  readonly inbox: Served & { readonly smtpUrl: string };
  readonly temporal: Served;
  readonly workers: readonly ServedWorker[];
  readonly demoUrl: string;
  readonly adminToken: string;
  /** Of gateway and workers. */
  readonly environment: NodeJS.ProcessEnv;
  readonly yard: ProcessYard;
  close(): Promise<void>;
}

export async function startBillingProduct(wanted: Partial<BillingParts> = {}): Promise<BillingProduct> {
  const parts = { ...OF_A_CAMPAIGN, ...wanted };
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-chaos-billing-'));
  mkdirSync(join(folder, 'journal'));
  const postgres = stack.adopt(await startThrowawayPostgres(parts.postgres), (one) => one.stop());
  const database = await postgres.createDatabase();
  const yard = stack.adopt(new ProcessYard(folder), (one) => one.close());
  const bundle = await workflowBundle();
  const site: BillingSite = {
    folder,
    yard,
    postgres,
    database,
    bundle,
    apiPort: await freePort(),
    secrets: newSecrets(),
  };

  const { url: demoUrl } = await startDemoProvider(site);
  const stripe = await startStripe(site);
  const inbox = await startInbox(site);
  const temporal = await parts.startTemporal(site);
  const environment = environmentOf(site, { stripe, inbox, temporal });
  const gateway = yard.keep(ours('gateway', 'api/main.ts', { ...environment, PORT: String(site.apiPort) }));
  const api = `http://127.0.0.1:${site.apiPort}`;
  await answers(`${api}/readyz`);
  const workers = await Promise.all(parts.workers.map((name) => startWorker(site, name, environment)));

  const belongings = stack.move();
  const close = () => belongings.disposeAsync();
  const { adminToken } = site.secrets;
  return {
    ...{ folder, yard, postgres, database, api, gateway, stripe, inbox, temporal, workers, demoUrl, adminToken },
    ...{ environment, close },
  };
}

export interface BillingSite {
  readonly folder: string;
  readonly yard: ProcessYard;
  readonly postgres: ThrowawayPostgres;
  readonly database: ThrowawayDatabase;
  /** Of all workflows. */
  readonly bundle: string;
  readonly apiPort: number;
  readonly secrets: ReturnType<typeof newSecrets>;
}

function newSecrets() {
  const secret = () => randomBytes(24).toString('hex');
  const keyring = () => JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } });
  return {
    adminToken: secret(),
    linkSecret: secret(),
    webhookSecret: secret(),
    masterKeys: keyring(),
    payloadKeys: keyring(),
  };
}

async function startStripe({ folder, yard, apiPort, secrets }: BillingSite): Promise<Served> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PORT: String(port),
    FAKE_STRIPE_DATA_DIR: join(folder, 'stripe'),
    FAKE_STRIPE_WEBHOOK_URL: `http://127.0.0.1:${apiPort}/webhooks/stripe`,
    FAKE_STRIPE_WEBHOOK_SECRET: secrets.webhookSecret,
  };
  const process = yard.keep(ours('stripe', 'test/support/fake-stripe/main.ts', env, NEIGHBOUR_AWAY_MS));
  await answers(`${url}/livez`);
  return { url, process };
}

async function startInbox({ folder, yard }: BillingSite): Promise<Served & { readonly smtpUrl: string }> {
  const [port, smtpPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const env = { PORT: String(port), SMTP_PORT: String(smtpPort), INBOX_DATA_DIR: join(folder, 'inbox') };
  const process = yard.keep(ours('inbox', 'test/support/smtp-inbox/main.ts', env, NEIGHBOUR_AWAY_MS));
  await answers(`${url}/livez`);
  return { url, smtpUrl: `smtp://127.0.0.1:${smtpPort}`, process };
}

interface Neighbours {
  readonly stripe: Served;
  readonly inbox: { readonly smtpUrl: string };
  readonly temporal: Served;
}

/** Of gateway and workers. */
function environmentOf(
  { folder, database, bundle, apiPort, secrets }: BillingSite,
  { stripe, inbox, temporal }: Neighbours,
): NodeJS.ProcessEnv {
  return {
    GATEWAY_PROCESSES: '1',
    DATABASE_URL: database.urlFor('gateway'),
    DATABASE_URL_WORKER: database.urlFor('worker'),
    DATABASE_URL_MEMBERS: database.urlFor('members'),
    TOLLGATE_ADMIN_TOKEN: secrets.adminToken,
    TOLLGATE_LINK_SECRET: secrets.linkSecret,
    TOLLGATE_MASTER_KEYS: secrets.masterKeys,
    TOLLGATE_PAYLOAD_KEYS: secrets.payloadKeys,
    TOLLGATE_JOURNAL_DIR: join(folder, 'journal'),
    TOLLGATE_PUBLIC_URL: `http://127.0.0.1:${apiPort}`,
    TOLLGATE_DEMO_CLOCK: '1',
    STRIPE_API_BASE: stripe.url,
    STRIPE_SECRET_KEY: 'sk_test_chaos',
    STRIPE_WEBHOOK_SECRET: secrets.webhookSecret,
    TEMPORAL_ADDRESS: temporal.url,
    TEMPORAL_NAMESPACE,
    TOLLGATE_WORKFLOW_BUNDLE: bundle,
    SMTP_URL: inbox.smtpUrl,
    MAIL_FROM: 'Tollgate <billing@tollgate.example>',
    MAIL_STAFF: 'staff@tollgate.example',
  };
}
