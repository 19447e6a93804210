// What else is in the inbox: what takes two persons, until somebody has decided, or read what came of it; a debt, until a person of ours has the word
// no more; a subscription or a top-up that does not go on by itself; what those see to who keep it running.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DAY_MS } from '../../../domain/moments.ts';
import { overdueInvoice } from '../../support/overdue-invoice.ts';
import { inboxWorld } from './inbox-world.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { PRICE } from './one-of-everything.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

const DUE_MS = Date.now() - 34 * DAY_MS;

type World = ReturnType<typeof inboxWorld>;

let app: ManagementApp;
let eve: Somebody;
let ada: Somebody;
let ops: Somebody;

beforeAll(async () => {
  app = await startManagementApp();
  eve = await signedInAs(app, { staff: ['business'] });
  ada = await signedInAs(app, { staff: ['admin'] });
  ops = await signedInAs(app, { staff: ['ops'] });
});
afterAll(() => app.close());

const as: World['as'] = (...sent) => inboxWorld(app).as(...sent);
const inboxOf: World['inboxOf'] = (who) => inboxWorld(app).inboxOf(who);
const applied: World['applied'] = (form) => inboxWorld(app).applied(form);

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

test('a debt waits for those who sell until they give time, and says how often they were asked', async () => {
  const day = (count: number) => DUE_MS + count * DAY_MS;
  const { orgId } = await applied();
  const asked = { stop_decision_due: day(30), stop_decision_late: day(31) };
  const id = await overdueInvoice(app.db, orgId, DUE_MS, asked);
  const seenBy = async (who: Somebody) => (await inboxOf(who)).find((one) => one.id === id);
  const before = [await seenBy(eve), await seenBy(ops)];

  const until = new Date(Date.now() + DAY_MS).toISOString();
  done(await as(eve, 'post', `/invoices/${id}/dunning/extend`, { until, reason: 'he pays on the first' }));

  const workflowId = `dunning:${id}`;
  expect(before).toMatchObject([
    { kind: 'dunning', orgId, what: 'stop_decision_late', amountCents: 1_900, workflowId },
    undefined,
  ]);
  expect(await seenBy(eve)).toBeUndefined();
});

test('a debt for which Stripe asks no bank waits with what Stripe says', async () => {
  const { orgId } = await applied();
  const id = await overdueInvoice(app.db, orgId, DUE_MS);
  await app.db.query(
    `insert into charge_attempts (payment_id, number, try, asked_at, outcome, answered_at, error)
     select id, 1, 1, now() - interval '2 hours', 'fault', now(), 'No such customer' from payments where invoice_id = $1`,
    [id],
  );

  const [item] = (await inboxOf(eve)).filter((one) => one.id === id);

  expect(item).toMatchObject({ kind: 'dunning', orgId, what: 'charge_faults', detail: 'No such customer' });
  const attention = { code: 'charge_faults', fault: 'No such customer' };
  expect((await as(eve, 'get', `/invoices/${id}/dunning`)).body).toMatchObject({ attention });
});

test('a renewal for which Stripe asks no bank waits with its subscription, until a case of its own is opened', async () => {
  const { orgId } = await applied();
  const { rows } = await app.db.query<{ id: string; invoiceId: string }>(RENEWAL_WITHOUT_BANK, [orgId]);
  const [{ id, invoiceId }] = rows as [{ id: string; invoiceId: string }];
  const seenBy = async (who: Somebody) => (await inboxOf(who)).find((one) => one.id === id);
  const before = [await seenBy(eve), await seenBy(ops)];

  await app.db.query(
    `insert into dunnings (invoice_id, org_id, subscription_id, policy, state, revision) values ($1, $2, $3, 'renewal', '{}', 1)`,
    [invoiceId, orgId, id],
  );

  const workflowId = `subscription:${id}`;
  expect(before).toMatchObject([
    { kind: 'subscription', orgId, what: 'charge_faults', detail: 'No such customer', amountCents: 2_500, workflowId },
    undefined,
  ]);
  expect(await seenBy(eve)).toBeUndefined();
  await app.db.query('delete from dunnings where invoice_id = $1', [invoiceId]);
});

test('a top-up for which Stripe asks no bank waits with what Stripe says, until a bank has answered', async () => {
  const { orgId } = await applied();
  await app.db.query(TOP_UP_WITHOUT_BANK, [orgId]);
  const waiting = async () => (await inboxOf(eve)).filter(({ kind }) => kind === 'top_up');
  const before = await waiting();

  await app.db.query(
    `insert into charge_attempts (payment_id, number, try, outcome, answered_at, decline_class)
     select id, 2, 1, 'declined', now(), 'later' from payments where org_id = $1 and top_up = 1`,
    [orgId],
  );

  const about = { id: orgId, orgId, workflowId: `topup:${orgId}`, amountCents: 1_000 };
  expect(before).toMatchObject([{ ...about, what: 'charge_faults', detail: 'No such customer' }]);
  expect(await waiting()).toEqual([]);
});

