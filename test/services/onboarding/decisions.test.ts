// Who may decide about an application, and that it counts once: whatever is clicked late, made up, or sent to its workflow by whoever reaches
// it changes nothing.
import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { application, lockedApplication } from '../../../services/onboarding/application-rows.ts';
import { addMessage, saveDraft, startApplication } from '../../../services/onboarding/applications.ts';
import { decisionsOf } from '../../../services/onboarding/decisions.ts';
import { pokeStranded } from '../../../services/processes/stranded.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { BEN, Desk, EVE, FORM, LARGE, person, TERMS } from './desk.ts';

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);

const stateOf = async (id: string) => (await application(desk.db, id)).state;
const stageOf = async (id: string) => (await stateOf(id)).stage.kind;

test('a draft is saved and gone on with, and an organization has one application at a time', async () => {
  const orgId = await desk.newOrganization();
  const owner = await desk.owner(orgId);
  const { application: draft } = await desk.in((tx) => startApplication(tx, orgId, { company: 'Init' }, owner));

  const second = desk.in((tx) => startApplication(tx, orgId, FORM, owner));
  await expect(second).rejects.toMatchObject({ code: 'conflict' });
  await expect(desk.submit(draft.id, owner)).rejects.toMatchObject({
    code: 'invalid_body',
    details: { param: 'domain' },
  });
  await desk.in(async (tx) => saveDraft(tx, await lockedApplication(tx, draft.id), FORM, owner));
  await desk.submit(draft.id, owner);
  await desk.withdraw(draft.id, owner);

  expect(await desk.in((tx) => startApplication(tx, orgId, FORM, owner))).toBeDefined();
  expect(await desk.audited(draft.id)).toEqual([
    'application.started draft',
    'application.written draft',
    'application.submitted in_review',
    'application.withdrawn withdrawn',
  ]);
});

test('nobody applies for an organization that has no owner to be welcomed', async () => {
  const orgId = await desk.newOrganization();
  const { application: draft } = await desk.in((tx) => startApplication(tx, orgId, FORM, BEN));

  await expect(desk.submit(draft.id, BEN)).rejects.toMatchObject({ code: 'no_verified_owner' });
});

test('what is submitted is not written any more until it is asked about', async () => {
  const id = await desk.newApplication();
  const write = () => desk.in(async (tx) => saveDraft(tx, await lockedApplication(tx, id), { company: 'X' }, BEN));

  await expect(write()).rejects.toMatchObject({ code: 'conflict' });
  await desk.asks(EVE, id);
  await desk.look(id);

  await expect(write()).resolves.toBeDefined();
});

test('a decision takes effect when its workflow looks, also if it was never poked', async () => {
  const id = await desk.newApplication();
  await desk.rejects(EVE, id);
  await desk.admin.query('delete from process_pokes');

  const before = await stageOf(id);
  await pokeStranded(desk.db);
  const { rowCount } = await desk.admin.query(`select from process_pokes where workflow_id = 'onboarding:' || $1`, [
    id,
  ]);
  const { stage, hasEnded } = await desk.look(id);

  expect([before, rowCount, stage, hasEnded]).toEqual(['in_review', 1, 'rejected', true]);
  expect(await desk.told(id)).toEqual(['application_received', 'application_rejected']);
});

test('whoever clicks second hears who decided, whether it has taken effect yet or not', async () => {
  const id = await desk.newApplication();
  await desk.asks(EVE, id);

  const late = expect.objectContaining({
    code: 'conflict',
    message: expect.stringContaining(`${EVE.actor} has asked at 2027`),
  });
  await expect(desk.decides(BEN, id)).rejects.toEqual(late);
  await desk.look(id);
  await expect(desk.decides(BEN, id)).rejects.toEqual(late);
});

test('of two who decide at the same moment one does, and the other hears of it', async () => {
  const id = await desk.newApplication();

  const settled = await Promise.allSettled([desk.decides(BEN, id), desk.rejects(EVE, id)]);

  expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await decisionsOf(desk.db, id)).toHaveLength(1);
});

