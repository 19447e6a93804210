// What our staff asks about one customer costs what that customer has, however many others there are.
import { beforeAll, expect, test } from '@jest/globals';
import type { PoolClient } from 'pg';
import { findCustomers } from '../../../services/customers/search.ts';
import { timeline } from '../../../services/customers/timeline.ts';
import { ownDatabase } from '../../support/own-database.ts';

const MANY = 5_000;
const idOf = (n: number, kind: number) => `${kind}0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const sqlId = (kind: number, n = 'n') => `('${kind}0000000-0000-4000-8000-' || lpad((${n})::text, 12, '0'))::uuid`;

const { admin } = await ownDatabase();

beforeAll(async () => {
  const crowd = await admin.connect();
  // Neither triggers nor references: only how much there is matters here.
  await crowd.query('set session_replication_role = replica');
  for (const rows of [
    `organizations (id, name) select ${sqlId(1)}, 'Customer ' || n`,
    `persons (id, email, name) select ${sqlId(2)}, 'person-' || n || '@example.com', 'Person'`,
    `memberships (org_id, person_id, role) select ${sqlId(1)}, ${sqlId(2)}, 'owner'`,
    `api_keys (id, org_id, project_id, name, digest, prefix, last_four)
       select ${sqlId(3)}, ${sqlId(1)}, ${sqlId(3)}, 'key', sha256(n::text::bytea), 'sk-tg-' || lpad(to_hex(n % 65536), 4, '0'), '0000'`,
    `usage_records (request_id, org_id, project_id, api_key_id, incarnation_id, model_id, dialect, streamed, price_version_id, meters, usage_source,
         rated_nano, due_nano, charge_nano, outcome, admitted_at)
       select ${sqlId(4)}, ${sqlId(1)}, ${sqlId(3)}, ${sqlId(3)}, ${sqlId(3)}, 'm', 'openai', false, ${sqlId(3)}, '{}', 'provider', 0, 0, 0, 'complete', now()`,
    `payments (id, org_id, purpose, pack, amount_cents, credit_nano, stripe_payment_intent, requested_by)
       select ${sqlId(5)}, ${sqlId(1)}, 'pack', 'pack_10', 1000, 10000000000, 'pi_' || n, 'test'`,
    `invoices (id, org_id, kind, name, amount_cents) select ${sqlId(6)}, ${sqlId(1)}, 'usage', '2026-01', 1000`,
    `usage_invoices (invoice_id, year, number_in_year, usage_nano, rounding_nano, lines, bill_to, transaction_id)
       select ${sqlId(6)}, 2026, n, 1, 0, '[]', '{}', n`,
    `notifications (id, event_key, org_id, kind, recipient, locale, facts) select ${sqlId(7)}, n::text, ${sqlId(1)}, 'receipt', 'a@example.com', 'en', '{}'`,
    `audit_log (actor, action, target_kind, target_id, org_id, seq, hash) select 'test', 'organization.changed', 'organization', n::text, ${sqlId(1)}, n, 'x'`,
    `charge_attempts (payment_id, number, try) select ${sqlId(5)}, 1, 1`,
    `refunds (id, payment_id, amount_cents, transaction_id, requested_by) select ${sqlId(8)}, ${sqlId(5)}, 1, n, 'test'`,
    `dunnings (invoice_id, org_id, policy, state, revision) select ${sqlId(6)}, ${sqlId(1)}, 'postpaid', '{}', 1`,
    `enforcement_changes (org_id, seq, stage, ledger_number) select ${sqlId(1)}, 1, 'limited', n`,
    `plan_changes (org_id, ledger_number) select ${sqlId(1)}, n`,
    `subscriptions (id, org_id, phase, plan_version_id, state, revision) select ${sqlId(9)}, ${sqlId(1)}, 'active', 'pro-1', '{}', 1`,
  ])
    await crowd.query(`insert into ${rows} from generate_series(1, ${MANY}) n`);
  crowd.release(true);
  await admin.query('analyze');
}, 120_000);

/** Of all tables, how many rows were read by reading a table from its beginning. */
async function rowsReadInOrder(work: (client: PoolClient) => Promise<unknown>): Promise<number> {
  const client = await admin.connect();
  // Of this connection, whose own counters can be read at once.
  const read = async () => {
    await client.query('select pg_stat_force_next_flush()');
    const { rows } = await client.query<{ sum: string }>(
      'select sum(seq_tup_read)::text as sum from pg_stat_user_tables',
    );
    return Number(rows[0]?.sum);
  };
  try {
    const before = await read();
    await work(client);
    return (await read()) - before;
  } finally {
    client.release();
  }
}

test.each([
  ['the beginning of a name', 'customer 477', 'name', 11],
  ['the beginning of a mail address', 'person-4777@', 'member_mail', 1],
  ['the prefix of a key', 'sk-tg-00ff', 'api_key', 1],
  ['a whole key, of which its prefix is looked up', `sk-tg-00ff${'a'.repeat(45)}`, 'api_key', 1],
  ['the id of a request', idOf(4_777, 4), 'request', 1],
  ['the id of a payment', idOf(4_777, 5), 'payment', 1],
  ['a payment intent of Stripe', 'pi_4777', 'payment', 1],
  ['the id of an invoice', idOf(4_777, 6), 'invoice', 1],
  ['the number of an invoice', '2026-004777', 'invoice', 1],
])('%s finds its customer among 5,000, and no table is read', async (_, find, foundBy, hits) => {
  const found: string[] = [];

  const read = await rowsReadInOrder(async (client) => {
    const { data } = await findCustomers(client, find);
    found.push(...data.map((one) => one.foundBy));
  });

  expect(found).toEqual(Array.from({ length: hits }, () => foundBy));
  expect(read).toBeLessThan(100);
});

test('what begins like half of the installation finds twenty, and says that there are more', async () => {
  const answer: { count: number; hasMore: boolean }[] = [];

  const read = await rowsReadInOrder(async (client) => {
    const { data, hasMore } = await findCustomers(client, 'customer');
    answer.push({ count: data.length, hasMore });
  });

  expect(answer).toEqual([{ count: 20, hasMore: true }]);
  expect(read).toBeLessThan(100);
});

test('the time line of one of 5,000 tells of that one, and no table is read', async () => {
  const kinds: string[] = [];

  const read = await rowsReadInOrder(async (client) => {
    kinds.push(...(await timeline(client, idOf(4_777, 1), null, 50)).map(({ kind }) => kind));
  });

  expect(kinds.sort()).toEqual(
    [
      'attempt',
      'audit',
      'dunning',
      'enforcement',
      'invoice',
      'mail',
      'payment',
      'plan',
      'refund',
      'subscription',
    ].sort(),
  );
  expect(read).toBeLessThan(100);
});
