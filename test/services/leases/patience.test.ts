// A customer does not wait for a slow PostgreSQL; what PostgreSQL brings late is not thrown away (D16).
import { expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import { newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const { database, admin } = await ownDatabase();

test('a request gives up before its lease transaction does, and the next one of its key is served from what that brought', async () => {
  const customer = await newCustomer(admin, [{ usd: '10' }]);
  const gateway = await openBareGateway(database);
  const slow = await admin.connect();
  await slow.query('begin');
  await slow.query('select from organizations where id = $1 for update', [customer.orgId]);

  await expect(gateway.hold(customer, '1')).rejects.toMatchObject({ code: 'service_unavailable' });
  await slow.query('commit');
  slow.release();
  await until(() => gateway.leases.snapshot().freeNano > 0n);

  const one = nano('1000000000');
  const reservation = gateway.leases.reserve(customer, { floor: one, preferred: one, wish: one });
  expect(reservation?.amount).toBe(one);
  if (reservation !== null) gateway.leases.release(reservation);
  await gateway.close();
});
