// The split of a charge is the same whoever settles it, when, and with which others: in another grouping, by the replay of a dead gateway's
// journal, after its lease was closed, and by two batches at once.
import { afterAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Pool } from 'pg';
import { pino } from 'pino';
import { nano } from '../../../domain/nano.ts';
import { splitCharge } from '../../../domain/overage.ts';
import { recoverDeadGateways } from '../../../services/incarnations/recovery.ts';
import { newId } from '../../../services/platform/ids.ts';
import { type BareGateway, openBareGateway, rowsOf } from '../../support/bare-gateway.ts';
import { startThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { included, PlanDesk, pack, type Rows } from './plan-desk.ts';

const TEAM_PPM = 900_000;
const silent = pino({ level: 'silent' });

const postgres = await startThrowawayPostgres();
const database = await postgres.createDatabase();
const admin = new Pool({ connectionString: database.url });
afterAll(async () => {
  await admin.end();
  await postgres.stop();
});
const desk = new PlanDesk(admin);

const amounts = fc.array(fc.bigInt({ min: 0n, max: 40_000_000n }), { minLength: 1, maxLength: 12 });

test('in whatever grouping its requests are settled, an organization pays the same, and what the split says', async () => {
  await fc.assert(
    fc.asyncProperty(
      amounts,
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 4 }),
      async (rated, milli, size) => {
        const usd = `0.${String(milli).padStart(3, '0')}`;
        const customer = await desk.customer('team-1', included(usd), pack('50'));
        const gateway = await openBareGateway(database);
        const held = await gateway.hold(customer, '0.6');
        const requests = rated.map((amount) => rowsOf(customer, held.lease.id, nano(amount), newId()));

        for (let at = 0; at < requests.length; at += size)
          await desk.settle(gateway, requests.slice(at, at + size), false);
        await desk.settle(gateway, requests, false);
        await gateway.abandon();

        expect(await desk.totalsOf(customer)).toEqual({ requests: rated.length, paid: String(dueOf(rated, usd)) });
      },
    ),
    { numRuns: 25 },
  );
  expect(await desk.findings()).toEqual([]);
});

/** Request by request, as domain/overage.ts says. */
function dueOf(rated: readonly bigint[], includedUsd: string): bigint {
  let left = BigInt(includedUsd.slice(2).padEnd(9, '0'));
  let due = 0n;
  for (const amount of rated) {
    const { includedNano, beyondNano } = splitCharge(nano(amount), nano(left), TEAM_PPM);
    left -= includedNano;
    due += includedNano + beyondNano;
  }
  return due;
}

