// A process that tells Stripe's tax reports what is due, to be killed while it does.
import { StripeApi } from '../../../../services/payments/stripe-api.ts';
import { createPool } from '../../../../services/platform/postgres.ts';
import { reportTaxes } from '../../../../services/taxes/tax-reports.ts';

const [databaseUrl = '', apiBase = ''] = process.argv.slice(2);
const db = createPool(databaseUrl, { name: 'reporting', maxConnections: 2, statementTimeoutMs: 10_000 });
const stripe = new StripeApi(
  { apiBase, secretKey: 'sk_test_reporting', webhookSecret: 'whsec_reporting' },
  async () => {},
);
await reportTaxes(db, stripe);
await db.end();
