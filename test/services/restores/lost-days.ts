// Days of billing that a restored database has forgotten: the services over a real PostgreSQL, the fake Stripe and a backup taken in their middle.
// Its clock and that of billing go together, and whoever has something due is looked at by the hand of the test, as a worker would.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { Client, type Pool } from 'pg';
import { takeBackup } from '../../../services/backups/take-backup.ts';
import { OF_TIMELINESS, verifyLedger } from '../../../services/ledger/verifier.ts';
import { answerCardAsk } from '../../../services/payments/card-asks.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { refundUnusedPack, sendRefunds } from '../../../services/payments/refunds.ts';
import { StripeApi } from '../../../services/payments/stripe-api.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { unlessHeld } from '../../../services/restores/billing-holds.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { lockedAutoTopUp, setAutoTopUp, TopUps } from '../../../services/top-ups/top-ups.ts';
import { control, ledgerOf } from '../../fake-stripe/stripe-client.ts';
import { readBillingBooks } from '../../oracle/billing/billing-books.ts';
import { judgeCharges } from '../../oracle/billing/judge-charges.ts';
import { judgeDeferred } from '../../oracle/billing/judge-deferred.ts';
import { judgePeriods } from '../../oracle/billing/judge-periods.ts';
import { oneRow } from '../../support/bare-gateway.ts';
import { commandsOf, typed } from '../../support/operators-page.ts';
import type { ThrowawayTemporal } from '../../support/throwaway-temporal.ts';
import { keyringOf } from '../../support/worker-process.ts';
import { backupPlaceOf } from '../backups/backed-up-installation.ts';
import { billed } from '../payments/billed-customer.ts';
import { openTill, type Till } from '../payments/till.ts';

const ROOT = join(import.meta.dirname, '../../..');
const [RESTORE = '', RECONCILE = '', RECONCILE_RECOVERED = ''] = commandsOf('Restores');
const ADDRESS = 'postgres://postgres@<host>/<database>';

/** A database of the installation: the one that was lost, or what came of its backup. */
export interface Books {
  readonly url: string;
  /** As superuser. */
  readonly admin: Pool;
  /** As a worker. */
  readonly db: Pool;
  readonly stripe: StripeApi;
}

export interface LostDays extends Books {
  readonly till: Till;
  /** Of a customer who pays for his first month now. */
  subscribe(): Promise<string>;
  /** Both clocks, to so many hours from the beginning. */
  reach(books: Books, hours: number): Promise<void>;
  /** Everything that subscriptions ask for now is asked, once. */
  renew(books: Books): Promise<void>;
  /** From Pro to Team, at once. */
  upgrade(orgId: string): Promise<void>;
  /** A balance below 100 buys 25 more. */
  topUp(orgId: string): Promise<void>;
  refund(paymentId: string): Promise<void>;
  /** By the page's command, into a database of its own. */
  restored(object: string): Promise<Books>;
  /** By the page's commands, in the environment of a worker: what they said last. */
  reconciled(books: Books, temporal: ThrowawayTemporal, recoveredTo?: Date): Promise<string>;
  take(name: string): Promise<string>;
}

export async function openLostDays(): Promise<LostDays> {
  const opened: Books[] = [];
  afterAll(() => Promise.all(opened.flatMap(({ admin, db }) => [admin.end(), db.end()])));
  const till = await openTill();
  const { place, environment } = await backupPlaceOf(till.database, till.admin);
  const begunAtMs = Date.now();
  let customers = 0;
  const lost: Books = { url: till.database.url, admin: till.admin, db: till.db, stripe: till.stripe };
  return {
    ...lost,
    till,
    async subscribe() {
      customers += 1;
      // Each a card of his own: one and the same is asked no more than fifteen times a month.
      const { orgId, invoiceId } = await billed(till, `pm_card_visa~${customers}`);
      await askForCharge(till, invoiceId, 1);
      return orgId;
    },
    async reach({ admin }, hours) {
      const at = new Date(begunAtMs + hours * 3_600_000);
      await admin.query('select advance_billing_clock($1)', [at]);
      await control(till.stripeUrl, 'clock', { advance_to: at.toISOString() });
    },
    renew,
    async upgrade(orgId) {
      const { id } = await oneRow<{ id: string }>(till.admin, 'select id from subscriptions where org_id = $1', [
        orgId,
      ]);
      const told = { actor: 'test', reason: 'test', requestId: newId() };
      await new Subscriptions(till.db).command(id, { command: 'changePlan', plan: 'team', months: 1, ...told });
      await renew(lost);
    },
    async topUp(orgId) {
      const settings = { thresholdCents: 10_000, amountCents: 2_500, dailyCapCents: 2_500, monthlyCapCents: 2_500 };
      await inTransaction(till.db, async (tx) => setAutoTopUp(tx, await lockedAutoTopUp(tx, orgId), settings));
      for (const ask of (await new TopUps(till.db).tick(orgId)).asks) await answerCardAsk(till, ask);
    },
    async refund(paymentId) {
      await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
      await sendRefunds(till.db, till.stripe);
    },
    async take(name) {
      const { object } = await takeBackup(place, { name, run: newId() });
      return object;
    },
    async restored(object) {
      const name = `restored_${newId().slice(-12)}`;
      await till.admin.query(`create database ${name} template template0`);
      const urlFor = (url: string) => url.replace(/[^/]+$/, name);
      await typedWith(environment, RESTORE, { '<backup>': object, [ADDRESS]: urlFor(till.database.url) });
      const books = openBooks(urlFor(till.database.url), urlFor(till.database.urlFor('worker')), till);
      opened.push(books);
      return books;
    },
    reconciled({ url }, temporal, recoveredTo) {
      const worker = { ...environment, ...workerEnvironment(till, temporal) };
      const command = recoveredTo === undefined ? RECONCILE : RECONCILE_RECOVERED;
      return typedWith(worker, command, { '<time>': String(recoveredTo?.toISOString()), [ADDRESS]: url });
    },
  };
}