test('a gateway that is killed between its spill and its commit leaves charges that its replay makes the same', async () => {
  const customer = await desk.customer('team-1', included('0.003'), pack('50'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.1');
  const [first, second, third] = [1, 2, 3].map(() => rowsOf(customer, held.lease.id, nano(8_755_000), newId())) as [
    Rows,
    Rows,
    Rows,
  ];
  await desk.settle(gateway, [first], false);
  for (const one of [first, second, third]) await gateway.journal.spill([{ kind: 'spilled', ...one }]);

  await gateway.abandon();
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
  await recoverDeadGateways(admin, silent, gateway.journalDir);

  expect(await desk.costOf(first.usage.request_id)).toMatchObject({ charge: '8179500' });
  expect(await desk.totalsOf(customer)).toEqual({ requests: 3, paid: String(8_179_500 + 2 * 7_879_500) });
  expect(await desk.spentOf(customer.grantIds[1])).toBe('0.020938500');
  expect(await desk.findings()).toEqual([]);
});

test('what comes after its lease was closed is split by what included credit there is then', async () => {
  const customer = await desk.customer('team-1', included('0.003'), pack('50'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.1');
  await gateway.abandon();
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
  await admin.query('select close_incarnation($1, $2, true)', [gateway.incarnation.id, 'test']);

  const late = rowsOf(customer, held.lease.id, nano(8_755_000), newId());
  await desk.settle(gateway, [late], true);

  expect(await desk.costOf(late.usage.request_id)).toMatchObject({ beyond: '5755000', charge: '8179500' });
  expect(await desk.findings()).toEqual([]);
});

test('what outgrows its lease, or comes after its end, has the rate of that lease, whatever plan its customer has by then', async () => {
  const customer = await desk.customer('team-1', pack('50'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.001');
  const [outgrown, late] = [1, 2].map(() => rowsOf(customer, held.lease.id, nano(8_755_000), newId())) as [Rows, Rows];
  await desk.putOn(customer, 'pay_as_you_go-1');

  await desk.settle(gateway, [outgrown], false);
  await gateway.abandon();
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
  await admin.query('select close_incarnation($1, $2, true)', [gateway.incarnation.id, 'test']);
  await desk.settle(gateway, [late], true);

  expect(await desk.totalsOf(customer)).toEqual({ requests: 2, paid: String(2 * 7_879_500) });
  expect(await desk.findings()).toEqual([]);
});

test('a lease that gave included credit back, and grows by other credit, is at list price as far as it has kept of it', async () => {
  const customer = await desk.customer('team-1', included('0.003'), pack('50'));
  const gateway = await openBareGateway(database);
  const leaseId = newId();
  const take = () =>
    admin.query('select take_credit($1, $2, $3, 8000000, 0, 8000000)', [gateway.incarnation.id, leaseId, customer.id]);
  await take();
  await admin.query('select give_back($1, $2, $3, 6000000, false)', [gateway.incarnation.id, leaseId, customer.id]);
  await admin.query(`select void_included($1, 'test', 'test')`, [customer.orgId]);
  await take();

  const { usage, attempts } = rowsOf(customer, leaseId, nano(5_000_000), newId());
  await desk.settle(gateway, [{ usage, attempts }], false);
  await gateway.abandon();

  expect(await desk.costOf(usage.request_id)).toMatchObject({ beyond: '3000000', charge: '4700000' });
  expect(await desk.findings()).toEqual([]);
});

test('a request that cost nothing and comes after its lease was closed has the rate of its lease, as any other', async () => {
  const customer = await desk.customer('team-1', pack('50'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.1');
  await gateway.abandon();
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
  await admin.query('select close_incarnation($1, $2, false)', [gateway.incarnation.id, 'test']);

  const late = [0n, 0n, 8_755_000n, 0n].map((amount) => rowsOf(customer, held.lease.id, nano(amount), newId()));
  await desk.settle(gateway, late, true);

  expect(await desk.totalsOf(customer)).toEqual({ requests: 4, paid: '7879500' });
  expect(await desk.findings()).toEqual([]);
});

test('two batches that settle on one lease at once share its included credit without giving any of it twice', async () => {
  const customer = await desk.customer('team-1', included('0.05'), pack('50'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '2');
  const batches = Array.from({ length: 12 }, () =>
    Array.from({ length: 4 }, () => rowsOf(customer, held.lease.id, nano(4_000_000), newId())),
  );

  await Promise.all(batches.map((batch) => insist(gateway, batch)));
  await gateway.abandon();

  expect(await desk.totalsOf(customer)).toEqual({ requests: 48, paid: String(50_000_000 + (142_000_000 * 9) / 10) });
  expect(await desk.findings()).toEqual([]);
});

/** As the writer does with what PostgreSQL could not serialize. */
async function insist(gateway: BareGateway, batch: readonly Rows[]): Promise<void> {
  for (;;) {
    try {
      return await desk.settle(gateway, batch, false);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && ['40001', '40P01'].includes(String(error.code)))) throw error;
    }
  }
}

test('what was spilled while PostgreSQL was silent is settled beside what goes on, on the same lease, and nobody is quarantined', async () => {
  const customer = await desk.customer('team-1', included('2'), pack('50'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '4');
  const settleOne = () => {
    const rows = rowsOf(customer, held.lease.id, nano(4_000_000), newId());
    return new Promise((acknowledged) =>
      gateway.writer.settle({ ...rows, segments: [], acknowledged, inDatabase: () => {} }),
    );
  };
  postgres.kill('SIGSTOP');
  const first = Array.from({ length: 300 }, settleOne);
  expect(await first[0]).toBe('spilled');
  postgres.kill('SIGCONT');

  for (let count = 0; count < 400; count += 1) await settleOne();
  await Promise.all(first);
  gateway.leases.release(held);
  await gateway.close();

  expect(await desk.totalsOf(customer)).toEqual({
    requests: 700,
    paid: String(2_000_000_000 + (800_000_000 * 9) / 10),
  });
  expect(gateway.trouble.filter((one) => one.startsWith('settlement_quarantined'))).toEqual([]);
  expect(await desk.findings()).toEqual([]);
});
