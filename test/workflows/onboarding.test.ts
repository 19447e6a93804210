// Applications on the server that skips time, over a real PostgreSQL: who is reminded on which business day, what ends by itself, and that a
// message to the workflow decides nothing.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { pokeStranded } from '../../services/processes/stranded.ts';
import { decide, onboardingWorkflowId } from '../../workflows/contracts/onboarding.ts';
import { BILLING_STAGE, NEEDS_ATTENTION, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { BEN, Desk, EVE, LARGE, person } from '../services/onboarding/desk.ts';
import { openPlanShop } from '../services/subscriptions/plan-shop.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { detailsOf } from '../support/workflows/current-details.ts';
import { openOnboardingHouse } from '../support/workflows/onboarding-house.ts';
import type { ProcessHouse } from '../support/workflows/process-house.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Thursday, 15:00 in Shanghai. */
const BEGINS_AT = '2027-01-07T07:00:00Z';

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);
let temporal: ThrowawayTemporal;
let house: ProcessHouse;

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal(SEARCH_ATTRIBUTES);
  house = await openOnboardingHouse(temporal, desk, BEGINS_AT);
});
afterAll(async () => {
  await house.stop();
  await temporal.stop();
});

beforeEach(async () => {
  await desk.admin.query('truncate business_holidays');
});

function workflow(id: string): WorkflowHandle {
  return house.client.workflow.getHandle(onboardingWorkflowId(id));
}

async function days(count: number): Promise<void> {
  await temporal.environment.sleep(count * DAY_MS);
}

const applied = () => house.now(() => desk.newApplication());

/** Of the newest application, in business days since it was submitted. */
async function waits(id: string): Promise<string[]> {
  return (await desk.told(id)).filter((what) => what.startsWith('application_waits')).map((what) => what.slice(18));
}

async function stageOf(id: string): Promise<unknown> {
  return (await workflow(id).describe()).typedSearchAttributes.get(BILLING_STAGE);
}

/** To the same time of day on the next Thursday. */
async function untilThursday(): Promise<void> {
  await house.now(async () => undefined);
  const { rows } = await desk.admin.query<{ day: number }>(
    'select extract(isodow from at)::integer as day from stopped_clock',
  );
  await days((4 - (rows[0]?.day ?? 4) + 7) % 7);
  await house.now(async () => undefined);
}

test('an application that nobody sees to is told to business on two business days, and to the head on each one after', async () => {
  await untilThursday();
  const { rows } = await desk.admin.query<{ day: string }>(`select (at::date + 5)::text as day from stopped_clock`);
  await desk.admin.query('insert into business_holidays (day) values ($1)', [rows[0]?.day]);
  const id = await applied();
  await temporal.environment.sleep(HOUR_MS);

  const told: string[][] = [];
  for (let day = 0; day < 9; day += 1) {
    await days(1);
    told.push(await waits(id));
  }

  // Friday, Monday, a holiday, Wednesday, Thursday, Friday.
  expect(told.map((all) => all.length)).toEqual([1, 1, 1, 2, 2, 3, 4, 5, 5]);
  expect(told.at(-1)).toEqual(['business 1', 'business 2', 'head 3', 'head 4', 'head 5']);
});

test('it expires fourteen days after a question that was not answered, and the applicant is reminded before', async () => {
  const id = await applied();
  await days(20);
  await house.now(() => desk.asks(EVE, id));

  await days(13);
  const before = await stageOf(id);
  await days(2);
  await workflow(id).result();

  expect([before, await stageOf(id)]).toEqual(['info_requested', 'expired']);
  expect((await desk.told(id)).slice(-3)).toEqual([
    'application_question',
    'application_question again',
    'application_expired',
  ]);
});

test('an answer in time begins another revision, whose days are counted anew', async () => {
  await untilThursday();
  const id = await applied();
  await days(1);
  await until(async () => (await waits(id)).length === 1);
  await house.now(() => desk.asks(EVE, id));
  await days(13);
  await house.now(() => desk.submit(id, person()));

  await days(30);

  expect(await stageOf(id)).toBe('in_review');
  expect((await waits(id)).slice(0, 3)).toEqual(['business 1', 'business 1', 'business 2']);
});

