// What a gateway had on its disk that a restored database has never heard of: nobody is charged by it, its cost is our loss once, and the file stays.
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { nano } from '../../../domain/nano.ts';
import { recoverDeadGateways } from '../../../services/incarnations/recovery.ts';
import { toLine } from '../../../services/journal/journal-lines.ts';
import { newId } from '../../../services/platform/ids.ts';
import { newCustomer, oneRow, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';

const silent = pino({ level: 'silent' });
const { admin } = await ownDatabase();
const journalDir = mkdtempSync(join(tmpdir(), 'tollgate-journals-'));
afterAll(() => rmSync(journalDir, { recursive: true }));

/** Of a gateway that answered one request, at a cost of 0.02 to us. */
async function leftBehind(): Promise<string> {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const incarnationId = newId();
  const { usage, attempts } = rowsOf(customer, newId(), nano(50_000_000n), newId());
  const costly = attempts.map((attempt) => ({ ...attempt, cost_nano: '20000000' }));
  mkdirSync(join(journalDir, incarnationId));
  writeFileSync(journalOf(incarnationId), toLine({ kind: 'spilled', usage, attempts: costly }));
  return incarnationId;
}

const journalOf = (incarnationId: string) => join(journalDir, incarnationId, '00000001.journal');

const losses = () =>
  oneRow(
    admin,
    `select (select coalesce(sum(amount_nano), 0)::text from ops_losses where reason = 'unclaimed') as lost,
            (select count(*)::int from usage_records) as charged, (select count(*)::int from restore_findings) as found`,
  );

test('where nothing was restored, a journal that is unknown belongs to a gateway that begins, and stays', async () => {
  const incarnationId = await leftBehind();

  await recoverDeadGateways(admin, silent, journalDir);

  expect(existsSync(join(journalDir, incarnationId))).toBe(true);
  expect(await losses()).toEqual({ lost: '0', charged: 0, found: 0 });
});

test('after a restore it is set aside, its cost is our loss once, and a gateway that begins later keeps its own', async () => {
  const [forgotten = ''] = readdirSync(journalDir);
  await admin.query(`select raise_billing_hold('a test has restored it', now())`);
  const begun = await leftBehind();

  await recoverDeadGateways(admin, silent, journalDir);
  await recoverDeadGateways(admin, silent, journalDir);

  expect(readdirSync(journalDir).sort()).toEqual([begun, 'set-aside'].sort());
  expect(readdirSync(join(journalDir, 'set-aside'))).toEqual([forgotten]);
  expect(await losses()).toEqual({ lost: '20000000', charged: 0, found: 1 });
});

test('a folder that cannot be read holds up no other, and that of a gateway that lives is left to it', async () => {
  const [unreadable, lives, forgotten] = [await leftBehind(), await leftBehind(), await leftBehind()];
  rmSync(journalOf(unreadable));
  mkdirSync(journalOf(unreadable));
  const open = openSync(journalOf(lives), 'a');
  await admin.query(`select raise_billing_hold('a test has restored it again', now())`);

  await recoverDeadGateways(admin, silent, journalDir);
  closeSync(open);

  expect(readdirSync(journalDir)).toEqual(expect.arrayContaining([unreadable, lives]));
  expect(readdirSync(join(journalDir, 'set-aside'))).toContain(forgotten);
});
