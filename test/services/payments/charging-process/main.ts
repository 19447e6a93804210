// A process that asks for the money of a bill, to be killed while it does.
import { askForCharge } from '../../../../services/payments/charges.ts';
import { StripeApi } from '../../../../services/payments/stripe-api.ts';
import { createPool } from '../../../../services/platform/postgres.ts';

const [databaseUrl = '', apiBase = '', billId = ''] = process.argv.slice(2);
const db = createPool(databaseUrl, { name: 'charging', maxConnections: 2, statementTimeoutMs: 10_000 });
const stripe = new StripeApi(
  { apiBase, secretKey: 'sk_test_charging', webhookSecret: 'whsec_charging' },
  async () => {},
);
await askForCharge({ db, stripe }, billId, 1);
await db.end();