test('a key that a person must bring waits for those who keep it running, until he has brought it', async () => {
  done(await app.call('post', '/api/v1/models', { body: { id: 'm-1', price: PRICE } }));
  const baseUrl = 'https://upstream.example/v1';
  const body = { name: 'upstream', provider: 'openai', baseUrl, keys: ['upstream-key-one'], models: ['m-1'] };
  const channel = done(await app.call('post', '/api/v1/channels', { body }));
  const slot = `${channel.string('id')}/key-slots/${channel.string('keys.0.id')}`;
  const rotation = done(await as(ops, 'post', `/channels/${slot}/rotations`, { reason: 'it is old' }));
  const id = rotation.string('id');
  const seenBy = async (who: Somebody) => (await inboxOf(who)).find((one) => one.id === id);
  const before = [await seenBy(ops), await seenBy(eve)];

  const brought = await as(ops, 'post', `/key-rotations/${id}/key`, { newKey: 'upstream-key-two', reason: 'here' });

  const shown = { kind: 'channel_key_rotation', what: 'new_key', detail: 'upstream', orgId: null, isLate: false };
  expect(before).toMatchObject([
    { ...shown, workflowId: `rotate:channel-key:${rotation.string('slotId')}` },
    undefined,
  ]);
  expect(rotation.body).toMatchObject({ need: 'new_key', choices: ['supply', 'extend', 'roll_back', 'emergency'] });
  expect(done(brought).body).toMatchObject({ stage: 'probing', need: null, choices: ['roll_back', 'emergency'] });
  expect(await seenBy(ops)).toBeUndefined();
});

test('a rotation of the master key waits for a process that was forgotten, and for what does not open', async () => {
  await app.db.query(
    `insert into master_key_holders (process_id, kind, host, pid, versions) values (gen_random_uuid(), 'worker', 'forgotten', 7, '{1}')`,
  );
  done(await as(ops, 'post', '/master-key-rotations', { version: 2, reason: 'once a year' }));
  const waiting = async () => (await inboxOf(ops)).filter(({ kind }) => kind === 'master_key_rotation');
  const atFirst = await waiting();
  await app.db.query(`update master_key_rotations set started_at = now() - interval '11 minutes'`);
  const forgotten = await waiting();

  await app.db.query(
    `update master_key_rotations set stage = 'attention', switched_at = now(), total = 1, troubles = '["channel_keys 1"]'`,
  );

  const about = { id: '2', workflowId: 'rotate:master-key:2', bar: null };
  expect(atFirst).toEqual([]);
  expect(forgotten).toMatchObject([
    { ...about, what: 'processes_behind', detail: expect.stringContaining('forgotten') },
  ]);
  expect(await waiting()).toMatchObject([{ ...about, what: 'does_not_open', detail: 'channel_keys 1' }]);
  expect((await as(ops, 'get', '/master-keys')).body).toMatchObject({
    rotation: { version: 2, stage: 'attention', workflowId: 'rotate:master-key:2' },
  });
});

test('a backup and a drill that failed wait with their reason', async () => {
  await app.db.query(
    `with b as (insert into backups (name, kind, stage, trouble, answer_by) values ('2026-11-29', 'nightly', 'attention', 'no room', now()) returning name)
     insert into restore_checks (name, backup, stage, trouble, answer_by) select '2026-w48', name, 'attention', 'cut short', now() from b`,
  );

  const waiting = (await inboxOf(ops)).filter(({ kind }) => kind === 'backup' || kind === 'restore_check');

  expect(waiting).toMatchObject([
    { kind: 'backup', id: '2026-11-29', detail: 'no room', workflowId: 'backup:2026-11-29' },
    { kind: 'restore_check', id: '2026-w48', detail: 'cut short', workflowId: 'restore-check:2026-w48' },
  ]);
  expect((await inboxOf(eve)).map(({ kind }) => kind)).not.toContain('backup');
});

/** Asked two hours ago for the first time. */
const RENEWAL_WITHOUT_BANK = `
  with s as (insert into subscriptions (id, org_id, phase, plan_version_id, state, revision)
             select gen_random_uuid(), $1, 'paying', max(v.id), '{"refundsRefused": []}', 1 from plan_versions v where v.plan = 'pro' returning id),
       i as (insert into invoices (id, org_id, kind, subscription_id, name, bought, amount_cents)
             select gen_random_uuid(), $1, 'plan', s.id, 'renewal:1', '{}', 2500 from s returning id),
       p as (insert into payments (id, org_id, purpose, invoice_id, amount_cents, credit_nano, requested_by)
             select gen_random_uuid(), $1, 'invoice', i.id, 2500, 0, 'test' from i returning id),
       a as (insert into charge_attempts (payment_id, number, try, asked_at, outcome, answered_at, error)
             select p.id, 1, 1, now() - interval '2 hours', 'fault', now(), 'No such customer' from p)
  select s.id, i.id as "invoiceId" from s, i`;

const TOP_UP_WITHOUT_BANK = `
  with t as (insert into top_ups (org_id, state, revision, is_low, open_number) values ($1, '{"open": {"priceCents": 1000}}', 1, true, 1)),
       p as (insert into payments (id, org_id, purpose, top_up, amount_cents, credit_nano, requested_by)
             values (gen_random_uuid(), $1, 'top_up', 1, 1000, 10000000000, 'test') returning id)
  insert into charge_attempts (payment_id, number, try, asked_at, outcome, answered_at, error)
  select p.id, 1, 1, now() - interval '2 hours', 'fault', now(), 'No such customer' from p`;
