// Which plan an organization is on, what follows from it, and what an operator's own word outlasts. A trial is given once to whoever is known.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

const ORGANIZATIONS = '/api/v1/organizations';
const TRIAL = { amountNano: '1000000000', source: 'trial' };

async function organization(more: object = {}): Promise<string> {
  return done(await app.call('post', ORGANIZATIONS, { body: { name: 'Acme', ...more } })).string('id');
}

function change(orgId: string, body: object) {
  return app.call('patch', `${ORGANIZATIONS}/${orgId}`, { body, headers: { 'if-match': '*' } });
}

async function shownPlan(orgId: string): Promise<unknown[]> {
  const answer = done(await app.call('get', `${ORGANIZATIONS}/${orgId}`));
  return [answer.field('plan'), answer.field('rateTier')];
}

const lend = (orgId: string, more: object = {}) =>
  app.call('post', `${ORGANIZATIONS}/${orgId}/contract`, {
    body: { creditLineCents: 100_000, reason: 'agreed', ...more },
  });

test('an organization has agreed on no plan until somebody puts it on one, and may leave it again', async () => {
  const orgId = await organization();
  const before = await shownPlan(orgId);

  done(await change(orgId, { plan: 'pay_as_you_go' }));
  const during = await shownPlan(orgId);
  done(await change(orgId, { plan: null }));

  expect([before, during, await shownPlan(orgId)]).toEqual([
    [null, 'standard'],
    ['pay_as_you_go', 'standard'],
    [null, 'standard'],
  ]);
});

test('the rate tier follows the plan, but not where somebody has chosen one, until he takes it back', async () => {
  const follows = await organization();
  const chosen = await organization({ rateTier: 'high' });

  for (const orgId of [follows, chosen]) done(await lend(orgId));
  const onContract = [await shownPlan(follows), await shownPlan(chosen)];
  done(await change(chosen, { rateTier: null }));
  const takenBack = await shownPlan(chosen);
  done(await app.call('post', `${ORGANIZATIONS}/${follows}/contract/end`, { body: { reason: 'over' } }));

  expect(onContract).toEqual([
    ['enterprise', 'very_high'],
    ['enterprise', 'high'],
  ]);
  expect(takenBack).toEqual(['enterprise', 'very_high']);
  expect(await shownPlan(follows)).toEqual([null, 'standard']);
});

test('a contract says what its requests cost, and its plan is not changed beside it', async () => {
  const orgId = await organization();

  const contract = done(await lend(orgId, { priceOfListPpm: 850_000 }));
  const refused = await change(orgId, { plan: 'free' });

  expect(contract.field('priceOfListPpm')).toBe(850_000);
  expect([refused.status, refused.field('errors.0.field')]).toEqual([409, 'plan']);
  const { rows } = await app.db.query(
    'select rate_beyond_included(plan_version_id, null) as ppm from organizations where id = $1',
    [orgId],
  );
  expect(rows).toEqual([{ ppm: 850_000 }]);
});

async function owner(email: string, verified: boolean, ...orgIds: string[]): Promise<void> {
  const personId = done(await app.call('post', '/api/v1/persons', { body: { email, name: 'Ada' } })).string('id');
  if (verified) await verify(personId);
  for (const orgId of orgIds) {
    done(await app.call('post', `${ORGANIZATIONS}/${orgId}/members`, { body: { personId, role: 'owner' } }));
  }
}

async function verify(personId: string): Promise<void> {
  const body = { verified: true, reason: 'he answered' };
  done(await app.call('patch', `/api/v1/persons/${personId}`, { body, headers: { 'if-match': '*' } }));
}

/** As Stripe tells of it. */
async function leaveCard(orgId: string, fingerprint: string): Promise<void> {
  await app.db.query(
    `insert into payment_methods (id, org_id, stripe_payment_method, brand, last4, exp_month, exp_year, fingerprint, attached_at)
     values (gen_random_uuid(), $1, 'pm_' || gen_random_uuid(), 'visa', '4242', 12, 2040, $2, now())`,
    [orgId, fingerprint],
  );
}

async function trialFor(orgId: string): Promise<number> {
  return (await app.call('post', '/api/v1/grants', { body: { orgId, ...TRIAL } })).status;
}

test('a trial is given once per verified mail address, in whatever organization, and credit is not moved by a second', async () => {
  const [first, second] = [await organization(), await organization()];
  await owner('once@example.com', true, first, second);

  expect(await trialFor(first)).toBe(201);
  expect([await trialFor(first), await trialFor(second)]).toEqual([409, 409]);

  const balance = done(await app.call('get', `${ORGANIZATIONS}/${second}/balance`));
  expect(balance.field('balanceNano')).toBe('0');
});

test('a trial waits for a verified address', async () => {
  const orgId = await organization();
  await owner('unverified@example.com', false, orgId);

  expect(await trialFor(orgId)).toBe(409);
});

test('a trial is given once per card, also one that was left after the trial, and by two at once to one of them', async () => {
  const [first, second, third, fourth] = [
    await organization(),
    await organization(),
    await organization(),
    await organization(),
  ];
  expect(await trialFor(first)).toBe(201);
  await leaveCard(first, 'fp_of_a_trial');
  await leaveCard(second, 'fp_of_a_trial');
  for (const orgId of [third, fourth]) await leaveCard(orgId, 'fp_of_two');

  const later = await trialFor(second);
  const atOnce = await Promise.all([trialFor(third), trialFor(fourth)]);

  expect(later).toBe(409);
  expect(atOnce.toSorted()).toEqual([201, 409]);
});

test('an address that is verified after the trial has had it', async () => {
  const [first, second] = [await organization(), await organization()];
  expect(await trialFor(first)).toBe(201);
  await owner('late@example.com', true, first, second);

  expect(await trialFor(second)).toBe(409);
});

test('an organization whose owners and cards nobody knows is given what an operator likes', async () => {
  const orgId = await organization();

  expect([await trialFor(orgId), await trialFor(orgId)]).toEqual([201, 201]);
});
