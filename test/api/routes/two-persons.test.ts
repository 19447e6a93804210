// What takes two persons is not got around by one: not in small parts, not as two, not with somebody who is one of us no more, and not twice.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

const BIG = '50000000001';

let app: ManagementApp;
let orgId: string;
let ada: Somebody;
let grace: Somebody;

beforeAll(async () => {
  app = await startManagementApp(false);
  orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  [ada, grace] = [await signedInAs(app, { staff: ['admin'] }), await signedInAs(app, { staff: ['admin'] })];
});
afterAll(() => app.close());

test('credit in small parts is credit all the same, also when all of them are sent at the same moment', async () => {
  const giver = await signedInAs(app, { staff: ['admin'] });
  const before = await credit();
  const give = () => ask(giver, '/grants', { orgId, amountNano: '20000000000' });

  const atOnce = await Promise.all([give(), give(), give(), give()]);
  const later = await give();

  expect(atOnce.filter(({ status }) => status === 201)).toHaveLength(2);
  expect(atOnce.every(({ status }) => [201, 202, 409].includes(status))).toBe(true);
  expect([later.status, await credit()]).toEqual([202, before + 40_000_000_000n]);
});

test('nobody becomes a second person by the mail address of one: that of our own people takes another admin', async () => {
  const customer = await signedInAs(app, {});
  const moved = (of: Somebody) => ({ email: `moved-${of.email}`, verified: true, reason: 'called' });
  const change = { method: 'patch', 'if-match': '*' };

  const ours = await ask(ada, `/persons/${grace.personId}`, moved(grace), change);
  const [named, theirs] = [
    await ask(ada, `/persons/${grace.personId}`, { name: 'Grace H.' }, change),
    await ask(ada, `/persons/${customer.personId}`, moved(customer), change),
  ];

  expect([ours.status, ours.field('why')]).toEqual([202, 'the mail address of one of our own people']);
  expect([named.status, named.field('email'), theirs.status]).toEqual([200, grace.email, 200]);
});

test('whoever asked and has lost his role since is no first person: what he asked for can only be refused', async () => {
  const leaver = await signedInAs(app, { staff: ['admin'] });
  const id = done(await ask(leaver, '/grants', { orgId, amountNano: BIG })).string('id');
  const before = await credit();
  await app.db.query('delete from staff_roles where person_id = $1', [leaver.personId]);

  const approved = await decide(grace, id, 'approved');
  const refused = await decide(grace, id, 'refused');

  expect([approved.status, refused.field('state'), await credit()]).toEqual([409, 'refused', before]);
});

test('approved a day ago and left undone it is not done again: nobody knows any more that it was not', async () => {
  const id = await proposal();
  await decide(grace, id, 'approved');
  const before = await credit();
  await app.db.query(
    `update proposals set outcome = null, decided_at = decided_at - interval '24 hours' where id = $1`,
    [id],
  );
  await app.db.query(`update management_idempotency set created_at = created_at - interval '24 hours'`);

  const again = await decide(grace, id, 'approved');

  expect([again.status, await credit()]).toEqual([409, before]);
});

test.each([
  ['nothing', undefined, 400],
  ['something else', { creditLineCents: -1, reason: 'as agreed' }, 422],
])('a body that says %s is put before nobody', async (_, body, refusal) => {
  const { status } = await ask(ada, `/organizations/${orgId}/contract`, body, {
    method: 'post',
    'content-type': 'application/json',
  });
  const { rowCount } = await app.db.query(`select from proposals where path like '%contract'`);

  expect([status, rowCount]).toEqual([refusal, 0]);
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

/** What the organization was given, in nano. */
async function credit(): Promise<bigint> {
  const { rows } = await app.db.query<{ given: string }>(
    'select coalesce(sum(amount_nano), 0)::text as given from credit_grants where org_id = $1 and source = $2',
    [orgId, 'manual'],
  );
  return BigInt(rows[0]?.given ?? 0);
}