test('what is approved with a large credit line waits for a second person, and is provisioned then', async () => {
  const id = await applied();
  await house.now(() => desk.decides(EVE, id, { terms: LARGE }));
  await until(async () => (await detailsOf(workflow(id))).includes('- waits for level: 2'));

  const alone = desk.decides(EVE, id, { level: 2, terms: null });
  await expect(alone).rejects.toMatchObject({ code: 'forbidden' });
  await house.now(() => desk.decides(BEN, id, { level: 2, terms: null }));
  await workflow(id).result();

  expect(await stageOf(id)).toBe('active');
  expect((await desk.told(id)).at(-1)).toBe('enterprise_welcome');
});

test('what is rejected, and what is withdrawn, ends its workflow at once', async () => {
  const [rejected, withdrawn] = [await applied(), await applied()];

  await house.now(() => desk.rejects(EVE, rejected));
  await house.now(() => desk.withdraw(withdrawn, person()));
  await Promise.all([workflow(rejected).result(), workflow(withdrawn).result()]);

  expect([await stageOf(rejected), await stageOf(withdrawn)]).toEqual(['rejected', 'withdrawn']);
});

test('a click that comes after the expiry is refused, and changes nothing', async () => {
  const id = await applied();
  await house.now(() => desk.asks(EVE, id));
  await days(15);
  await workflow(id).result();

  const late = house.now(() => desk.decides(BEN, id));

  await expect(late).rejects.toMatchObject({ code: 'conflict' });
});

test('whoever reaches Temporal can have a decision read that was made, and cannot make one', async () => {
  const id = await applied();
  const update = (decisionId: unknown) => workflow(id).executeUpdate(decide, { args: [{ decisionId } as never] });
  const other = await desk.decides(EVE, await applied());
  const failures: string[] = [];
  for (const forged of [randomUUID(), other.id, 'approve', { kind: 'approve' }, undefined]) {
    failures.push(
      await update(forged).then(
        () => 'done',
        ({ cause }) => cause.message,
      ),
    );
  }
  const before = await desk.onboardings.tick(id);

  const { id: made } = await desk.decides(EVE, id);
  const after = await update(made);
  await workflow(id).result();
  const again = await update(made).catch((error: Error) => error.name);

  expect(failures).toEqual([
    expect.stringContaining('has no decision'),
    expect.stringContaining('has no decision'),
    ...Array(3).fill(expect.stringContaining('the UUID of a decision')),
  ]);
  expect([before.stage, after.stage]).toEqual(['in_review', 'provisioning']);
  expect(again).toBe('WorkflowNotFoundError');
});

test('a provisioning that was undone needs a person, and the details say what to do', async () => {
  const orgId = await desk.newOrganization();
  await desk.admin.query(`
    insert into plan_versions values ('enterprise-y', 'enterprise', now(), 0, 0, null, 'all', 1000000, 'standard');
    insert into contracts (id, org_id, credit_line_cents, net_days, plan_version_id, made_by) values (gen_random_uuid(), '${orgId}', 0, 30, 'enterprise-y', 'ada')`);
  const id = await house.now(async () => desk.applied(orgId, await desk.owner(orgId)));

  await house.now(() => desk.decides(EVE, id));
  await until(async () => (await workflow(id).describe()).typedSearchAttributes.get(NEEDS_ATTENTION) === true);

  expect(await detailsOf(workflow(id))).toMatch(
    /NEEDS ATTENTION: provisioning was undone(.|\n)*Read on: docs\/operations.md/,
  );
});

test('terminated at any stage and repaired from its row, each comes to the same end', async () => {
  const ends: string[] = [];
  for (const at of ['in_review', 'info_requested', 'second', 'provisioning']) {
    const id = await applied();
    if (at === 'info_requested') {
      await house.now(() => desk.asks(EVE, id));
      await until(async () => (await stageOf(id)) === 'info_requested');
    }
    if (at === 'second') {
      await house.now(() => desk.decides(EVE, id, { terms: LARGE }));
      await until(async () => (await detailsOf(workflow(id))).includes('level: 2'));
    }
    await workflow(id).terminate();
    const revision = at === 'info_requested' ? 2 : 1;
    if (at === 'info_requested') await desk.submit(id, person());
    await desk.decides(BEN, id, { revision, ...(at === 'second' ? { level: 2, terms: null } : {}) });
    if (at === 'provisioning') {
      for (const _ of 'two') await desk.onboardings.tick(id);
    }
    await desk.admin.query('delete from process_pokes');

    await house.now(() => pokeStranded(desk.db));
    await workflow(id).result();
    ends.push(`${await stageOf(id)}, ${(await desk.told(id)).at(-1)}`);
  }

  expect(ends).toEqual(Array(4).fill('active, enterprise_welcome'));
});
