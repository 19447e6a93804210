// What takes two persons is done once, by the second, as the first one asked for it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { keepOutcome } from '../../../services/proposals/proposals.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

const BIG = '50000000001';

let app: ManagementApp;
let orgId: string;
let ada: Somebody;
let grace: Somebody;

beforeAll(async () => {
  app = await startManagementApp();
  orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  [ada, grace] = [await signedInAs(app, { staff: ['admin'] }), await signedInAs(app, { staff: ['admin'] })];
});
afterAll(() => app.close());

test('credit of $50 one person gives alone, above that nothing happens until another has approved', async () => {
  const alone = await ask(ada, '/grants', { orgId, amountNano: '50000000000' });
  const before = await credit();

  const asked = await ask(ada, '/grants', { orgId, amountNano: BIG });

  expect([alone.status, asked.status, await credit()]).toEqual([201, 202, before]);
  expect(asked.headers.get('location')).toBe(`/api/v1/proposals/${asked.string('id')}`);
  expect(asked.field('why')).toBe('credit above $50 in a day');
});

test('what another person approves is done once, by both, and whoever asked reads what came of it', async () => {
  const before = await credit();
  const id = await proposal();

  const approved = await decide(grace, id, 'approved');
  const read = await ask(ada, `/proposals/${id}`);

  expect([approved.status, approved.field('outcome.status')]).toEqual([200, 201]);
  expect(await credit()).toBe(before + BigInt(BIG));
  expect(read.field('outcome.body.amountNano')).toBe(BIG);
  expect(await auditOf(id)).toEqual([
    ['proposal.made', `person:${ada.personId}`],
    ['proposal.approved', `person:${grace.personId}`],
  ]);
  const { rows } = await app.db.query('select actor from audit_log where target_id = $1', [
    read.string('outcome.body.id'),
  ]);
  expect(rows).toEqual([{ actor: `person:${ada.personId}+person:${grace.personId}` }]);
});

test('what is sent twice with one Idempotency-Key is proposed once', async () => {
  const before = await credit();
  const twice = { 'idempotency-key': 'clicked-twice' };

  const first = await ask(ada, '/grants', { orgId, amountNano: BIG }, twice);
  const second = await ask(ada, '/grants', { orgId, amountNano: BIG }, twice);
  await decide(grace, first.string('id'), 'approved');

  expect([first.status, second.status, second.string('id')]).toEqual([202, 202, first.string('id')]);
  expect(second.headers.get('location')).toBe(first.headers.get('location'));
  expect(await credit()).toBe(before + BigInt(BIG));
});

test('what is known of an approved proposal is not overwritten by whoever finds it done', async () => {
  const id = await proposal();
  await decide(grace, id, 'approved');
  const later = { status: 412, body: {} };

  const kept = await inTransaction(app.worker, (tx) => keepOutcome(tx, id, later));

  expect(kept.outcome?.status).toBe(201);
});

test('nobody approves what he asked for, and nobody withdraws what another did', async () => {
  const id = await proposal();
  const before = await credit();

  const [own, foreign] = [await decide(ada, id, 'approved'), await decide(grace, id, 'withdrawn')];
  const withdrawn = await decide(ada, id, 'withdrawn');
  const late = await decide(grace, id, 'approved');

  expect([own.status, foreign.status, withdrawn.field('state'), late.status]).toEqual([403, 403, 'withdrawn', 409]);
  expect(await credit()).toBe(before);
});

test('of two who decide at once one is told that the other was there before him', async () => {
  const id = await proposal();
  const before = await credit();
  const third = await signedInAs(app, { staff: ['admin'] });

  const answers = await Promise.all([decide(grace, id, 'approved'), decide(third, id, 'approved')]);

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(answers.find(({ status }) => status === 409)?.string('detail')).toMatch(/approved by person/);
  expect(await credit()).toBe(before + BigInt(BIG));
});

test('approved by a process that died before it knew what came of it, it is done once when he approves again', async () => {
  const id = await proposal();
  const before = await credit();
  await decide(grace, id, 'approved');
  await app.db.query('update proposals set outcome = null where id = $1', [id]);

  const again = await decide(grace, id, 'approved');

  expect([again.status, again.field('outcome.status')]).toEqual([200, 201]);
  expect(await credit()).toBe(before + BigInt(BIG));
});

test('approved by a process that died before it did anything, it is done when he approves again', async () => {
  const id = await proposal();
  const before = await credit();
  await app.db.query(
    `update proposals set decision = 'approved', decided_by = $2, decided_at = now(), reason = 'fine' where id = $1`,
    [id, grace.personId],
  );

  const again = await decide(grace, id, 'approved');

  expect(again.field('outcome.status')).toBe(201);
  expect(await credit()).toBe(before + BigInt(BIG));
});

test('a change that does not say which version it is of is refused before anybody is asked to approve it', async () => {
  const { status } = await ask(
    ada,
    `/organizations/${orgId}/contract`,
    { creditLineCents: 1, reason: 'x' },
    { method: 'patch' },
  );
  const { rowCount } = await app.db.query(`select from proposals where path like '%contract'`);

  expect([status, rowCount]).toEqual([428, 0]);
});

