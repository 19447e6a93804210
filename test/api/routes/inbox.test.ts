// The inbox: whoever works for us finds in it what he may see to and nothing else, what is due first comes first, and what he himself may not
// decide says so before he tries.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { beginProvisioning } from '../../../domain/provisioning.ts';
import { Onboardings } from '../../../services/onboarding/onboardings.ts';
import { FORM, LARGE, TERMS } from '../../services/onboarding/desk.ts';
import { inboxWorld } from './inbox-world.ts';
import { type Answered, done, type ManagementApp, startManagementApp, TEMPORAL_UI_URL } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

type World = ReturnType<typeof inboxWorld>;

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

const as: World['as'] = (...sent) => inboxWorld(app).as(...sent);
const inboxOf: World['inboxOf'] = (who) => inboxWorld(app).inboxOf(who);
const applied: World['applied'] = (form) => inboxWorld(app).applied(form);

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

test('what keeps an application from being provisioned, and why it was undone, is told by a code and what it is about', async () => {
  const { id, orgId } = await applied();
  await app.db.query(
    `with v as (insert into plan_versions values ('enterprise-x', 'enterprise', now(), 0, 0, null, 'all', 1000000, 'standard') returning id)
     insert into contracts (id, org_id, credit_line_cents, net_days, plan_version_id, made_by) select gen_random_uuid(), $1, 0, 30, v.id, 'ada' from v`,
    [orgId],
  );
  done(await decide(eve, id, { terms: TERMS }));
  await looked(id);
  const failure = { step: 'contract', code: 'contract_in_force', detail: orgId };
  expect((await as(eve, 'get', `/applications/${id}`)).body).toMatchObject({ failure, attention: null });

  const why = { code: 'renewal_owed', detail: orgId };
  await app.db.query(
    `update applications set stage = 'provisioning', state = jsonb_set(state, '{stage}', $2) where id = $1`,
    [id, { kind: 'provisioning', saga: { ...beginProvisioning(1), why, needsPerson: true } }],
  );
  const attention = { kind: 'waits', step: 'settle', ...why };
  expect((await as(eve, 'get', `/applications/${id}`)).body).toMatchObject({ failure: null, attention });
  expect((await inboxOf(eve)).find((one) => one.id === id)).toMatchObject({ attention });
});

async function finding(night: string): Promise<string> {
  await app.db.query(
    `insert into reconciliations (name, stage, verified_at, answer_by, findings)
     values ($1, 'attention', now(), now() + interval '1 day', '[{"title": "money came in once"}]')`,
    [night],
  );
  return night;
}

test('money that went another way waits for those who sell, a night that is not proven for those who keep it running', async () => {
  const { orgId } = await applied();
  await app.db.query(
    `with p as (insert into payments (id, org_id, purpose, pack, amount_cents, credit_nano, requested_by)
                values (gen_random_uuid(), $1, 'pack', 'pack_10', 1000, 10000000000, 'test') returning id)
     insert into captures_in_question (stripe_payment_intent, payment_id, amount_cents, currency, reason)
     select 'pi_unasked', id, 900, 'usd', 'another_amount' from p`,
    [orgId],
  );
  await finding('2026-11-28');
  const kindsOf = async (who: Somebody) => new Set((await inboxOf(who)).map(({ kind }) => kind));

  expect(await kindsOf(ops)).toEqual(new Set(['ledger_finding']));
  expect((await kindsOf(eve)).has('ledger_finding')).toBe(false);
  expect((await inboxOf(eve)).find(({ id }) => id === 'pi_unasked')).toMatchObject({ orgId, amountCents: 900 });
  expect((await inboxOf(ops))[0]).toMatchObject({
    what: 'money came in once',
    workflowId: 'reconciliation:2026-11-28',
  });
});

describe('what somebody has in hand', () => {
  const claimOf = async (id: string) => (await inboxOf(ops)).find((one) => one.id === id)?.claim;
  const claims = (who: Somebody, id: string) => as(who, 'post', `/inbox/ledger_finding/${id}/claim`, {});
  const givesBack = (who: Somebody, id: string) => as(who, 'post', `/inbox/ledger_finding/${id}/give-back`, {});

  test('of two at once one has it, and the other is told who', async () => {
    const id = await finding('2026-11-01');

    const answers = await Promise.all([claims(ada, id), claims(ops, id)]);

    const [winner, loser] = answers[0].status === 200 ? [ada, answers[1]] : [ops, answers[0]];
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(loser.string('detail')).toContain(`Person ${winner.personId} has it since`);
    expect(await claimOf(id)).toMatchObject({ by: winner.personId });
  });

  test('is given back by him alone, and is the next one’s then', async () => {
    const id = await finding('2026-11-02');
    done(await claims(ada, id));

    const [others, own] = [await givesBack(ops, id), await givesBack(ada, id)];

    expect([others.status, own.status, await claimOf(id)]).toEqual([409, 200, null]);
    expect((await claims(ops, id)).field('claim.by')).toBe(ops.personId);
  });

  test('is nobody’s after two hours, nor once it has come to us anew', async () => {
    const [lapsed, anew] = [await finding('2026-11-03'), await finding('2026-11-04')];
    for (const id of [lapsed, anew]) done(await claims(ada, id));
    const held = await claimOf(lapsed);

    await app.db.query(`update inbox_claims set valid_until = clock_timestamp() where item = $1`, [lapsed]);
    await app.db.query(`update reconciliations set verified_at = verified_at + interval '1 hour' where name = $1`, [
      anew,
    ]);

    const { at, validUntil } = held as { at: string; validUntil: string };
    expect(Date.parse(validUntil) - Date.parse(at)).toBeCloseTo(7_200_000, -2);
    expect([await claimOf(lapsed), await claimOf(anew)]).toEqual([null, null]);
    for (const id of [lapsed, anew]) expect((await claims(ops, id)).field('claim.by')).toBe(ops.personId);
  });

  test('is his to decide no more than it was, and another’s no less', async () => {
    const { id } = await applied();
    done(await as(ben, 'post', `/inbox/application/${id}/claim`, {}));

    expect((await as(ops, 'post', `/inbox/application/${id}/claim`, {})).status).toBe(404);
    expect((await decide(ops, id, {})).status).toBe(403);
    done(await decide(eve, id, { kind: 'reject', reason: 'no' }));
    expect((await as(ben, 'post', `/inbox/application/${id}/claim`, {})).status).toBe(404);
  });

  test('is nothing that the admin token could have', async () => {
    const id = await finding('2026-11-05');

    expect((await app.call('post', `/api/v1/inbox/ledger_finding/${id}/claim`, { body: {} })).status).toBe(403);
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
