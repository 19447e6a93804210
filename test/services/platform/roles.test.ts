// What a stolen database login can do (R-DB-1): the ledger is append-only for everybody, its owner too, the processes move money
// through functions alone, and no session keeps others waiting for long.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Pool } from 'pg';
import { newCustomer, oneRow, openBareGateway } from '../../support/bare-gateway.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';

const LOGINS = ['gateway', 'worker', 'readonly'] as const;
type Role = (typeof LOGINS)[number] | 'owner';
const ROLES: readonly Role[] = [...LOGINS, 'owner'];

const APPEND_ONLY = [
  'ledger_transactions',
  'ledger_entries',
  'usage_records',
  'credit_grants',
  'ops_losses',
  'enforcement_changes',
  'price_versions',
  'audit_log',
  'audit_anchors',
  'process_commands',
] as const;
/** Balances, leases and what they are cut from change, but by functions only. */
const MONEY = [
  ...APPEND_ONLY.slice(0, 6),
  'grant_balances',
  'leases',
  'lease_slices',
  'cap_usage',
  'attempts',
  'settlement_quarantine',
  'settlement_conflicts',
] as const;

const DENIED = '42501';
const REFUSED = '23001';

let postgres: ThrowawayPostgres;
let pools: Readonly<Record<Role, Pool>>;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  const pool = (connectionString: string) => new Pool({ connectionString });
  const [gateway, worker, readonly] = LOGINS.map((login) => pool(database.urlFor(login))) as [Pool, Pool, Pool];
  pools = { gateway, worker, readonly, owner: pool(database.url) };
  await fillEveryTable(database);
});
afterAll(async () => {
  await Promise.all(Object.values(pools).map((pool) => pool.end()));
  await postgres.stop();
});

/** So that there is something to change. */
async function fillEveryTable(database: ThrowawayDatabase): Promise<void> {
  const customer = await newCustomer(pools.owner, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  await gateway.settle(customer, await gateway.hold(customer, '0.1'), '0.1');
  await gateway.close();
  await pools.owner.query(`
    insert into ops_losses values ('${customer.orgId}', 1, 'late', 1, 1);
    update organizations set overdue_stage = 'limited', enforcement_seq = 1 where id = '${customer.orgId}';
    insert into audit_log (actor, action, target_kind, target_id) values ('t', 't', 't', 't');
    insert into audit_anchors values (1, 't');
    insert into process_commands values ('t', '${customer.orgId}', 't', 't', 't', '{}');
    insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token)
      values ('m', 'm', 'm', 'chat', 1, 1, 1);
    insert into price_versions (model_id, side, price, effective_at, source, created_by)
      values ('m', 'cost', '{}', now(), 't', 't')`);
}

/** The SQLSTATE it ends in; null: it was done. */
async function outcomeOf(role: Role, sql: string): Promise<string | null> {
  try {
    await pools[role].query(sql);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}

test.each(ROLES)(
  'the role %s can neither change nor delete what was written into an append-only table',
  async (role) => {
    const expected = role === 'owner' ? REFUSED : DENIED;
    for (const table of APPEND_ONLY) {
      const { column } = await oneRow<{ column: string }>(
        pools.owner,
        `select column_name as column from information_schema.columns
        where table_name = $1 and is_identity = 'NO' order by ordinal_position limit 1`,
        [table],
      );
      for (const sql of [`update ${table} set ${column} = ${column}`, `delete from ${table}`]) {
        expect([sql, await outcomeOf(role, sql)]).toEqual([sql, expected]);
      }
      expect([table, await outcomeOf(role, `truncate ${table} cascade`)]).toEqual([table, expected]);
    }
  },
);

test.each(['gateway', 'worker', 'readonly'] as const)(
  'the role %s writes no table of money but by the functions',
  async (role) => {
    for (const table of MONEY) {
      for (const right of ['insert', 'update', 'delete', 'truncate']) {
        const { granted } = await oneRow<{ granted: boolean }>(
          pools.owner,
          'select has_table_privilege($1, $2, $3) as granted',
          [`tollgate_${role}`, table, right],
        );
        expect([table, right, granted]).toEqual([table, right, false]);
      }
    }
  },
);

/** Columns of each table that say who somebody is, where he is reached and from where he came. */
const PERSONAL = {
  persons: ['email', 'name', 'locale', 'time_zone'],
  'auth.accounts': ['id', 'password_hash'],
  'auth.sessions': ['id', 'id_hash', 'client_address'],
  'auth.sign_ups': ['id', 'email', 'password_hash'],
  'auth.known_places': ['place'],
  'auth.attempts': ['subject'],
  billing_details: ['legal_name', 'address', 'tax_id', 'po_number', 'billing_email'],
  audit_log: ['client_address'],
};

test('who somebody is the worker alone reads; the read-only role sees ids, roles and status', async () => {
  for (const [table, columns] of Object.entries(PERSONAL)) {
    for (const column of columns) {
      const sql = `select ${column} from ${table}`;
      const outcomes = [outcomeOf('gateway', sql), outcomeOf('readonly', sql), outcomeOf('worker', sql)];
      expect([sql, ...(await Promise.all(outcomes))]).toEqual([sql, DENIED, DENIED, null]);
    }
  }
  expect(await outcomeOf('readonly', 'select id, email_verified_at from persons')).toBeNull();
  expect(await outcomeOf('readonly', 'select org_id, person_id, role, status from memberships')).toBeNull();
  expect(await outcomeOf('gateway', 'select org_id, person_id, status from memberships')).toBeNull();
});

test.each([
  ['gateway', '10s', '30s', '30s'],
  ['worker', '30s', '2min', '1min'],
  ['readonly', '5s', '5min', '5min'],
] as const)(
  'a session of the role %s waits %s for a lock, runs %s and idles %s in a transaction at most',
  async (role, ...limits) => {
    const { rows } = await pools[role].query(
      `select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
            current_setting('idle_in_transaction_session_timeout') as idle`,
    );
    const [lock, statement, idle] = limits;
    expect(rows).toEqual([{ lock, statement, idle }]);
  },
);
