// Persons, members and billing details through the management API: one person per mail address, however it is written, and none of
// it where it could not be erased.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

const ANY_VERSION = { 'if-match': '*' };

const post = (path: string, body: object) => app.call('post', `/api/v1${path}`, { body });
const patch = (path: string, body: object) => app.call('patch', `/api/v1${path}`, { body, headers: ANY_VERSION });

async function newPerson(email = `${randomUUID()}@example.com`): Promise<string> {
  return done(await post('/persons', { email, name: 'Ada' })).string('id');
}

async function newOrganization(seats: number | null = 1): Promise<string> {
  const orgId = done(await post('/organizations', { name: 'Acme' })).string('id');
  await app.db.query('update organizations set seats = $2 where id = $1', [orgId, seats]);
  return orgId;
}

const refusal = (answer: Answered) => [answer.status, answer.field('code'), answer.field('errors.0.field')];

test('a mail address is one person’s, however it is written, and finds that person', async () => {
  const made = done(await post('/persons', { email: '\t Grace.Hopper@Example.COM ', name: 'Grace', locale: 'zh' }));
  const again = await post('/persons', { email: 'grace.hopper@example.com', name: 'Somebody else' });
  const found = done(await app.call('get', '/api/v1/persons?email=GRACE.HOPPER%40example.com'));

  expect([made.field('email'), made.field('emailVerifiedAt')]).toEqual(['grace.hopper@example.com', null]);
  expect(refusal(again)).toEqual([409, 'conflict', 'email']);
  expect([found.list('data').length, found.field('data.0.id')]).toEqual([1, made.field('id')]);
});

test('of ten who want one address at once, some new and some with another one, one gets it', async () => {
  const email = 'wanted@example.com';
  const known = await Promise.all(Array.from({ length: 5 }, () => newPerson()));

  const answers = await Promise.all([
    ...known.map((id) => patch(`/persons/${id}`, { email })),
    ...known.map(() => post('/persons', { email, name: 'New' })),
  ]);

  expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
  expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
});

test.each([
  ['no address', 'ada'],
  ['two of them', 'ada@example.com, eve@example.com'],
  ['a header of its own', 'ada@example.com\r\nBcc: eve@example.com'],
  ['a name around it', 'Ada <ada@example.com>'],
  ['a letter that looks like another', 'аda@example.com'],
  ['a letter that becomes another in lower case', '\u212aarl@example.com'],
  ['more than a mail server takes', `${'a'.repeat(250)}@example.com`],
])('an address that is %s is refused and named', async (_, email) => {
  expect(refusal(await post('/persons', { email, name: 'Ada' }))).toEqual([422, 'invalid_body', 'email']);
});

test('a name is one line, and a language one of those in which mails are written', async () => {
  const faulty = await post('/persons', { email: 'x@example.com', name: 'A\r\nda', locale: 'de', isAdmin: true });

  const fields = faulty.list('errors').map((_, at) => faulty.field(`errors.${at}.field`));
  expect([faulty.status, fields.sort()]).toEqual([422, ['isAdmin', 'locale', 'name']]);
});

test('that an address is verified is said with a reason, and ends when the address is changed', async () => {
  const id = await newPerson();
  expect((await patch(`/persons/${id}`, { verified: true })).status).toBe(422);

  const verified = done(await patch(`/persons/${id}`, { verified: true, reason: 'called back' }));
  const renamed = done(await patch(`/persons/${id}`, { name: 'Ada L.' }));
  const moved = done(await patch(`/persons/${id}`, { email: `${id}@example.org` }));

  expect(verified.string('emailVerifiedAt')).toBe(renamed.string('emailVerifiedAt'));
  expect(moved.field('emailVerifiedAt')).toBeNull();
  const audited = done(await app.call('get', `/api/v1/audit?targetId=${id}&action=person.changed`));
  expect([audited.field('data.2.reason'), audited.field('data.2.after.emailVerifiedAt')]).toEqual([
    'called back',
    verified.field('emailVerifiedAt'),
  ]);
});

