// An organization is converted step by step: nothing works in between, and a step that cannot be made takes back all before it. The ledger is
// proven at the end.
import { expect, test } from '@jest/globals';
import { ApiKeyCache } from '../../../services/api-keys/api-key-cache.ts';
import { createApiKey } from '../../../services/api-keys/api-keys.ts';
import { digestOf } from '../../../services/api-keys/credential.ts';
import { sendWelcomeAgain, useWelcome } from '../../../services/onboarding/welcome.ts';
import { organization } from '../../../services/organizations/organizations.ts';
import { newId } from '../../../services/platform/ids.ts';
import { contract, endContract, lockedContract, makeContract } from '../../../services/postpaid/contracts.ts';
import { openBareGateway } from '../../support/bare-gateway.ts';
import { payUrlOf } from '../../support/overdue.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { Conversions, ENTERPRISE, STEPS } from './conversions.ts';
import { BEN, Desk, EVE } from './desk.ts';

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);

const conversions = new Conversions(shop, desk);

/** What PostgreSQL refuses from now on, as a defect of ours would have it. */
async function refusing(table: string, when: string, event = 'insert or update'): Promise<() => Promise<void>> {
  await desk.admin.query(`
    create function broken_${table}() returns trigger language plpgsql as $$ begin raise exception 'broken on purpose'; end $$;
    create trigger broken before ${event} on ${table} for each row when (${when}) execute function broken_${table}()`);
  return async () => void (await desk.admin.query(`drop function broken_${table}() cascade`));
}

const DEFECTS: Readonly<Record<string, readonly [table: string, when: string]>> = {
  hold: ['organizations', 'new.provisioning'],
  contract: ['contracts', 'true'],
  budget: ['caps', 'true'],
  activate: ['organizations', `not new.provisioning and new.plan_version_id like 'enterprise%'`],
  welcome: ['welcome_links', 'true'],
};

async function lookInMinutes(id: string, minutes: number): Promise<Awaited<ReturnType<Desk['look']>>> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await desk.look(id);
    await desk.pass('1 minute');
  }
  return desk.look(id);
}

test('its plan ends at that moment, what is unused of it is credited, and the agreed terms are in force', async () => {
  const { id, customer } = await conversions.approved();
  const credit = await conversions.unusedOf(customer);
  await shop.use(customer, '5');

  const view = await desk.look(id);

  expect([view.stage, view.done, view.hasEnded]).toEqual(['active', STEPS, true]);
  // 20.00 of 25.00 of its credit are left, too, which is a larger part: the smaller one counts.
  expect(await conversions.standing(customer)).toEqual({ ...ENTERPRISE, credit });
  expect(await contract(desk.db, customer.orgId)).toMatchObject({ netDays: 30, priceOfListPpm: 900_000 });
  expect(await shop.differences()).toEqual([]);
  expect(await desk.told(id)).toEqual(['application_received', 'enterprise_welcome']);
});

test('however many look at the same moment, each step is made once', async () => {
  const { id, customer } = await conversions.approved();
  const credit = await conversions.unusedOf(customer);

  await Promise.all(Array.from({ length: 6 }, () => desk.look(id)));

  expect(await conversions.standing(customer)).toEqual({ ...ENTERPRISE, credit });
  expect(await desk.told(id)).toEqual(['application_received', 'enterprise_welcome']);
  expect(await shop.differences()).toEqual([]);
});