function workerEnvironment({ stripeUrl }: Till, { environment, namespace }: ThrowawayTemporal) {
  return {
    TEMPORAL_ADDRESS: environment.address,
    TEMPORAL_NAMESPACE: namespace,
    TOLLGATE_ADMIN_TOKEN: randomBytes(24).toString('hex'),
    TOLLGATE_LINK_SECRET: randomBytes(24).toString('hex'),
    TOLLGATE_PAYLOAD_KEYS: keyringOf(randomBytes(32).toString('base64')),
    STRIPE_API_BASE: stripeUrl,
    STRIPE_SECRET_KEY: 'sk_test_reconciling',
    STRIPE_WEBHOOK_SECRET: 'whsec_reconciling',
  };
}

/** The last line. */
async function typedWith(
  environment: Readonly<Record<string, string>>,
  command: string,
  blanks: Readonly<Record<string, string>>,
): Promise<string> {
  const set = Object.entries(environment).map(([name, value]) => `${name}='${value}'`);
  const filledIn = { 'npm run': `env ${set.join(' ')} npm --prefix '${ROOT}' run`, ...blanks };
  const surroundings = { temporalAddress: '127.0.0.1:7233', workerUrl: 'http://127.0.0.1:8083', filledIn };
  const said = await typed(command, surroundings).catch((error: { readonly stdout: string }) => {
    throw new Error(error.stdout);
  });
  return said.trim().split('\n').at(-1) ?? '';
}

function openBooks(url: string, workerUrl: string, { stripeUrl }: Till): Books {
  const size = { maxConnections: 8, statementTimeoutMs: 10_000 };
  const [admin, db] = [url, workerUrl].map((one) => createPool(one, { name: 'restored', ...size })) as [Pool, Pool];
  const settings = { apiBase: stripeUrl, secretKey: 'sk_test_restored', webhookSecret: 'whsec_restored' };
  return { url, admin, db, stripe: new StripeApi(settings, unlessHeld(db)) };
}

async function renew({ db, admin, stripe }: Books): Promise<void> {
  const { rows } = await admin.query<{ id: string }>(`select id from subscriptions where phase <> 'ended' order by id`);
  const subscriptions = new Subscriptions(db);
  for (const { id } of rows) {
    const { asks } = await subscriptions.tick(id);
    for (const ask of asks) await answerCardAsk({ db, stripe }, ask);
  }
}

/** What the verifier, and a judge that shares no code with us, find: between the books and what Stripe took. */
export async function differences({ admin, url }: Books, stripeUrl: string): Promise<string[]> {
  const { checks } = await verifyLedger(admin);
  const broken = checks
    .filter(({ ok, id }) => !ok && !OF_TIMELINESS.has(id))
    .map(({ id, examples }) => `${id}: ${examples.join('; ')}`);
  const client = new Client({ connectionString: url });
  await client.connect();
  const books = await readBillingBooks(client);
  await client.end();
  const captures = new Map(
    Object.entries(await ledgerOf(stripeUrl)).map(([intent, { captures: count, captured, refunded }]) => [
      intent,
      { captures: count, capturedCents: captured, refundedCents: refunded },
    ]),
  );
  const facts = {
    ...books,
    captures,
    taxReports: new Map(),
    mails: [],
    workflows: [],
    broken: [],
    stagesByRule: new Map(),
  };
  const judged = [...judgeCharges(facts), ...judgeDeferred(facts), ...judgePeriods(facts)];
  return [...broken, ...judged.map(({ kind, id, detail }) => `${kind} ${id}: ${detail}`)];
}
