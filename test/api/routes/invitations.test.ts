// Somebody is asked in by mail, and is a member once he follows the link as the one who reads that address.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

test('who follows the link as the one it was sent to is a member in the role that was meant', async () => {
  const { orgId, owner } = await organization();
  const guest = await signedInAs(app, {});

  const asked = await ask(owner, `/organizations/${orgId}/invitations`, { email: guest.email, role: 'developer' });
  const seen = await ask(guest, `/invitations/${await lastLink()}`);
  const accepted = await ask(guest, `/invitations/${await lastLink()}/accept`, {});

  expect([asked.status, seen.field('role'), seen.field('state')]).toEqual([201, 'developer', 'open']);
  expect(accepted.body).toMatchObject({ orgId, personId: guest.personId, role: 'developer', status: 'active' });
});

test('a link works once, and says so the second time', async () => {
  const { orgId, owner } = await organization();
  const guest = await signedInAs(app, {});
  done(await ask(owner, `/organizations/${orgId}/invitations`, { email: guest.email, role: 'viewer' }));
  const link = await lastLink();
  done(await ask(guest, `/invitations/${link}/accept`, {}));

  const again = await ask(guest, `/invitations/${link}/accept`, {});

  expect([again.status, again.field('code')]).toEqual([409, 'invitation_over']);
  expect(again.string('detail')).toContain('accepted already');
});

test('whoever was handed the link by somebody else does not come in by it', async () => {
  const { orgId, owner } = await organization();
  const other = await signedInAs(app, {});
  done(await ask(owner, `/organizations/${orgId}/invitations`, { email: 'meant@example.com', role: 'admin' }));

  const { status } = await ask(other, `/invitations/${await lastLink()}/accept`, {});

  expect([status, await roles(orgId)]).toEqual([403, ['owner']]);
});

test('withdrawn, replaced and expired invitations let nobody in', async () => {
  const { orgId, owner } = await organization();
  const guest = await signedInAs(app, {});
  const invited = async () =>
    done(await ask(owner, `/organizations/${orgId}/invitations`, { email: guest.email, role: 'viewer' })).string('id');
  const links: string[] = [];
  await invited();
  links.push(await lastLink());
  const second = await invited();
  links.push(await lastLink());
  done(await ask(owner, `/organizations/${orgId}/invitations/${second}/withdraw`, {}));
  const third = await invited();
  links.push(await lastLink());
  await app.db.query('update invitations set valid_until = clock_timestamp() where id = $1', [third]);

  const statuses: number[] = [];
  for (const link of links) statuses.push((await ask(guest, `/invitations/${link}/accept`, {})).status);

  expect([statuses, await roles(orgId)]).toEqual([[409, 409, 409], ['owner']]);
});

test('of two guests who come at once to the last seat one is told that it is taken', async () => {
  const { orgId, owner } = await organization();
  await app.db.query('update organizations set seats = 2 where id = $1', [orgId]);
  const guests = [await signedInAs(app, {}), await signedInAs(app, {})];
  const links: string[] = [];
  for (const { email } of guests) {
    done(await ask(owner, `/organizations/${orgId}/invitations`, { email, role: 'developer' }));
    links.push(await lastLink());
  }

  const answers = await Promise.all(guests.map((guest, at) => ask(guest, `/invitations/${links[at]}/accept`, {})));

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(answers.find(({ status }) => status === 409)?.field('code')).toBe('seats_used_up');
});

test('an administrator asks in whom he likes, but no owner', async () => {
  const { orgId } = await organization();
  const admin = await signedInAs(app, { member: { orgId, role: 'admin' } });

  const asOwner = await ask(admin, `/organizations/${orgId}/invitations`, { email: 'a@example.com', role: 'owner' });
  const asAdmin = await ask(admin, `/organizations/${orgId}/invitations`, { email: 'a@example.com', role: 'admin' });

  expect([asOwner.status, asAdmin.status]).toEqual([403, 201]);
});

test('who was removed once comes back by an invitation, in its role', async () => {
  const { orgId, owner } = await organization();
  const guest = await signedInAs(app, { member: { orgId, role: 'admin' } });
  await app.db.query(`update memberships set status = 'removed' where org_id = $1 and person_id = $2`, [
    orgId,
    guest.personId,
  ]);
  done(await ask(owner, `/organizations/${orgId}/invitations`, { email: guest.email, role: 'viewer' }));

  const { body } = await ask(guest, `/invitations/${await lastLink()}/accept`, {});

  expect(body).toMatchObject({ role: 'viewer', status: 'active' });
});

test('an address is mailed five invitations in a day, and others are mailed all the same', async () => {
  const { orgId, owner } = await organization();
  const invite = (email: string) => ask(owner, `/organizations/${orgId}/invitations`, { email, role: 'viewer' });

  const statuses: number[] = [];
  for (let time = 0; time < 6; time += 1) statuses.push((await invite('stranger@example.com')).status);

  expect(statuses).toEqual([...Array(5).fill(201), 429]);
  expect((await invite('another@example.com')).status).toBe(201);
});

