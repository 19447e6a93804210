// What our staff finds, reads and sends about a customer, and that looking with a customer's eyes shows and changes no more than it should.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type BilledCustomer, billed } from '../../services/payments/billed-customer.ts';
import { type Answered, done, type ManagementApp, startManagementApp, TEMPORAL_UI_URL } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';
import { counterOf } from './visitor.ts';

let app: ManagementApp;
let support: Somebody;
let admin: Somebody;
let customer: BilledCustomer;
let owner: Somebody;

beforeAll(async () => {
  app = await startManagementApp();
  [support, admin] = [await signedInAs(app, { staff: ['support'] }), await signedInAs(app, { staff: ['admin'] })];
  customer = await billed(counterOf(app));
  owner = await signedInAs(app, { member: { orgId: customer.orgId, role: 'owner' } });
});
afterAll(() => app.close());

interface As {
  readonly body?: object;
  readonly viewing?: string;
}

function ask(
  { cookie }: Somebody,
  method: 'get' | 'post',
  path: string,
  { body, viewing }: As = {},
): Promise<Answered> {
  const headers = { cookie, origin: app.url, ...(viewing === undefined ? {} : { 'tollgate-view': viewing }) };
  return app.call(method, `/api/v1${path}`, { credential: null, headers, ...(body === undefined ? {} : { body }) });
}

const look = (who: Somebody, orgId: string) =>
  ask(who, 'post', `/organizations/${orgId}/views`, { body: { reason: 'he asked why his page is empty' } });

async function newOrganization(name: string): Promise<string> {
  return done(await app.call('post', '/api/v1/organizations', { body: { name } })).string('id');
}

test('staff are told what their roles allow and where workflows are shown, and nobody else is', async () => {
  const [ours, theirs] = [done(await ask(support, 'get', '/me')), done(await ask(owner, 'get', '/me'))];

  expect(ours.list('staffMay')).toEqual(expect.arrayContaining(['customer.read', 'timeline.read']));
  expect(ours.list('staffMay')).not.toContain('grant.issue');
  expect(ours.field('temporalUiUrl')).toBe(TEMPORAL_UI_URL);
  expect([theirs.list('staffMay'), theirs.field('temporalUiUrl')]).toEqual([[], null]);
});

test('a name and an address are found by their beginning, whatever their case, and wildcards are letters', async () => {
  await newOrganization('Zebra 100%_off');
  const found = async (find: string) =>
    done(await ask(support, 'get', `/customers?find=${encodeURIComponent(find)}`)).list('data').length;

  expect(await found('zebra 100%_')).toBe(1);
  expect(await found(owner.email.toUpperCase())).toBe(1);
  expect([await found('ebra'), await found('zebra%'), await found('zebra_1'), await found('z')]).toEqual([0, 0, 0, 0]);
});

test('who has left is found no more, and a request of which only an attempt is known is', async () => {
  const requestId = randomUUID();
  const leaver = await signedInAs(app, { member: { orgId: await newOrganization('Left'), role: 'owner' } });
  await app.db.query(`update memberships set status = 'removed' where person_id = $1`, [leaver.personId]);
  await app.db.query(
    `insert into attempts (request_id, n, org_id, channel_id, channel_key_id, model_id, upstream_model, outcome, sent_at)
     values ($1, 1, $2, $1, $1, 'm', 'm', 'orphaned', now())`,
    [requestId, customer.orgId],
  );

  const left = done(await ask(support, 'get', `/customers?find=${leaver.email}`));
  const orphan = done(await ask(support, 'get', `/customers?find=${requestId}`));

  expect(left.list('data')).toEqual([]);
  expect([orphan.field('data.0.orgId'), orphan.field('data.0.foundBy')]).toEqual([customer.orgId, 'request']);
});

test('the time line tells all once, newest first, in pages of any size', async () => {
  const path = `/organizations/${customer.orgId}`;
  done(await app.call('post', '/api/v1/grants', { body: { orgId: customer.orgId, amountNano: '1', note: 'sorry' } }));
  done(await ask(support, 'post', `/invoices/${customer.invoiceId}/pay-links`, { body: { reason: 'he lost it' } }));
  const all = done(await ask(support, 'get', `${path}/timeline?limit=200`));
  const lines = (page: Answered) =>
    page.list('data').map((_, at) => `${page.string(`data.${at}.kind`)} ${page.string(`data.${at}.id`)}`);

  const paged: string[] = [];
  for (let cursor = ''; ; ) {
    const page = done(await ask(support, 'get', `${path}/timeline?limit=2${cursor}`));
    paged.push(...lines(page));
    if (page.field('nextCursor') === null) break;
    cursor = `&cursor=${page.string('nextCursor')}`;
  }

  expect(paged).toEqual(lines(all));
  expect(new Set(paged).size).toBe(paged.length);
  const moments = all.list('data').map((_, at) => all.string(`data.${at}.at`));
  expect(moments).toEqual([...moments].sort().reverse());
  const told = all.list('data').map((_, at) => all.string(`data.${at}.what`));
  expect(told).toEqual(expect.arrayContaining(['plan', 'remind', 'invoice.pay_link_sent', 'grant.issued']));
});

test('who did it and why is told with his name', async () => {
  const page = done(await ask(support, 'get', `/organizations/${customer.orgId}/timeline?limit=200`));
  const at = page.list('data').findIndex((_, n) => page.string(`data.${n}.what`) === 'invoice.pay_link_sent');

  expect([page.field(`data.${at}.actorName`), page.field(`data.${at}.reason`)]).toEqual(['Ada', 'he lost it']);
});

