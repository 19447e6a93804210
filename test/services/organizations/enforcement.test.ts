// A stage that follows from debts is written once per change, told to gateways in that very transaction, and leaves a record that the
// ledger's own numbers can be compared with.
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import type { Stage } from '../../../domain/overdue-policy.ts';
import { applyEnforcement } from '../../../services/organizations/enforcement.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { type Customer, issueGrant, newCustomer, oneRow } from '../../support/bare-gateway.ts';
import { PAY_INVOICE, putUnder } from '../../support/overdue.ts';
import { ownDatabase } from '../../support/own-database.ts';

const OTHER_INVOICE = '0193f000-0000-7000-8000-0000000000ab';
const { database, admin } = await ownDatabase();
const worker = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 2, statementTimeoutMs: 10_000 });
afterAll(() => worker.end());

let customer: Customer;

beforeEach(async () => {
  customer = await newCustomer(admin, []);
  await admin.query('delete from config_changes');
});

interface Standing {
  readonly stage: Stage;
  readonly seq: number;
  readonly payInvoiceId: string | null;
}

const standing = () =>
  oneRow<Standing>(
    admin,
    `select overdue_stage as stage, enforcement_seq::integer as seq, pay_invoice_id as "payInvoiceId" from organizations where id = $1`,
    [customer.orgId],
  );

/** What gateways are told about the organization, by its kind. */
async function told(): Promise<string[]> {
  const { rows } = await admin.query<{ kind: string }>(
    'select kind from config_changes where target_id = $1 order by id',
    [customer.orgId],
  );
  await admin.query('delete from config_changes');
  return rows.map(({ kind }) => kind);
}

test('each change of the stage counts one, and what is stricter recalls what was leased', async () => {
  const steps: unknown[] = [];
  for (const stage of ['limited', 'stopped', 'limited', 'none', 'stopped'] as const) {
    expect(await putUnder(worker, customer.orgId, stage)).toBe(true);
    steps.push([(await standing()).seq, stage, ...(await told())]);
  }

  expect(steps).toEqual([
    [1, 'limited', 'organization', 'recall'],
    [2, 'stopped', 'organization', 'recall'],
    [3, 'limited', 'organization'],
    [4, 'none', 'organization'],
    [5, 'stopped', 'organization', 'recall'],
  ]);
});

test('what is so already changes nothing and is told to nobody', async () => {
  await putUnder(worker, customer.orgId, 'limited');
  await told();

  expect(await putUnder(worker, customer.orgId, 'limited')).toBe(false);

  expect([await standing(), await told()]).toEqual([{ stage: 'limited', seq: 1, payInvoiceId: PAY_INVOICE }, []]);
});

test('another pay link is told to gateways and is no change of the stage', async () => {
  await putUnder(worker, customer.orgId, 'limited');
  await told();

  expect(await putUnder(worker, customer.orgId, 'limited', OTHER_INVOICE)).toBe(true);

  expect([await standing(), await told()]).toEqual([
    { stage: 'limited', seq: 1, payInvoiceId: OTHER_INVOICE },
    ['organization'],
  ]);
});

test('nobody hears of a stage whose transaction was rolled back', async () => {
  const tx = await worker.connect();
  await tx.query('begin');
  expect(await applyEnforcement(tx, customer.orgId, { stage: 'stopped', payInvoiceId: null })).toBe(true);
  await tx.query('rollback');
  tx.release();

  expect([await standing(), await told()]).toEqual([{ stage: 'none', seq: 0, payInvoiceId: null }, []]);
});

test('a change stands between the ledger transactions before it and those after it (D49)', async () => {
  await issueGrant(admin, customer.orgId, { usd: '1' });
  await putUnder(worker, customer.orgId, 'limited');
  await issueGrant(admin, customer.orgId, { usd: '1' });
  await putUnder(worker, customer.orgId, 'none');

  const { rows } = await admin.query<{ what: string }>(
    `select 'grant' as what, id as number from ledger_transactions t
      where exists (select from ledger_entries e where e.transaction_id = t.id and e.org_id = $1)
     union all
     select stage, ledger_number from enforcement_changes where org_id = $1 order by number`,
    [customer.orgId],
  );

  expect(rows.map(({ what }) => what)).toEqual(['grant', 'limited', 'grant', 'none']);
});

test('a stage cannot change unrecorded: without a new number PostgreSQL refuses it', async () => {
  await putUnder(worker, customer.orgId, 'limited');

  const unnumbered = admin.query(`update organizations set overdue_stage = 'none' where id = $1`, [customer.orgId]);

  await expect(unnumbered).rejects.toMatchObject({ constraint: 'enforcement_changes_pkey' });
});