test('who is suspended does not come back by an invitation from before', async () => {
  const { orgId, owner } = await organization();
  const guest = await signedInAs(app, {});
  done(await ask(owner, `/organizations/${orgId}/invitations`, { email: guest.email, role: 'admin' }));
  const link = await lastLink();
  const body = { personId: guest.personId, role: 'viewer' };
  done(await app.call('post', `/api/v1/organizations/${orgId}/members`, { body }));
  await app.db.query(`update memberships set status = 'suspended' where org_id = $1 and person_id = $2`, [
    orgId,
    guest.personId,
  ]);

  const refused = await ask(guest, `/invitations/${link}/accept`, {});

  expect([refused.status, refused.field('code'), await roles(orgId)]).toEqual([409, 'known_member', ['owner']]);
});

test('a link that we never made is no invitation', async () => {
  const guest = await signedInAs(app, {});

  const statuses = [
    await ask(guest, '/invitations/guess'),
    await ask(guest, `/invitations/${'x'.repeat(64)}/accept`, {}),
  ].map(({ status }) => status);

  expect(statuses).toEqual([404, 404]);
});

test('who has not proved yet that he reads the address does not come in', async () => {
  const { orgId, owner } = await organization();
  const guest = await signedInAs(app, {});
  await app.db.query('update persons set email_verified_at = null where id = $1', [guest.personId]);
  done(await ask(owner, `/organizations/${orgId}/invitations`, { email: guest.email, role: 'viewer' }));

  const { status } = await ask(guest, `/invitations/${await lastLink()}/accept`, {});

  expect([status, await roles(orgId)]).toEqual([403, ['owner']]);
});

test('an invitation of another organization is not there, under whichever organization it is withdrawn', async () => {
  const [{ orgId, owner }, other] = [await organization(), await organization()];
  const sent = { email: 'guest@example.com', role: 'viewer' };
  const id = done(await ask(other.owner, `/organizations/${other.orgId}/invitations`, sent)).string('id');

  const statuses = [
    await ask(owner, `/organizations/${orgId}/invitations/${id}/withdraw`, {}),
    await ask(owner, `/organizations/${other.orgId}/invitations/${id}/withdraw`, {}),
    await ask(other.owner, `/organizations/${other.orgId}/invitations/${id}/withdraw`, {}),
  ].map(({ status }) => status);

  expect(statuses).toEqual([404, 404, 200]);
});

test.each(['suspended', 'removed'])(
  'who is %s is to the organization as somebody whom it never knew',
  async (status) => {
    const { orgId } = await organization();
    const admin = await signedInAs(app, { member: { orgId, role: 'admin' } });
    const reads = async () => (await ask(admin, `/organizations/${orgId}/members`)).status;
    const before = await reads();
    await app.db.query('update memberships set status = $3 where org_id = $1 and person_id = $2', [
      orgId,
      admin.personId,
      status,
    ]);

    expect([before, await reads()]).toEqual([200, 404]);
  },
);

test('a link that we fail to follow stands in no log', async () => {
  const { orgId, owner } = await organization();
  done(await ask(owner, `/organizations/${orgId}/invitations`, { email: 'guest@example.com', role: 'viewer' }));
  const link = await lastLink();
  await app.db.query('alter table invitations rename to mislaid');

  const statuses = [await ask(owner, `/invitations/${link}`), await ask(owner, `/invitations/${link}/accept`, {})].map(
    ({ status }) => status,
  );

  await app.db.query('alter table mislaid rename to invitations');
  expect(statuses).toEqual([500, 500]);
  expect(app.log.join('')).toContain('request_failed');
  expect(app.log.join('')).not.toContain(link);
});

async function organization(): Promise<{ orgId: string; owner: Somebody }> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  await app.db.query('update organizations set seats = null where id = $1', [orgId]);
  return { orgId, owner: await signedInAs(app, { member: { orgId, role: 'owner' } }) };
}

function ask(by: Somebody, under: string, body?: unknown): Promise<Answered> {
  const sent = { credential: null, headers: { cookie: by.cookie, origin: app.url } };
  return app.call(
    body === undefined ? 'get' : 'post',
    `/api/v1${under}`,
    body === undefined ? sent : { ...sent, body },
  );
}

/** As the mail has it. */
async function lastLink(): Promise<string> {
  const { rows } = await app.db.query<{ id: string }>('select id from invitations order by created_at desc limit 1');
  return (
    app.invitationLinks
      .urlOf(rows[0]?.id ?? '')
      .split('/')
      .at(-1) ?? ''
  );
}

async function roles(orgId: string): Promise<string[]> {
  const { rows } = await app.db.query<{ role: string }>(
    `select role from memberships where org_id = $1 and status = 'active' order by created_at`,
    [orgId],
  );
  return rows.map(({ role }) => role);
}
