// A worker that is killed at any step of a conversion leaves what another one goes on with, to the same end and the same books.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { endContract, lockedContract } from '../../../services/postpaid/contracts.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { Conversions, ENTERPRISE, STEPS } from './conversions.ts';
import { Desk } from './desk.ts';

const VICTIM = join(import.meta.dirname, 'killed-worker/main.ts');

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);
const conversions = new Conversions(shop, desk);

// The first commit takes the decision; of the three of each look the second is the step.
const COMMITS = [1, 2, 5, 8, 11, 14, 17];

test.each(COMMITS.flatMap((n) => [['before', n] as const, ['after', n] as const]))(
  'a worker killed %s commit %i leaves what another one goes on with, to the same end',
  async (when, n) => {
    const { id, customer } = await conversions.approved();
    const credit = await conversions.unusedOf(customer);

    const worker = spawn(process.execPath, [VICTIM, shop.database.urlFor('worker'), id, when, String(n)], {
      stdio: 'inherit',
    });
    const [, signal] = await once(worker, 'exit');
    const { stage, done } = await desk.look(id);

    expect([signal, stage, done]).toEqual(['SIGKILL', 'active', STEPS]);
    expect(await conversions.standing(customer)).toEqual({ ...ENTERPRISE, credit });
    expect(await desk.told(id)).toEqual(['application_received', 'enterprise_welcome']);
  },
);

// Budget is set, activate is refused, and what was made is taken back: the second commit of each look is the step, here those of budget, contract, hold.
const COMMITS_BACK = [8, 11, 14];

test.each(COMMITS_BACK.flatMap((n) => [['before', n] as const, ['after', n] as const]))(
  'a worker killed %s commit %i while it takes back leaves what another one takes back, and all is as it was',
  async (when, n) => {
    const { id, customer } = await conversions.approved();
    const before = await conversions.standing(customer);
    for (let looks = 0; looks < 3; looks += 1) await desk.onboardings.tick(id);
    await desk.in(async (tx) => endContract(tx, await lockedContract(tx, customer.orgId), 'staff'));

    const worker = spawn(process.execPath, [VICTIM, shop.database.urlFor('worker'), id, when, String(n)], {
      stdio: 'inherit',
    });
    const [, signal] = await once(worker, 'exit');
    const { stage, level } = await desk.look(id);

    expect([signal, stage, level]).toEqual(['SIGKILL', 'in_review', 3]);
    expect(await conversions.standing(customer)).toEqual(before);
  },
);

test('and the ledger is as it should be', async () => {
  await desk.admin.query('select expire_grants()');

  expect(await shop.differences()).toEqual([]);
});
