// A record that does not fit its lease is settled by a second statement. Whoever dies between the two has settled nothing of it.
import { expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import { newId } from '../../../services/platform/ids.ts';
import { newCustomer, oneRow, openBareGateway, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';

const { database, admin } = await ownDatabase();

test('between the two statements of a settlement beyond its lease nothing of it stands, after both everything does once', async () => {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '0.1');
  const { usage, attempts } = rowsOf(customer, reservation.lease.id, nano(950_000_000), newId());
  const settling = [gateway.incarnation.id, JSON.stringify([usage]), JSON.stringify(attempts)];
  const books = () =>
    oneRow(
      admin,
      `select (select count(*)::integer from usage_records u where u.request_id = $1) as records,
              (select count(*)::integer from attempts a where a.request_id = $1) as attempts,
              (select count(*)::integer from ledger_entries e where e.account = 'upstream_cost') as costs,
              (select b.balance_nano from balance_of($2) b) as balance`,
      [usage.request_id, customer.orgId],
    );

  const first = await oneRow(admin, 'select result from settle_batch($1, false, $2, $3)', settling);
  expect(first).toEqual({ result: 'beyond' });
  expect(await books()).toEqual({ records: 0, attempts: 0, costs: 0, balance: '1000000000' });

  await admin.query('select settle_beyond($1, false, $2, $3)', settling);
  await admin.query('select settle_beyond($1, false, $2, $3)', settling);
  expect(await books()).toEqual({ records: 1, attempts: 1, costs: 1, balance: '50000000' });

  gateway.leases.release(reservation);
  await gateway.close();
});