test('what was changed meanwhile is not overwritten, and the proposal says so', async () => {
  const reason = 'as agreed';
  done(await app.call('post', path('/contract'), { body: { creditLineCents: 1_000, reason } }));
  const seen = done(await app.call('get', path('/contract'))).headers.get('etag') ?? '';
  const asked = await ask(
    ada,
    `/organizations/${orgId}/contract`,
    { creditLineCents: 9_000, reason },
    { method: 'patch', 'if-match': seen },
  );
  done(
    await app.call('patch', path('/contract'), {
      body: { creditLineCents: 2_000, reason },
      headers: { 'if-match': '*' },
    }),
  );

  const approved = await decide(grace, asked.string('id'), 'approved');

  expect(approved.field('outcome')).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
  expect((await app.call('get', path('/contract'))).field('creditLineCents')).toBe(2_000);
});

test('whoever might not have asked for it cannot approve it', async () => {
  const id = await proposal();
  const business = await signedInAs(app, { staff: ['business'] });

  const { status } = await decide(business, id, 'approved');

  expect(status).toBe(403);
});

test('after a week nobody approves it', async () => {
  const id = await proposal();
  await app.db.query(`update proposals set valid_until = clock_timestamp() where id = $1`, [id]);

  const late = await decide(grace, id, 'approved');
  const expired = await ask(ada, '/proposals?state=expired');

  expect([late.status, expired.field('data.0.id')]).toEqual([409, id]);
});

test('the admin token needs no second person, and is none', async () => {
  const id = await proposal();
  const before = await credit();

  const alone = await app.call('post', '/api/v1/grants', { body: { orgId, amountNano: BIG } });
  const decided = await app.call('post', `/api/v1/proposals/${id}/decisions`, {
    body: { decision: 'approved', reason: 'fine' },
  });

  expect([alone.status, decided.status]).toEqual([201, 403]);
  expect(await credit()).toBe(before + BigInt(BIG));
});

test('what comes with upstream keys is kept nowhere, so it cannot ask for a price below the margin', async () => {
  const body = {
    provider: 'openai-compatible',
    baseUrl: 'https://upstream.example',
    models: ['acme/model-1'],
    keys: ['upstream-canary-1'],
    belowMargin: true,
    reason: 'promotion',
  };

  const { status } = await ask(ada, '/channels', body);
  const { rowCount } = await app.db.query(`select from proposals where body like '%canary%'`);

  expect([status, rowCount]).toEqual([403, 0]);
});

test('nobody makes himself more than he is: a role takes another admin, and the last admin stays one', async () => {
  const business = await signedInAs(app, { staff: ['business'] });
  const own = await ask(business, `/persons/${business.personId}/staff-roles`, { roles: ['admin'], reason: 'me' });
  const asked = await ask(ada, `/persons/${business.personId}/staff-roles`, { roles: ['ops'], reason: 'moves' });

  const approved = await decide(grace, asked.string('id'), 'approved');
  const [channels, grants] = [await ask(business, '/channels'), await ask(business, `/grants?orgId=${orgId}`)];

  expect([own.status, asked.status, approved.field('outcome.status')]).toEqual([403, 202, 200]);
  expect([channels.status, grants.status]).toEqual([200, 403]);
  await app.db.query(`delete from staff_roles where person_id <> $1`, [ada.personId]);
  const last = await app.call('post', `/api/v1/persons/${ada.personId}/staff-roles`, {
    body: { roles: [], reason: 'leaves' },
  });
  expect(last.status).toBe(409);
});

async function proposal(): Promise<string> {
  return done(await ask(ada, '/grants', { orgId, amountNano: BIG })).string('id');
}

function decide(by: Somebody, id: string, decision: string): Promise<Answered> {
  return ask(by, `/proposals/${id}/decisions`, { decision, reason: 'as discussed' });
}

function ask(by: Somebody, under: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  const { method = body === undefined ? 'get' : 'post', ...others } = headers;
  const sent = { credential: null, headers: { cookie: by.cookie, origin: app.url, ...others } };
  return app.call(method, `/api/v1${under}`, body === undefined ? sent : { ...sent, body });
}

function path(under: string): string {
  return `/api/v1/organizations/${orgId}${under}`;
}

/** What the organization was given, in nano. */
async function credit(): Promise<bigint> {
  const { rows } = await app.db.query<{ given: string }>(
    'select coalesce(sum(amount_nano), 0)::text as given from credit_grants where org_id = $1 and source = $2',
    [orgId, 'manual'],
  );
  return BigInt(rows[0]?.given ?? 0);
}

async function auditOf(id: string): Promise<string[][]> {
  const { rows } = await app.db.query<{ action: string; actor: string }>(
    `select action, actor from audit_log where target_kind = 'proposal' and target_id = $1 order by seq`,
    [id],
  );
  return rows.map(({ action, actor }) => [action, actor]);
}