test('a member without a seat is refused with what to do, and a second membership with where it is', async () => {
  const [orgId, personId] = [await newOrganization(), await newPerson()];
  const members = `/organizations/${orgId}/members`;

  const first = await post(members, { personId, role: 'developer' });
  const owner = done(await post(members, { personId, role: 'owner' }));
  const twice = await post(members, { personId, role: 'owner' });
  const second = await post(members, { personId: await newPerson(), role: 'developer' });
  const nobody = await post(members, { personId: randomUUID(), role: 'developer' });
  const leaving = await patch(`${members}/${personId}`, { status: 'removed' });

  expect([first, twice, second, nobody, leaving].map(refusal)).toEqual([
    [409, 'conflict', 'role'],
    [409, 'conflict', 'personId'],
    [409, 'seats_used_up', 'personId'],
    [404, 'not_found', 'personId'],
    [409, 'conflict', 'role'],
  ]);
  expect(second.string('detail')).toContain('has 1 seat, and 1 active');
  expect(owner.body).toMatchObject({ orgId, personId, role: 'owner', status: 'active', awaitsSeat: false, version: 1 });
});

test('members are paged newest first, and a member of one organization is nothing in another', async () => {
  const [orgId, other] = [await newOrganization(null), await newOrganization(null)];
  const joined: string[] = [];
  for (const role of ['owner', 'admin', 'billing', 'developer', 'developer']) {
    const personId = await newPerson();
    done(await post(`/organizations/${orgId}/members`, { personId, role }));
    joined.unshift(personId);
  }

  const path = `/api/v1/organizations/${orgId}/members`;
  const pages = [done(await app.call('get', `${path}?limit=3`))];
  pages.push(done(await app.call('get', `${path}?limit=3&cursor=${pages[0]?.string('nextCursor')}`)));

  const seen = pages.flatMap((page) => page.list('data').map((_, at) => page.string(`data.${at}.personId`)));
  expect([seen, pages[1]?.field('nextCursor')]).toEqual([joined, null]);
  done(await patch(`/organizations/${orgId}/members/${joined[0]}`, { status: 'suspended' }));
  const suspended = done(await app.call('get', `${path}?status=suspended`));
  expect(suspended.list('data')).toMatchObject([{ personId: joined[0] }]);
  expect((await app.call('get', `/api/v1/organizations/${other}/members/${joined[0]}`)).status).toBe(404);
});

test('whoever left is brought back by nobody but himself, and his address is not read by those whom he left', async () => {
  const [orgId, owner, leaver] = [await newOrganization(null), await newPerson(), await newPerson()];
  const members = `/organizations/${orgId}/members`;
  done(await post(members, { personId: owner, role: 'owner' }));
  done(await post(members, { personId: leaver, role: 'developer' }));

  const left = done(await patch(`${members}/${leaver}`, { status: 'removed' }));
  const pulled = [
    await patch(`${members}/${leaver}`, { status: 'active', role: 'owner' }),
    await patch(`${members}/${leaver}`, { status: 'suspended' }),
    await post(members, { personId: leaver, role: 'developer' }),
  ];

  expect(left.body).toMatchObject({ status: 'removed', email: null });
  expect(pulled.map(refusal)).toEqual([
    [409, 'conflict', 'status'],
    [409, 'conflict', 'status'],
    [409, 'conflict', 'personId'],
  ]);
  expect(done(await app.call('get', `/api/v1${members}?status=removed`)).list('data')).toMatchObject([
    { personId: leaver, email: null },
  ]);
});

test('a member and billing details are changed on the version that was seen', async () => {
  const [orgId, personId] = [await newOrganization(), await newPerson()];
  done(await post(`/organizations/${orgId}/members`, { personId, role: 'owner' }));
  for (const [path, body] of [
    [`/api/v1/organizations/${orgId}/members/${personId}`, { role: 'owner' }],
    [`/api/v1/organizations/${orgId}/billing-details`, { poNumber: '4711' }],
    [`/api/v1/persons/${personId}`, { name: 'Ada L.' }],
  ] as const) {
    const etag = done(await app.call('get', path)).headers.get('etag') ?? '';
    expect(etag).toBe('"1"');

    expect((await app.call('patch', path, { body })).status).toBe(428);
    const both = [1, 2].map(() => app.call('patch', path, { body, headers: { 'if-match': etag } }));

    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await app.call('get', path)).headers.get('etag')).toBe('"2"');
  }
});