test('while it is provisioned no key works and no credit can be spent, and what was leased comes back', async () => {
  const { id, customer } = await conversions.approved();
  const { apiKey, credential } = await desk.in((tx) =>
    createApiKey(tx, {
      ...{ orgId: customer.orgId, projectId: undefined, memberId: null, name: 'k', caps: [], allowedModels: null },
      ...{
        allowedAddresses: null,
        expiresAt: null,
        requestsPerMinute: null,
        tokensPerMinute: null,
        concurrentRequests: null,
      },
    }),
  );
  const cache = new ApiKeyCache(desk.db, () => performance.now(), payUrlOf);
  await desk.admin.query('delete from config_changes');
  await desk.onboardings.tick(id);
  await desk.onboardings.tick(id);

  const entry = await cache.load(digestOf(credential));
  const gateway = await openBareGateway(shop.database);
  const holder = { ...customer, id: apiKey.id };
  const refusal = await gateway.hold(holder, '1').catch((error: unknown) => error);
  const { rows } = await desk.admin.query<{ kind: string }>('select distinct kind from config_changes order by kind');
  await desk.look(id);
  await gateway.leases.release(await gateway.hold(holder, '1'));
  await gateway.close();

  expect(entry).toMatchObject({ enforcement: 'provisioning' });
  expect(refusal).toMatchObject({ code: 'organization_provisioning' });
  expect(rows.map(({ kind }) => kind)).toEqual(['organization', 'recall']);
});

test('staff that stops it meanwhile has stopped it afterwards', async () => {
  const { id, customer } = await conversions.approved();
  await desk.onboardings.tick(id);
  await desk.onboardings.tick(id);
  await desk.admin.query(`update organizations set enforcement = 'stopped' where id = $1`, [customer.orgId]);

  await desk.look(id);

  expect(await organization(desk.db, customer.orgId)).toMatchObject({ enforcement: 'stopped', provisioning: false });
});

test.each(['hold', 'contract', 'budget', 'activate'])(
  'a defect at %s takes back all before it, and once it is mended a further decision provisions it',
  async (step) => {
    const { id, customer } = await conversions.approved();
    const before = await conversions.standing(customer);
    const mend = await refusing(...(DEFECTS[step] ?? ['', '']));

    const undone = await lookInMinutes(id, 3);
    await mend();
    const after = await conversions.standing(customer);
    await desk.decides(BEN, id, { level: 3, terms: null });
    const { stage } = await desk.look(id);

    expect(undone).toMatchObject({
      stage: 'in_review',
      level: 3,
      attention: expect.stringContaining(`${step}: broken`),
    });
    expect(after).toEqual(before);
    expect([stage, await conversions.standing(customer)]).toMatchObject(['active', ENTERPRISE]);
    expect(await shop.differences()).toEqual([]);
  },
);

test('a contract that is in the way is refused at once, and left as it was', async () => {
  const { id, customer } = await conversions.approved();
  await desk.admin.query(
    `insert into plan_versions values ('enterprise-x', 'enterprise', now(), 0, 0, null, 'all', 1000000, 'standard')`,
  );
  await desk.admin.query(
    `insert into contracts (id, org_id, credit_line_cents, net_days, plan_version_id, made_by) values ($1, $2, 0, 30, 'enterprise-x', 'ada')`,
    [newId(), customer.orgId],
  );

  const { stage, attention } = await desk.look(id);

  expect([stage, attention]).toEqual(['in_review', expect.stringContaining('has a contract that is in force')]);
  expect(await contract(desk.db, customer.orgId)).toMatchObject({ madeBy: 'ada', endedAt: null });
  expect((await conversions.standing(customer)).provisioning).toBe(false);
});

test('a contract that staff ends meanwhile makes no enterprise without one, and one that they make instead stays', async () => {
  const ended = await conversions.approved();
  for (let looks = 0; looks < 3; looks += 1) await desk.onboardings.tick(ended.id);
  await desk.in(async (tx) => endContract(tx, await lockedContract(tx, ended.customer.orgId), 'staff'));
  const without = await desk.look(ended.id);
  const replaced = await conversions.approved();
  for (let looks = 0; looks < 3; looks += 1) await desk.onboardings.tick(replaced.id);
  const terms = { creditLineCents: 500, netDays: 10, priceOfListPpm: 1_000_000, note: null, actor: 'staff' };
  await desk.in(async (tx) => {
    await endContract(tx, await lockedContract(tx, replaced.customer.orgId), 'staff');
    await makeContract(tx, replaced.customer.orgId, terms);
  });
  const instead = await desk.look(replaced.id);

  expect([without.stage, without.attention]).toEqual(['in_review', expect.stringContaining('was ended')]);
  expect(await conversions.standing(ended.customer)).toMatchObject({ provisioning: false, plan: 'pro', line: '0' });
  expect([instead.stage, (await conversions.standing(replaced.customer)).line]).toEqual(['in_review', '5000000000']);
  expect(await contract(desk.db, replaced.customer.orgId)).toMatchObject({ madeBy: 'staff', endedAt: null });
});

