// With fewer seats the newest members wait, with more they are back, and what a person has decided about a member stands (M28).
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Client } from 'pg';
import { until } from '../../support/until.ts';
import { people } from './organization.ts';

const { admin, change, haveSeats, join, newOrganization, statuses } = await people();

test('M28: after a downgrade from Team to Pro seats 2 to 5 are suspended, and each comes back in its turn', async () => {
  const orgId = await newOrganization(5);
  const [, second = '', third = '', ...rest] = await join(orgId, 'owner', 'admin', 'billing', 'developer', 'developer');

  const downgraded = await haveSeats(orgId, 1);
  expect([new Set(downgraded.suspended), downgraded.restored]).toEqual([new Set([second, third, ...rest]), []]);
  expect(await statuses(orgId)).toEqual(['active', 'suspended', 'suspended', 'suspended', 'suspended']);

  expect((await haveSeats(orgId, 3)).restored.sort()).toEqual([second, third].sort());
  expect((await haveSeats(orgId, 5)).restored.sort()).toEqual(rest.sort());
  expect(await statuses(orgId)).toEqual(['active', 'active', 'active', 'active', 'active']);
});

test('whatever seats come and go, who is active are the owners and then the oldest, as many as there are seats', async () => {
  const roles = ['owner', 'developer', 'developer', 'owner', 'admin', 'owner'] as const;
  const places = [0, 3, 5, 1, 2, 4];
  const seats = fc.array(fc.option(fc.integer({ min: 1, max: 7 }), { nil: null }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(seats, async (plans) => {
      const orgId = await newOrganization(null);
      await join(orgId, ...roles);

      for (const one of plans) await haveSeats(orgId, one);

      const seated = places.slice(0, plans.at(-1) ?? roles.length);
      expect(await statuses(orgId)).toEqual(roles.map((_, at) => (seated.includes(at) ? 'active' : 'suspended')));
    }),
    { numRuns: 20 },
  );
});

test('whom a person suspended or removed is not restored by seats, nor does he keep one', async () => {
  const orgId = await newOrganization(4);
  const [, suspended = '', removed = '', waiting = ''] = await join(
    orgId,
    'owner',
    'developer',
    'developer',
    'developer',
  );
  await change(orgId, suspended, { status: 'suspended' });
  await haveSeats(orgId, 1);
  await change(orgId, removed, { status: 'removed' });
  await change(orgId, waiting, { role: 'billing' });

  expect((await haveSeats(orgId, null)).restored).toEqual([waiting]);

  await haveSeats(orgId, 1);
  await change(orgId, waiting, { status: 'suspended' });
  expect((await haveSeats(orgId, null)).restored).toEqual([]);
  expect(await statuses(orgId)).toEqual(['active', 'suspended', 'removed', 'suspended']);
});

test('a seat that somebody leaves goes to whoever waits for one', async () => {
  const orgId = await newOrganization(4);
  const [, second = '', third = ''] = await join(orgId, 'owner', 'developer', 'developer', 'developer');
  await haveSeats(orgId, 2);

  await change(orgId, second, { status: 'removed' });
  expect(await statuses(orgId)).toEqual(['active', 'removed', 'active', 'suspended']);

  await change(orgId, third, { status: 'suspended' });
  expect(await statuses(orgId)).toEqual(['active', 'removed', 'suspended', 'active']);
});

test('gateways are told of a member who is suspended or restored, and not of one whose role is changed', async () => {
  const orgId = await newOrganization(2);
  const [, personId = ''] = await join(orgId, 'owner', 'developer');
  const gateway = new Client({ connectionString: admin.options.connectionString });
  const told: (string | undefined)[] = [];
  gateway.on('notification', ({ payload }) => told.push(payload));
  await gateway.connect();
  await gateway.query('listen tollgate_config');

  await change(orgId, personId, { role: 'admin' });
  await haveSeats(orgId, 1);
  await haveSeats(orgId, 2);
  await until(() => told.length === 2);
  await gateway.end();

  expect(told).toEqual([`member:${personId}`, `member:${personId}`]);
  const { rowCount } = await admin.query(`select from config_changes where kind = 'member' and target_id = $1`, [
    personId,
  ]);
  expect(rowCount).toBe(2);
});