test('a cursor that was not given here is refused', async () => {
  for (const place of ['2026-13-45T10:00:00.000000Z audit 1', '2026-01-01T10:00:00.000000Z nothing 1', '']) {
    const cursor = Buffer.from(`timeline:${place}`).toString('base64url');
    const { status } = await ask(support, 'get', `/organizations/${customer.orgId}/timeline?cursor=${cursor}`);
    expect([place, status]).toEqual([place, 400]);
  }
});

test('the link to pay is mailed to whoever gets the bills, each time that somebody sends it and says why', async () => {
  const { orgId, invoiceId } = await billed(counterOf(app));
  const { email } = await signedInAs(app, { member: { orgId, role: 'owner' } });
  const send = () => ask(support, 'post', `/invoices/${invoiceId}/pay-links`, { body: { reason: 'he lost it' } });

  const answers = [done(await send()), done(await send())];

  const { rows } = await app.db.query('select kind, recipient, facts from notifications where org_id = $1', [orgId]);
  expect(answers.map((answer) => answer.field('sentTo'))).toEqual([1, 1]);
  expect(rows).toEqual(
    Array.from({ length: 2 }, () => ({
      kind: 'remind',
      recipient: email,
      facts: expect.objectContaining({ invoiceId, amountCents: 1900, limitedAt: null }),
    })),
  );
});

test('where nobody could be written to, the answer says so', async () => {
  const { invoiceId } = await billed(counterOf(app));

  const sent = done(await ask(support, 'post', `/invoices/${invoiceId}/pay-links`, { body: { reason: 'he lost it' } }));

  expect(sent.field('sentTo')).toBe(0);
});

test('nobody is asked to pay what is not owed any more', async () => {
  const { invoiceId } = await billed(counterOf(app));
  await app.db.query(`update invoices set state = 'void', closed_at = now() where id = $1`, [invoiceId]);

  const sent = await ask(support, 'post', `/invoices/${invoiceId}/pay-links`, { body: { reason: 'he lost it' } });

  expect(sent.status).toBe(409);
});

test('nobody looks with a customer’s eyes who has not said why, and saying it is an entry of the audit log', async () => {
  const orgId = await newOrganization('Looked at');
  const path = `/organizations/${orgId}`;

  const before = await ask(support, 'get', path, { viewing: orgId });
  const silent = await ask(support, 'post', `${path}/views`, { body: { reason: '' } });
  done(await look(support, orgId));
  const after = await ask(support, 'get', path, { viewing: orgId });
  const another = await ask(admin, 'get', path, { viewing: orgId });

  expect([before.status, silent.status, after.status, another.status]).toEqual([403, 422, 200, 403]);
  const { rows } = await app.db.query(
    `select actor, reason from audit_log where action = 'organization.viewed' and org_id = $1`,
    [orgId],
  );
  expect(rows).toEqual([{ actor: `person:${support.personId}`, reason: 'he asked why his page is empty' }]);
});

test('who looks with a customer’s eyes changes nothing, also what he may change otherwise', async () => {
  const { orgId } = customer;
  done(await look(admin, orgId));
  const before = done(await ask(admin, 'get', `/organizations/${orgId}/balance`)).string('balanceNano');

  const given = await ask(admin, 'post', '/grants', { body: { orgId, amountNano: '1' }, viewing: orgId });
  const made = await ask(admin, 'post', '/api-keys', { body: { orgId }, viewing: orgId });
  const decided = await ask(admin, 'post', `/proposals/${randomUUID()}/decisions`, { body: {}, viewing: orgId });

  expect([given.status, made.status, decided.status]).toEqual([403, 403, 403]);
  expect(done(await ask(admin, 'get', `/organizations/${orgId}/balance`)).string('balanceNano')).toBe(before);
});

test('who looks with a customer’s eyes sees nothing of another one, and nothing that an owner does not see', async () => {
  const { orgId } = customer;
  const elsewhere = await newOrganization('Elsewhere');
  done(await look(admin, orgId));
  const status = async (path: string) => (await ask(admin, 'get', path, { viewing: orgId })).status;

  expect([await status(`/organizations/${orgId}/members`), await status(`/grants?orgId=${orgId}`)]).toEqual([200, 200]);
  expect(await status(`/organizations/${elsewhere}/members`)).toBe(403);
  expect([await status('/grants'), await status('/organizations'), await status('/audit')]).toEqual([403, 403, 403]);
  expect([await status(`/organizations/${orgId}/timeline`), await status('/channels')]).toEqual([403, 403]);
});

test('a look is over after an hour', async () => {
  const orgId = await newOrganization('An hour ago');
  done(await look(support, orgId));
  const client = await app.db.connect();
  await client.query('set session_replication_role = replica');
  await client.query(`update audit_log set at = at - interval '61 minutes' where org_id = $1`, [orgId]);
  client.release(true);

  const { status } = await ask(support, 'get', `/organizations/${orgId}`, { viewing: orgId });

  expect(status).toBe(403);
});

test('an owner who says that he only looks is let in no further by it', async () => {
  const answer = await ask(owner, 'get', `/organizations/${customer.orgId}`, { viewing: customer.orgId });

  expect(answer.status).toBe(403);
});