const ADDRESS = { line1: '1 Main St', line2: null, city: 'Cork', postalCode: null, region: null, country: 'IE' };

test('billing details hold what was given last: what is not named stays, null takes it away', async () => {
  const path = `/organizations/${await newOrganization()}/billing-details`;
  const { line2: _, ...address } = ADDRESS;
  const nothing = done(await app.call('get', `/api/v1${path}`));
  expect(nothing.body).toMatchObject({
    legalName: null,
    address: null,
    taxId: null,
    poNumber: null,
    billingEmail: null,
  });

  done(await patch(path, { legalName: 'Acme Ltd', address, taxId: 'IE6388047V', billingEmail: ' AP@Acme.example ' }));
  const changed = done(await patch(path, { poNumber: 'PO 7', taxId: null }));

  expect(changed.body).toMatchObject({ legalName: 'Acme Ltd', address: ADDRESS, taxId: null, poNumber: 'PO 7' });
  expect([changed.field('billingEmail'), changed.field('version')]).toEqual(['ap@acme.example', 3]);
});

test.each([
  ['address.country', { address: { ...ADDRESS, country: 'UK' } }],
  ['address.country', { address: { ...ADDRESS, country: 'ie' } }],
  ['address.city', { address: { ...ADDRESS, city: '' } }],
  ['address.street', { address: { ...ADDRESS, street: 'x' } }],
  ['legalName', { legalName: '' }],
  ['poNumber', { poNumber: 'a\u0000b' }],
  ['billingEmail', { billingEmail: 'accounts' }],
])('billing details with a faulty %s are refused and it is named', async (field, body) => {
  const answer = await patch(`/organizations/${await newOrganization()}/billing-details`, body);
  expect(refusal(answer)).toEqual([422, 'invalid_body', field]);
});

test('neither the audit log nor our log holds what somebody is called and where he is reached', async () => {
  const orgId = await newOrganization();
  const email = 'canary-one@example.com';
  const personal = { legalName: 'Canary two', address: { ...ADDRESS, line1: 'Canary three' }, taxId: 'canary four' };
  const personId = done(await post('/persons', { email, name: 'Canary five' })).string('id');
  done(await post(`/organizations/${orgId}/members`, { personId, role: 'owner' }));
  done(await patch(`/persons/${personId}`, { name: 'Canary six', email: 'canary-seven@example.com' }));
  done(await patch(`/organizations/${orgId}/billing-details`, { ...personal, billingEmail: email }));

  const { rows } = await app.db.query<{ row: string }>('select a::text as row from audit_log a');
  const written = [...rows.map(({ row }) => row), ...app.log].join('\n');
  expect(written).not.toMatch(/canary/i);
  const changed = done(await app.call('get', `/api/v1/audit?targetId=${personId}&action=person.changed`));
  expect(changed.field('data.0.after.changed')).toEqual(['email', 'name']);
  expect(changed.field('data.0.before')).toEqual({ id: personId, locale: 'en', emailVerifiedAt: null, version: 1 });
});

test('a key is made for an active member of its own organization only', async () => {
  const [orgId, other] = [await newOrganization(2), await newOrganization()];
  const [owner, member, stranger] = [await newPerson(), await newPerson(), await newPerson()];
  done(await post(`/organizations/${orgId}/members`, { personId: owner, role: 'owner' }));
  done(await post(`/organizations/${orgId}/members`, { personId: member, role: 'developer' }));
  done(await post(`/organizations/${other}/members`, { personId: stranger, role: 'owner' }));
  const made = done(await post('/api-keys', { orgId, memberId: member }));
  done(await patch(`/organizations/${orgId}/members/${member}`, { status: 'suspended' }));

  for (const memberId of [member, stranger, randomUUID()]) {
    expect(refusal(await post('/api-keys', { orgId, memberId }))).toEqual([422, 'invalid_body', 'memberId']);
  }
  expect(done(await app.call('get', `/api/v1/api-keys/${made.string('id')}`)).field('memberId')).toBe(member);
});