test('nobody decides about what he has applied for, or whose organization he belongs to, and no second person was the first', async () => {
  const orgId = await desk.newOrganization();
  const owner = await desk.owner(orgId);
  const other = await desk.owner(await desk.newOrganization());
  const id = await desk.applied(orgId, BEN);

  await expect(desk.decides(BEN, id)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(desk.decides(owner, id)).rejects.toMatchObject({ code: 'forbidden' });
  const former = await desk.owner(await desk.newOrganization());
  await desk.admin.query(
    `insert into memberships (org_id, person_id, role, status) values ($1, $2, 'viewer', 'removed')`,
    [orgId, former.id],
  );
  await expect(desk.decides(former, id)).rejects.toMatchObject({ code: 'forbidden' });
  await desk.decides(EVE, id, { terms: LARGE });
  await desk.look(id);
  await expect(desk.decides(EVE, id, { level: 2, terms: null })).rejects.toMatchObject({ code: 'forbidden' });
  await desk.decides(other, id, { level: 2, terms: null });

  expect((await desk.look(id)).stage).toBe('active');
});

test('nothing is decided that was changed underneath, or is not asked', async () => {
  const id = await desk.newApplication();
  await desk.asks(EVE, id);
  await desk.look(id);
  const refused = async (wanted: object) =>
    desk.decides(BEN, id, wanted).then(
      () => 'done',
      ({ code }) => code,
    );

  const whileAsked = await refused({ revision: 2 });
  await desk.submit(id, person());

  expect(whileAsked).toBe('conflict');
  expect(await refused({ revision: 3 })).toBe('conflict');
  expect(await refused({ revision: 2, level: 2, terms: null })).toBe('conflict');
  expect(await refused({ revision: 2, terms: null })).toBe('invalid_body');
  expect(await refused({ revision: 2 })).toBe('done');
});

test('an id that was made up, of another application or of an earlier revision moves nothing', async () => {
  const id = await desk.newApplication();
  const other = await desk.decides(EVE, await desk.newApplication());
  const asked = await desk.asks(EVE, id);
  await desk.look(id);
  await desk.submit(id, person());
  await desk.look(id);
  const before = await stateOf(id);

  const outcomes = [randomUUID(), other.id, asked.id].map((decisionId) => desk.onboardings.decide(id, decisionId));

  expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(['refused', 'refused', 'refused']);
  expect(await stateOf(id)).toEqual(before);
});

test('a row that somebody wrote who may not decide is not believed, and a person is told of it', async () => {
  const orgId = await desk.newOrganization();
  const owner = await desk.owner(orgId);
  const id = await desk.applied(orgId, owner);
  const { rows } = await desk.admin.query<{ id: string }>(
    `insert into application_decisions (id, application_id, revision, level, kind, terms, actor)
     values (gen_random_uuid(), $1, 1, 1, 'approve', $2, $3) returning id`,
    [id, JSON.stringify(TERMS), owner.actor],
  );

  const told = await desk.onboardings.decide(id, rows[0]?.id ?? '');
  const { stage, attention } = await desk.look(id);

  expect([told.kind, stage]).toEqual(['refused', 'in_review']);
  expect(attention).toMatch(/does not count: .* has applied/);
});

test('a decision is never changed', async () => {
  const { id } = await desk.decides(EVE, await desk.newApplication());

  const changing = desk.admin.query(`update application_decisions set kind = 'reject' where id = $1`, [id]);

  await expect(changing).rejects.toThrow(/append-only/);
});

test('both sides may write about it, and neither what they write nor who they are is in the audit log', async () => {
  const orgId = await desk.newOrganization();
  const owner = await desk.owner(orgId);
  const id = await desk.applied(orgId, owner);
  await desk.in((tx) => addMessage(tx, id, { side: 'applicant', body: 'canary question' }, owner));
  await desk.in((tx) => addMessage(tx, id, { side: 'staff', body: 'canary answer' }, EVE));
  await desk.decides(EVE, id);
  await desk.look(id);

  const { rows } = await desk.admin.query<{ entry: string }>(
    'select audit_log::text as entry from audit_log where org_id = $1',
    [orgId],
  );

  expect(rows.length).toBeGreaterThan(8);
  expect(rows.filter(({ entry }) => /[Cc]anary|Ada|tickets/.test(entry))).toEqual([]);
});
