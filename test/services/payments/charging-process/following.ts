// A process that follows what Stripe has told of and sends back what must go back, to be killed while it does.
import { sendRefunds } from '../../../../services/payments/refunds.ts';
import { StripeApi } from '../../../../services/payments/stripe-api.ts';
import { StripeInbox } from '../../../../services/payments/stripe-inbox.ts';
import { createLog } from '../../../../services/platform/log.ts';
import { createPool } from '../../../../services/platform/postgres.ts';

const [databaseUrl = '', apiBase = ''] = process.argv.slice(2);
const db = createPool(databaseUrl, { name: 'following', maxConnections: 3, statementTimeoutMs: 10_000 });
const stripe = new StripeApi(
  { apiBase, secretKey: 'sk_test_following', webhookSecret: 'whsec_following' },
  async () => {},
);
const inbox = new StripeInbox(db, stripe, createLog({ name: 'following', level: 'silent' }), async () => {});
await inbox.processDue();
await sendRefunds(db, stripe);
await db.end();
