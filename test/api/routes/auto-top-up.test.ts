// What an organization buys by itself is set whole, by whoever has seen what stands, and only where there is a card that could be asked.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

const SETTINGS = { thresholdCents: 500, amountCents: 2_500, dailyCapCents: 5_000, monthlyCapCents: 10_000 };

let app: ManagementApp;
beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

async function newOrganization(hasCard = true): Promise<string> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  if (hasCard) {
    await app.db.query(
      `insert into payment_methods (id, org_id, stripe_payment_method, brand, last4, exp_month, exp_year, is_default, attached_at)
       values ($1, $2, $3, 'visa', '4242', 12, 2030, true, now())`,
      [randomUUID(), orgId, `pm_${orgId}`],
    );
  }
  return orgId;
}

const pathOf = (orgId: string) => `/api/v1/organizations/${orgId}/auto-top-up`;
const read = (orgId: string) => app.call('get', pathOf(orgId));
const set = (orgId: string, settings: object | null, ifMatch = '*') =>
  app.call('patch', pathOf(orgId), { body: { settings }, headers: { 'if-match': ifMatch } });
const refusal = (answer: Answered) => [answer.status, answer.field('code')];

test('what was never set is off, and stays as it was set until somebody switches it off', async () => {
  const orgId = await newOrganization();
  done(await app.call('post', '/api/v1/grants', { body: { orgId, amountNano: '25000000000' } }));
  const before = done(await read(orgId));

  const on = done(await set(orgId, SETTINGS, '"1"'));
  const after = done(await read(orgId));
  const off = done(await set(orgId, null));

  expect([before, on, after, off].map((answer) => answer.field('settings'))).toEqual([null, SETTINGS, SETTINGS, null]);
  expect(before.field('version')).toBe(1);
  expect(after.field('openCents')).toBeNull();
});

test('switched on while credit is low it buys at once, and says so', async () => {
  const orgId = await newOrganization();

  const on = done(await set(orgId, SETTINGS));

  expect(on.field('openCents')).toBe(2_500);
  const payments = done(await app.call('get', `/api/v1/organizations/${orgId}/payments`));
  expect([payments.field('data.0.purpose'), payments.field('data.0.state')]).toEqual(['top_up', 'open']);
});

test('who has seen something else changes nothing, nor who says nothing of what he has seen', async () => {
  const orgId = await newOrganization();
  await set(orgId, SETTINGS);

  const stale = await set(orgId, { ...SETTINGS, amountCents: 5_000 }, '"1"');
  const blind = await app.call('patch', pathOf(orgId), { body: { settings: null } });

  expect([stale, blind].map(refusal)).toEqual([
    [412, 'precondition_failed'],
    [428, 'precondition_required'],
  ]);
  expect((await read(orgId)).field('settings')).toEqual(SETTINGS);
});

test('without a card it can be switched off and not on', async () => {
  const orgId = await newOrganization(false);

  const [on, off] = [await set(orgId, SETTINGS), await set(orgId, null)];

  expect([refusal(on), off.status]).toEqual([[409, 'no_card_on_file'], 200]);
});

test.each([
  ['more at once than in a day', { ...SETTINGS, amountCents: 5_001 }, [422, 'amount_above_cap']],
  ['more at once than in a month', { ...SETTINGS, monthlyCapCents: 2_499 }, [422, 'amount_above_cap']],
  ['a part of the settings', { thresholdCents: 500 }, [422, 'invalid_body']],
  ['half a cent', { ...SETTINGS, amountCents: 2_500.5 }, [422, 'invalid_body']],
  ['nothing at once', { ...SETTINGS, amountCents: 0 }, [422, 'invalid_body']],
  ['another field', { ...SETTINGS, currency: 'eur' }, [422, 'invalid_body']],
])('%s is refused, and what stood stands', async (_, settings, told) => {
  const orgId = await newOrganization();
  await set(orgId, SETTINGS);

  const answer = await set(orgId, settings);

  expect(refusal(answer)).toEqual(told);
  expect((await read(orgId)).field('settings')).toEqual(SETTINGS);
});

test('an organization that does not exist has none', async () => {
  expect([await read(randomUUID()), await set(randomUUID(), null)].map(refusal)).toEqual([
    [404, 'not_found'],
    [404, 'not_found'],
  ]);
});
