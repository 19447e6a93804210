// A customer who adds up his ledger arrives at what he has, to the nano, at whatever moment he looks.
import { expect, test } from '@jest/globals';
import type { PoolClient } from 'pg';
import { balanceOf } from '../../../services/grants/balance.ts';
import { expireGrants } from '../../../services/grants/grants.ts';
import { listStatement, type StatementLine } from '../../../services/ledger/statement.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import {
  type BareGateway,
  type Customer,
  issueGrant,
  newCustomer,
  openBareGateway,
} from '../../support/bare-gateway.ts';
import { putUnder } from '../../support/overdue.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { underLoad } from '../../support/under-load.ts';

const CLIENTS = 16;
const LOOKS = 200;

const { database, admin } = await ownDatabase();

async function request(gateway: BareGateway, customer: Customer, reserved: string, used: string): Promise<string> {
  const requestId = newId();
  await gateway.settle(customer, await gateway.hold(customer, reserved), used, requestId);
  return requestId;
}

/** Of one moment: what there is, and the first lines. */
async function look(customer: Customer): Promise<{ has: bigint; lines: StatementLine[] }> {
  return inTransaction(admin, async (tx: PoolClient) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    const { balanceNano, lockedNano } = await balanceOf(tx, customer.orgId);
    return { has: balanceNano + lockedNano, lines: await listStatement(tx, customer.orgId, null, 20) };
  });
}

async function wholeStatement({ orgId }: Customer, pageSize: number): Promise<StatementLine[]> {
  const lines: StatementLine[] = [];
  for (;;) {
    const page = await listStatement(admin, orgId, lines.at(-1)?.id ?? null, pageSize);
    lines.push(...page);
    if (page.length < pageSize) return lines;
  }
}

/** Lines at which it is another sum than the line before has led to. */
function gapsIn(lines: readonly StatementLine[]): StatementLine[] {
  return lines.filter(({ balanceAfterNano, amountNano }, at) => {
    const older = lines[at + 1];
    return older !== undefined && balanceAfterNano - amountNano !== older.balanceAfterNano;
  });
}

test('whenever somebody looks while requests are settled, the newest line ends at what there is', async () => {
  const [customer, other] = [await newCustomer(admin, [{ usd: '5' }]), await newCustomer(admin, [{ usd: '5' }])];
  const gateway = await openBareGateway(database);
  const sums = new Set<bigint>();
  let settled = 0;

  await underLoad(
    CLIENTS,
    async (client) => {
      await request(gateway, client % 2 === 0 ? customer : other, '0.002', '0.001000001');
      settled += 1;
    },
    async () => {
      for (let looks = 0; looks < LOOKS || settled < CLIENTS; looks += 1) {
        const { has, lines } = await look(customer);
        expect(lines[0]?.balanceAfterNano).toBe(has);
        expect(gapsIn(lines)).toEqual([]);
        sums.add(has);
      }
    },
  );
  await gateway.close();

  expect(sums.size).toBeGreaterThan(1);
});

test('page by page, each request is there once with what it cost, and the sum of all is what there is', async () => {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const together = await Promise.all(Array.from({ length: 24 }, () => request(gateway, customer, '0.01', '0.003')));
  const alone = await request(gateway, customer, '0.01', '0.004');
  await gateway.close();

  const lines = await wholeStatement(customer, 5);

  expect(lines.at(0)?.belongsTo).toEqual({ kind: 'request', id: alone });
  expect(lines.at(-1)).toMatchObject({ kind: 'grant', amountNano: 1_000_000_000n, balanceAfterNano: 1_000_000_000n });
  expect(lines.at(-1)?.grantSource).toBe('manual');
  const usage = lines.slice(0, -1);
  expect(usage.map(({ belongsTo }) => belongsTo?.id).sort()).toEqual([...together, alone].sort());
  expect(new Set(usage.map(({ kind, amountNano }) => `${kind} ${amountNano}`))).toEqual(
    new Set(['usage -3000000', 'usage -4000000']),
  );
  expect(gapsIn(lines)).toEqual([]);
  expect(lines[0]?.balanceAfterNano).toBe(1_000_000_000n - 24n * 3_000_000n - 4_000_000n);
});

test('an answer that cost more than there was ends below zero, and credit that comes repays it', async () => {
  const customer = await newCustomer(admin, [{ usd: '0.01' }]);
  const gateway = await openBareGateway(database);
  const requestId = await request(gateway, customer, '0.01', '0.03');
  await gateway.close();
  await issueGrant(admin, customer.orgId, { usd: '1' });

  const [grant, usage] = await wholeStatement(customer, 50);

  expect(usage).toMatchObject({ belongsTo: { kind: 'request', id: requestId }, balanceAfterNano: -20_000_000n });
  expect(grant).toMatchObject({ kind: 'grant', amountNano: 1_000_000_000n, balanceAfterNano: 980_000_000n });
});

test('credit that expires leaves by a line of its own, also before that is written', async () => {
  const customer = await newCustomer(admin, [{ usd: '2', expiresIn: '1 hour' }]);
  const worker = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 1, statementTimeoutMs: 5_000 });
  await worker.query(`select advance_billing_clock(billing_now() + interval '2 hours')`);
  const before = await look(customer);
  await expireGrants(worker);
  const after = await look(customer);
  await worker.end();

  expect([before.has, before.lines.length]).toEqual([2_000_000_000n, 1]);
  expect(after.has).toBe(0n);
  expect(after.lines[0]).toMatchObject({ kind: 'expiry', amountNano: -2_000_000_000n, balanceAfterNano: 0n });
});

test('credit that is locked while an invoice is overdue is still there, and told beside the balance', async () => {
  const customer = await newCustomer(admin, [{ usd: '3', source: 'included' }, { usd: '1' }]);
  await putUnder(admin, customer.orgId, 'limited');

  const { balanceNano, lockedNano } = await balanceOf(admin, customer.orgId);
  const { has, lines } = await look(customer);

  expect([balanceNano, lockedNano]).toEqual([1_000_000_000n, 3_000_000_000n]);
  expect([has, lines[0]?.balanceAfterNano]).toEqual([4_000_000_000n, 4_000_000_000n]);
});