test('a renewal that is owed is waited for while the organization works, and a person is told; once it is paid the conversion goes on', async () => {
  const { id, customer } = await conversions.approved();
  await desk.admin.query(
    `update subscriptions set phase = 'past_due', state = jsonb_set(state, '{phase}', '{"kind": "past_due", "sinceMs": 0, "order": {"invoice": "x", "period": null}}') where id = $1`,
    [customer.subscriptionId],
  );

  const waiting = await lookInMinutes(id, 2);
  const { provisioning: isHeld } = await conversions.standing(customer);
  await desk.admin.query(
    `update subscriptions set phase = 'active', state = jsonb_set(state, '{phase}', '{"kind": "active"}') where id = $1`,
    [customer.subscriptionId],
  );
  const { stage } = await lookInMinutes(id, 1);

  expect(waiting).toMatchObject({
    stage: 'provisioning',
    next: 'settle',
    attention: expect.stringContaining('owes a renewal'),
  });
  expect([isHeld, stage]).toEqual([false, 'active']);
});

test('an undo that fails twice needs a person, and is made as soon as it can be', async () => {
  const { id, customer } = await conversions.approved();
  const before = await conversions.standing(customer);
  const mends = [await refusing('caps', 'true'), await refusing('contracts', 'true', 'update')];

  const stuck = await lookInMinutes(id, 5);
  for (const mend of mends) await mend();
  const undone = await lookInMinutes(id, 6);

  expect(stuck).toMatchObject({
    stage: 'provisioning',
    attention: expect.stringContaining('contract cannot be undone'),
  });
  expect(undone.stage).toBe('in_review');
  expect(await conversions.standing(customer)).toEqual(before);
});

test('a welcome that fails undoes nothing and is made later', async () => {
  const { id, customer } = await conversions.approved();
  const mend = await refusing('welcome_links', 'true');

  const failing = await lookInMinutes(id, 3);
  await mend();
  const welcomed = await lookInMinutes(id, 6);

  expect(failing).toMatchObject({
    stage: 'active',
    hasEnded: false,
    attention: expect.stringContaining('welcome fails'),
  });
  expect([welcomed.hasEnded, await conversions.standing(customer)]).toMatchObject([true, ENTERPRISE]);
});

test('the link makes one key, from the agreed addresses alone, and can be sent again until it has', async () => {
  const { id, customer } = await conversions.approved();
  await desk.look(id);
  const linkOf = async () =>
    (await desk.admin.query<{ id: string }>('select id from welcome_links where application_id = $1', [id])).rows[0]
      ?.id ?? '';
  const first = await linkOf();
  await desk.in((tx) => sendWelcomeAgain(tx, id, EVE));

  const [byOld, byNew, byUsed] = [
    await desk.in((tx) => useWelcome(tx, first, EVE)),
    await desk.in(async (tx) => useWelcome(tx, await linkOf(), EVE)),
    await desk.in(async (tx) => useWelcome(tx, await linkOf(), EVE)),
  ];

  expect([byOld, byNew, byUsed]).toEqual([null, expect.stringMatching(/^sk-tg-/), null]);
  const { rows } = await desk.admin.query(
    `select allowed_addresses::text[] as "from" from api_keys where org_id = $1 and name = 'first key'`,
    [customer.orgId],
  );
  expect(rows).toEqual([{ from: ['203.0.113.0/24'] }]);
  await expect(desk.in((tx) => sendWelcomeAgain(tx, id, EVE))).rejects.toMatchObject({ code: 'conflict' });
});

test('after all of that the ledger is as it should be', async () => {
  await desk.admin.query('select expire_grants()');

  expect(await shop.differences()).toEqual([]);
});
