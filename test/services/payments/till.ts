// Where payments are taken, without HTTP of our own: the services over a real PostgreSQL and the fake Stripe as a process. Events reach
// the inbox by the hands of the test.
import { afterAll } from '@jest/globals';
import type { Pool } from 'pg';
import type Stripe from 'stripe';
import type { PackId } from '../../../domain/plans.ts';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import type { OnCard } from '../../../services/payments/cards.ts';
import { type CheckoutPlace, openCheckout } from '../../../services/payments/checkouts.ts';
import { type Recorded, recordPayment } from '../../../services/payments/payments.ts';
import { packPurchase } from '../../../services/payments/purchases.ts';
import { StripeApi, type StripeEvent } from '../../../services/payments/stripe-api.ts';
import { StripeInbox } from '../../../services/payments/stripe-inbox.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createLog } from '../../../services/platform/log.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { client, ledgerOf, submit } from '../../fake-stripe/stripe-client.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { startStripeProcess } from '../../support/stripe-process.ts';
import type { ThrowawayDatabase } from '../../support/throwaway-postgres.ts';

export interface Till extends CheckoutPlace {
  readonly database: ThrowawayDatabase;
  /** As superuser. */
  readonly admin: Pool;
  readonly stripeUrl: string;
  /** Stripe as anybody else may ask it. */
  readonly sdk: Stripe;
  newInbox(onCard?: OnCard): StripeInbox;
  /** In a transaction of its own. */
  record(paymentIntent: string): Promise<Recorded>;
  newOrganization(): Promise<string>;
  /** Somebody opens the page of Stripe and pays. */
  pay(orgId: string, pack: PackId, card?: string): Promise<{ paymentId: string; paymentIntent: string }>;
  /** All that Stripe would tell of. */
  events(): Promise<StripeEvent[]>;
  grantsOf(orgId: string): Promise<{ source: string; amount: string; paidCents: number; ends: string | null }[]>;
  /** Nano, by account, of what payments have moved. */
  booked(): Promise<Record<string, string>>;
  /** What the verifier finds, and whether Stripe took what the books say. */
  differences(): Promise<string[]>;
}

export async function openTill(): Promise<Till> {
  const { database, admin } = await ownDatabase();
  const fake = await startStripeProcess();
  const db = createPool(database.urlFor('worker'), { name: 'till', maxConnections: 12, statementTimeoutMs: 10_000 });
  const stripe = new StripeApi(
    { apiBase: fake.url, secretKey: 'sk_test_till', webhookSecret: 'whsec_till' },
    async () => {},
  );
  const log = createLog({ name: 'till', level: 'silent' });
  afterAll(async () => {
    await db.end();
    await fake.close();
  });
  const till: Till = {
    ...{ db, database, admin, stripe, publicUrl: 'http://127.0.0.1', stripeUrl: fake.url, sdk: client(fake.url) },
    newInbox: (onCard = async () => {}) => new StripeInbox(db, stripe, log, onCard),
    record: (intent) => inTransaction(db, (tx) => recordPayment(tx, stripe, intent, { actor: 'test' })),
    async newOrganization() {
      const orgId = newId();
      await admin.query('insert into organizations (id, name) values ($1, $2)', [orgId, `customer ${orgId}`]);
      return orgId;
    },
    async pay(orgId, pack, card = 'pm_card_visa') {
      const { url, paymentId } = await openCheckout(till, packPurchase(orgId, pack, 'test'));
      const { status } = await submit(url, { payment_method: card });
      if (status !== 303) throw new Error(`the page answered ${status}`);
      const session = await till.sdk.checkout.sessions.retrieve(url.slice(url.lastIndexOf('/') + 1));
      return { paymentId, paymentIntent: String(session.payment_intent) };
    },
    async events() {
      const events: StripeEvent[] = [];
      for await (const page of stripe.eventsSince(null)) events.push(...page);
      return events;
    },
    async grantsOf(orgId) {
      const { rows } = await admin.query(
        `select source, amount_nano::text as amount, paid_cents as "paidCents", (expires_at - effective_at)::text as ends
           from credit_grants where org_id = $1 order by source`,
        [orgId],
      );
      return rows;
    },
    async booked() {
      const { rows } = await admin.query<{ account: string; total: string }>(
        `select e.account, sum(e.amount_nano)::text as total
           from ledger_entries e join ledger_transactions t on t.id = e.transaction_id and t.kind in ('payment', 'refund', 'reversal') group by e.account`,
      );
      return Object.fromEntries(rows.map(({ account, total }) => [account, total]));
    },
    async differences() {
      const { checks } = await verifyLedger(db);
      const captured = Object.values(await ledgerOf(fake.url)).reduce(
        (sum, one) => sum + one.captured - one.refunded,
        0,
      );
      const { stripe_clearing: cleared = '0' } = await till.booked();
      // What the hand of a test settles was rated by no price.
      const found = checks.filter(({ ok, id }) => !ok && id !== 'rated').map(({ id }) => id);
      return BigInt(cleared) === BigInt(captured) * 10_000_000n
        ? found
        : [...found, `clearing ${cleared}, captured ${captured}`];
    },
  };
  return till;
}
