// An enterprise applies and is decided on by people who are signed in: owners of its own organization alone write, those who sell decide, the
// second of two hears who was first, and neither sees what is for the other.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Onboardings } from '../../../services/onboarding/onboardings.ts';
import { FORM, LARGE, TERMS } from '../../services/onboarding/desk.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

let app: ManagementApp;
let onboardings: Onboardings;
let eve: Somebody;
let ben: Somebody;

beforeAll(async () => {
  app = await startManagementApp();
  onboardings = new Onboardings(app.worker);
  eve = await signedInAs(app, { staff: ['business'] });
  ben = await signedInAs(app, { staff: ['business'] });
});
afterAll(() => app.close());

function as({ cookie }: Somebody, method: string, path: string, body?: object, headers = {}): Promise<Answered> {
  const sent = { credential: null, headers: { cookie, origin: app.url, ...headers } };
  return app.call(method, `/api/v1${path}`, body === undefined ? sent : { ...sent, body });
}

async function newOwner(): Promise<{ readonly orgId: string; readonly owner: Somebody; readonly path: string }> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Initech' } })).string('id');
  const owner = await signedInAs(app, { member: { orgId, role: 'owner' } });
  return { orgId, owner, path: `/organizations/${orgId}/applications` };
}

/** Submitted by its owner. */
async function applied() {
  const { orgId, owner, path } = await newOwner();
  const id = done(await as(owner, 'post', path, { form: FORM })).string('id');
  done(await as(owner, 'post', `${path}/${id}/submit`, {}));
  return { orgId, owner, path: `${path}/${id}`, id };
}

/** As its workflow does. */
async function looked(id: string): Promise<string> {
  for (;;) {
    const { goesOn, stage } = await onboardings.tick(id);
    if (!goesOn) return stage;
  }
}

function decide(who: Somebody, id: string, wanted: object = {}): Promise<Answered> {
  const whole = { revision: 1, level: 1, kind: 'approve', ...wanted };
  return as(who, 'post', `/applications/${id}/decisions`, whole);
}

test('an owner saves a draft, is told what is missing, and nothing that was saved is lost by who has not seen it', async () => {
  const { owner, path } = await newOwner();
  const begun = done(await as(owner, 'post', path, { form: { company: 'Init' } }));
  const one = `${path}/${begun.string('id')}`;

  const early = await as(owner, 'post', `${one}/submit`, {});
  const saved = await as(owner, 'patch', one, { form: FORM }, { 'if-match': begun.headers.get('etag') ?? '' });
  const stale = await as(owner, 'patch', one, { form: {} }, { 'if-match': begun.headers.get('etag') ?? '' });
  const blind = await as(owner, 'patch', one, { form: {} });
  const submitted = await as(owner, 'post', `${one}/submit`, {});

  expect([early.status, early.text]).toEqual([422, expect.stringContaining('fill in domain, useCase')]);
  expect([saved.status, stale.status, blind.status, submitted.status]).toEqual([200, 412, 428, 200]);
  expect((await as(owner, 'get', one)).field('form')).toEqual(FORM);
  expect(submitted.field('stage')).toBe('in_review');
});

test.each([
  ['a domain', { domain: 'http://initech.example/' }],
  ['a mail address', { contacts: [{ name: 'Ada', email: 'nobody' }] }],
  ['an amount', { monthlyVolumeCents: -1 }],
  ['a field that is for us', { stage: 'active' }],
])('%s that cannot be is refused, and says where', async (_, form) => {
  const { owner, path } = await newOwner();

  const refused = await as(owner, 'post', path, { form });

  expect([refused.status, refused.text]).toEqual([422, expect.stringContaining(Object.keys(form)[0] ?? '')]);
});

test('what another organization applies with is not there, under whichever organization it is asked for', async () => {
  const { id } = await applied();
  const { owner, path, orgId } = await newOwner();

  const statuses = [
    await as(owner, 'get', `${path}/${id}`),
    await as(owner, 'patch', `${path}/${id}`, { form: {} }, { 'if-match': '*' }),
    await as(owner, 'post', `${path}/${id}/withdraw`, {}),
    await as(owner, 'post', `${path}/${id}/messages`, { body: 'x' }),
    await as(eve, 'get', `/organizations/${orgId}/applications/${id}`),
  ].map(({ status }) => status);

  expect(statuses).toEqual([404, 404, 404, 404, 404]);
});

test('from the inbox: hints and thread, a question, its answer, an approval, and the enterprise is one', async () => {
  const { id, owner, path } = await applied();
  await as(owner, 'post', `${path}/messages`, { body: 'please hurry' });

  const waiting = await as(eve, 'get', '/applications?state=in_review');
  const file = await as(eve, 'get', `/applications/${id}`);
  done(await decide(eve, id, { kind: 'ask', reason: 'your VAT ID?' }));
  await looked(id);
  const asked = await as(owner, 'get', path);
  done(await as(owner, 'post', `${path}/submit`, {}));
  done(await decide(ben, id, { revision: 2, terms: TERMS }));
  const stage = await looked(id);

  expect(waiting.field('data.0.id')).toBe(id);
  expect([file.field('submitted'), file.field('thread.0.body'), file.field('level')]).toEqual([
    FORM,
    'please hurry',
    1,
  ]);
  expect([asked.field('stage'), asked.field('question')]).toEqual(['info_requested', 'your VAT ID?']);
  expect(stage).toBe('active');
  const known = await as(eve, 'get', `/applications/${id}`);
  expect(known.list('decisions')).toMatchObject([
    { kind: 'ask', actor: `person:${eve.personId}` },
    { kind: 'approve', actor: `person:${ben.personId}`, terms: TERMS },
  ]);
  expect(known.field('welcome')).toBe('open');
  const own = await as(owner, 'get', path);
  expect(own.text).not.toMatch(new RegExp(`${eve.personId}|${ben.personId}|hints|decisions`));
});

test('a large credit line takes two, a late click hears who decided, and a stale one what has changed', async () => {
  const { id } = await applied();
  done(await decide(eve, id, { terms: LARGE }));
  await looked(id);

  const again = await decide(ben, id, { terms: TERMS });
  const alone = await decide(eve, id, { level: 2 });
  const stale = await decide(ben, id, { revision: 7 });
  done(await decide(ben, id, { level: 2 }));

  expect([again.status, again.text]).toEqual([409, expect.stringContaining(`person:${eve.personId} has approved`)]);
  expect([alone.status, alone.text]).toEqual([403, expect.stringContaining('has approved this revision already')]);
  expect([stale.status, stale.text]).toEqual([409, expect.stringContaining('is at revision 1 by now')]);
  expect(await looked(id)).toBe('active');
});

test('whoever works for us and belongs to the organization decides nothing about it', async () => {
  const { id, owner } = await applied();
  await app.db.query(`insert into staff_roles (person_id, role) values ($1, 'business')`, [owner.personId]);

  const refused = await decide(owner, id, { terms: TERMS });

  expect(refused.status).toBe(403);
  expect(await looked(id)).toBe('in_review');
});

test.each([
  ['an approval without terms', { kind: 'approve' }, 'terms'],
  ['a rejection without a reason', { kind: 'reject' }, 'reason'],
  ['a question with terms', { kind: 'ask', reason: 'why?', terms: TERMS }, 'terms'],
])('%s is refused', async (_, wanted, field) => {
  const { id } = await applied();

  const refused = await decide(eve, id, wanted);

  expect([refused.status, refused.text]).toEqual([422, expect.stringContaining(field)]);
});
