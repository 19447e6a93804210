// Credit that expires is lost only as far as its owner owes nothing: nobody loses credit and owes all the same.
import { expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import { expireGrants } from '../../../services/grants/grants.ts';
import { settleBatch } from '../../../services/ledger/settle-batch.ts';
import { newId } from '../../../services/platform/ids.ts';
import { newCustomer, oneRow, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';

const { admin } = await ownDatabase();

test('what expires first pays what its owner came to owe after its end, and the rest of it alone is lost', async () => {
  const customer = await newCustomer(admin, [{ usd: '1', expiresIn: '1 hour' }]);
  const [incarnationId, leaseId] = [newId(), newId()];
  await admin.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'here', 1, '1', '/')`,
    [incarnationId],
  );
  await admin.query('select from take_credit($1, $2, $3, 100000000, 100000000, 100000000)', [
    incarnationId,
    leaseId,
    customer.id,
  ]);
  await admin.query(`select advance_billing_clock(now() + interval '2 hours')`);
  const client = await admin.connect();
  await settleBatch(client, incarnationId, false, [rowsOf(customer, leaseId, nano(140_000_000), newId())]);
  client.release();
  expect(await books(customer.orgId)).toEqual({ owed: '40000000', lost: '0', balance: '-40000000' });

  await expireGrants(admin);
  await expireGrants(admin);

  expect(await books(customer.orgId)).toEqual({ owed: '0', lost: '860000000', balance: '0' });
});

function books(orgId: string): Promise<object> {
  return oneRow(
    admin,
    `select o.overdraft_nano as owed, b.balance_nano as balance,
            (select coalesce(-sum(e.amount_nano), 0)::text from ledger_entries e where e.org_id = $1 and e.account = 'breakage') as lost
       from organizations o, balance_of($1) b where o.id = $1`,
    [orgId],
  );
}
