// The inbox: whoever works for us finds in it what he may see to and nothing else, what is due first comes first, and what he himself may not
// decide says so before he tries.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Onboardings } from '../../../services/onboarding/onboardings.ts';
import { FORM, LARGE, TERMS } from '../../services/onboarding/desk.ts';
import { type Answered, done, type ManagementApp, startManagementApp, TEMPORAL_UI_URL } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

let app: ManagementApp;
let onboardings: Onboardings;
let eve: Somebody;
let ben: Somebody;
let ada: Somebody;
let ops: Somebody;

beforeAll(async () => {
  app = await startManagementApp();
  onboardings = new Onboardings(app.worker);
  eve = await signedInAs(app, { staff: ['business'] });
  ben = await signedInAs(app, { staff: ['business'] });
  ada = await signedInAs(app, { staff: ['admin'] });
  ops = await signedInAs(app, { staff: ['ops'] });
});
afterAll(() => app.close());

function as({ cookie }: Somebody, method: string, path: string, body?: object): Promise<Answered> {
  const sent = { credential: null, headers: { cookie, origin: app.url } };
  return app.call(method, `/api/v1${path}`, body === undefined ? sent : { ...sent, body });
}

interface Item {
  readonly id: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

async function inboxOf(who: Somebody): Promise<Item[]> {
  return done(await as(who, 'get', '/inbox')).list('data') as Item[];
}

async function applied(form: object = FORM) {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Initech' } })).string('id');
  const owner = await signedInAs(app, { member: { orgId, role: 'owner' } });
  const path = `/organizations/${orgId}/applications`;
  const id = done(await as(owner, 'post', path, { form })).string('id');
  done(await as(owner, 'post', `${path}/${id}/submit`, {}));
  return { id, orgId, owner, path: `${path}/${id}` };
}

function decide(who: Somebody, id: string, wanted: object): Promise<Answered> {
  return as(who, 'post', `/applications/${id}/decisions`, { revision: 1, level: 1, kind: 'approve', ...wanted });
}

async function looked(id: string): Promise<void> {
  while ((await onboardings.tick(id)).goesOn);
}

test('an application waits with what is hinted at, and is gone once somebody has decided', async () => {
  const contacts = [{ name: 'Ada', email: 'ada@mailinator.com' }];
  const { id, orgId } = await applied({ ...FORM, contacts });

  const [item] = (await inboxOf(eve)).filter((one) => one.id === id);
  done(await decide(ben, id, { kind: 'reject', reason: 'no' }));

  expect(item).toMatchObject({
    ...{
      kind: 'application',
      orgId,
      orgName: 'Initech',
      what: 'Initech',
      level: 1,
      by: null,
      bar: null,
      isLate: false,
    },
    ...{ amountCents: 1_000_000, workflowId: `onboarding:${id}` },
    hints: expect.arrayContaining([{ kind: 'disposable_mail', mailDomain: 'mailinator.com' }]),
  });
  expect((await inboxOf(eve)).map((one) => one.id)).not.toContain(id);
});

test('an application before is hinted at, however many others came between', async () => {
  const { id: first, orgId, owner } = await applied();
  done(await decide(ben, first, { kind: 'reject', reason: 'no' }));
  await looked(first);
  await app.db.query(
    `with o as (insert into organizations (name) values ('crowd') returning id),
          a as (insert into applications (id, org_id, stage, form, applied_by, state, revision)
                select gen_random_uuid(), o.id, 'rejected', '{}', 'test', e.state, 1
                  from o, applications e, generate_series(1, 1001) where e.id = $1 returning id)
     insert into application_revisions (application_id, revision, form, company, domain, submitted_by)
     select id, 1, '{"company": "Crowd", "domain": "crowd.example"}', 'crowd', 'crowd.example', 'test' from a`,
    [first],
  );
  const path = `/organizations/${orgId}/applications`;
  const id = done(await as(owner, 'post', path, { form: FORM })).string('id');
  done(await as(owner, 'post', `${path}/${id}/submit`, {}));

  const before = { kind: 'applied_before', applicationId: first, stage: 'rejected' };
  expect((await inboxOf(eve)).find((one) => one.id === id)?.hints).toContainEqual(before);
  expect((await as(eve, 'get', `/applications/${id}`)).list('hints')).toContainEqual(before);
});

test('whoever approved first is told that it takes another, and the other whom it takes after', async () => {
  const { id } = await applied();
  done(await decide(eve, id, { terms: LARGE }));
  await looked(id);
  const seenBy = async (who: Somebody) => (await inboxOf(who)).find((one) => one.id === id);

  expect(await seenBy(eve)).toMatchObject({ level: 2, bar: 'has_approved', by: `person:${eve.personId}` });
  expect(await seenBy(ben)).toMatchObject({ level: 2, bar: null, by: `person:${eve.personId}` });
  const file = await as(eve, 'get', `/applications/${id}`);
  expect([file.field('bar'), file.field('terms'), file.field('workflowId')]).toEqual([
    'has_approved',
    LARGE,
    `onboarding:${id}`,
  ]);
});

test('what the applicant writes while nothing is to be decided waits for an answer, and the answer is mailed to him', async () => {
  const { id, owner, path } = await applied();
  const seen = async () => (await inboxOf(eve)).find((one) => one.id === id);
  done(await decide(ben, id, { kind: 'ask', reason: 'your VAT ID?' }));
  await looked(id);
  const before = await seen();
  done(await as(owner, 'post', `${path}/messages`, { body: 'which one?' }));

  const written = await seen();
  done(await as(eve, 'post', `/applications/${id}/messages`, { body: 'that of the GmbH' }));

  expect([before, await seen()]).toEqual([undefined, undefined]);
  expect(written).toMatchObject({ kind: 'application', level: null, bar: 'has_written', isLate: false });
  const { rows } = await app.db.query(`select recipient, facts from notifications where kind = 'application_message'`);
  expect(rows).toMatchObject([{ recipient: owner.email, facts: { applicationId: id, message: 'that of the GmbH' } }]);
});

test('it is late after a business day', async () => {
  const { id } = await applied();
  const isLate = async () => (await inboxOf(eve)).find((one) => one.id === id)?.isLate;
  const before = await isLate();

  await app.db.query(`alter table application_revisions disable trigger append_only`);
  await app.db.query(
    `update application_revisions set submitted_at = now() - interval '5 days' where application_id = $1`,
    [id],
  );
  await app.db.query(`alter table application_revisions enable trigger append_only`);

  expect([before, await isLate()]).toEqual([false, true]);
  expect((await inboxOf(eve))[0]?.id).toBe(id);
});

test('what takes a second person waits for those who might have asked for it, and says so to whoever did', async () => {
  const { orgId } = await applied();
  const other = await signedInAs(app, { staff: ['admin'] });
  const asked = await as(ada, 'post', '/grants', { orgId, amountNano: '50000000001' });
  const id = asked.string('id');
  const seenBy = async (who: Somebody) => (await inboxOf(who)).find((one) => one.id === id);

  expect(asked.status).toBe(202);
  expect(await seenBy(ada)).toMatchObject({
    kind: 'proposal',
    what: 'post /api/v1/grants',
    bar: 'has_proposed',
    orgId,
  });
  expect(await seenBy(other)).toMatchObject({ bar: null, by: `person:${ada.personId}`, orgName: 'Initech' });
  expect([await seenBy(eve), await seenBy(ops)]).toEqual([undefined, undefined]);
  const choices = async (who: Somebody) => (await as(who, 'get', `/proposals/${id}`)).field('choices');
  expect([await choices(ada), await choices(other), await choices(eve)]).toEqual([
    ['withdrawn'],
    ['approved', 'refused'],
    [],
  ]);
  done(await as(other, 'post', `/proposals/${id}/decisions`, { decision: 'refused', reason: 'no' }));
  expect([await seenBy(other), await choices(ada)]).toEqual([undefined, []]);
});

test('what was approved and could not be done waits for whoever asked for it, until he says that he has seen it', async () => {
  const { orgId } = await applied();
  const other = await signedInAs(app, { staff: ['admin'] });
  const seenBy = async (who: Somebody) => (await inboxOf(who)).find(({ kind }) => kind === 'proposal');
  const asked = await as(ada, 'post', '/grants', { orgId, amountNano: '50000000001' });
  const id = asked.string('id');
  const decide = (who: Somebody, decision: string) =>
    as(who, 'post', `/proposals/${id}/decisions`, { decision, reason: 'as discussed' });
  await app.db.query(`update proposals set body = replace(body, $2, gen_random_uuid()::text) where id = $1`, [
    id,
    orgId,
  ]);

  const approved = await decide(other, 'approved');

  expect(approved.field('outcome.status')).toBe(422);
  expect(await seenBy(ada)).toMatchObject({ id, bar: 'not_done' });
  expect(await seenBy(other)).toBeUndefined();
  expect((await decide(other, 'seen')).status).toBe(409);
  expect((await decide(ada, 'seen')).field('seenBy')).toBe(ada.personId);
  expect(await seenBy(ada)).toBeUndefined();
});

test('what was approved and left undone waits for all who might decide, and once it cannot be repeated until one says that he has seen it', async () => {
  const { orgId } = await applied();
  const [other, third] = [await signedInAs(app, { staff: ['admin'] }), await signedInAs(app, { staff: ['admin'] })];
  const asked = await as(ada, 'post', '/grants', { orgId, amountNano: '50000000001' });
  const id = asked.string('id');
  const seenBy = async (who: Somebody) => (await inboxOf(who)).find((one) => one.id === id)?.bar;
  const choices = async (who: Somebody) => (await as(who, 'get', `/proposals/${id}`)).field('choices');
  const approvedSince = (ago: string) =>
    app.db.query(
      `update proposals set decision = 'approved', decided_by = $2, reason = 'fine', decided_at = now() - $3::interval where id = $1`,
      [id, other.personId, ago],
    );

  await approvedSince('2 minutes');
  expect(await Promise.all([ada, other, third, eve].map(seenBy))).toEqual([...LEFT_TO_ALL, undefined]);
  expect(await Promise.all([ada, other, third].map(choices))).toEqual([[], ['approved'], []]);
  await approvedSince('2 days');
  expect(await Promise.all([ada, other, third, eve].map(seenBy))).toEqual([...LEFT_TO_ALL, undefined]);
  expect(await Promise.all([ada, other, third, eve].map(choices))).toEqual([['seen'], ['seen'], ['seen'], []]);
  const decision = { decision: 'seen', reason: 'it was done' };
  const seen = done(await as(third, 'post', `/proposals/${id}/decisions`, decision));

  expect([seen.field('seenBy'), seen.field('outcome'), await seenBy(ada)]).toEqual([third.personId, null, undefined]);
});

const LEFT_TO_ALL = ['left_undone', 'left_undone', 'left_undone'];

test('money that went another way waits for those who sell, a night that is not proven for those who keep it running', async () => {
  const { orgId } = await applied();
  await app.db.query(
    `with p as (insert into payments (id, org_id, purpose, pack, amount_cents, credit_nano, requested_by)
                values (gen_random_uuid(), $1, 'pack', 'pack_10', 1000, 10000000000, 'test') returning id)
     insert into captures_in_question (stripe_payment_intent, payment_id, amount_cents, currency, reason)
     select 'pi_unasked', id, 900, 'usd', 'another amount' from p`,
    [orgId],
  );
  await app.db.query(
    `insert into reconciliations (name, stage, verified_at, answer_by, findings)
     values ('2026-11-28', 'attention', now(), now() + interval '1 day', '[{"title": "money came in once"}]')`,
  );
  const kindsOf = async (who: Somebody) => new Set((await inboxOf(who)).map(({ kind }) => kind));

  expect(await kindsOf(ops)).toEqual(new Set(['ledger_finding']));
  expect((await kindsOf(eve)).has('ledger_finding')).toBe(false);
  expect((await inboxOf(eve)).find(({ id }) => id === 'pi_unasked')).toMatchObject({ orgId, amountCents: 900 });
  expect((await inboxOf(ops))[0]).toMatchObject({
    what: 'money came in once',
    workflowId: 'reconciliation:2026-11-28',
  });
});

test('whoever applies reads why he was rejected, what he was asked, and on what was agreed, and those of his organization with him', async () => {
  const { id, orgId, owner, path } = await applied();
  await app.db.query('update organizations set seats = null where id = $1', [orgId]);
  const viewer = await signedInAs(app, { member: { orgId, role: 'viewer' } });
  done(await decide(eve, id, { kind: 'ask', reason: 'your VAT ID?' }));
  await looked(id);
  done(await as(owner, 'post', `${path}/submit`, {}));
  done(await decide(ben, id, { revision: 2, terms: TERMS }));
  const early = await as(viewer, 'get', path);
  await looked(id);
  const agreed = await as(viewer, 'get', path);
  const other = await applied();
  done(await decide(eve, other.id, { kind: 'reject', reason: 'not our customers' }));
  await looked(other.id);

  expect([early.field('terms'), agreed.field('terms')]).toEqual([null, TERMS]);
  expect(agreed.list('thread')).toMatchObject([{ side: 'staff', body: 'your VAT ID?' }]);
  expect((await as(other.owner, 'get', other.path)).field('reason')).toBe('not our customers');
  expect((await as(viewer, 'post', `${path}/messages`, { body: 'me too' })).status).toBe(403);
});

test('staff is told what its roles allow and where workflows are shown, a customer neither', async () => {
  const { owner } = await applied();

  const [business, customer] = [await as(eve, 'get', '/me'), await as(owner, 'get', '/me')];

  expect(business.field('temporalUiUrl')).toBe(TEMPORAL_UI_URL);
  expect(business.list('staffMay')).toEqual(expect.arrayContaining(['inbox.read', 'application.decide']));
  expect(business.list('staffMay')).not.toContain('grant.issue');
  expect([customer.field('temporalUiUrl'), customer.field('staffMay')]).toEqual([null, []]);
});
