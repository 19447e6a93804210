// The route that moves the clock of billing: what it takes, whom it tells, and that it is not there where money is real.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nightsProven } from '../../support/nights-proven.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { newPayingCustomer } from './paying-customer.ts';

const HOUR_MS = 3_600_000;

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp();
  await nightsProven(app.db);
});
afterAll(() => app.close());

function advance(span: unknown, headers = {}) {
  return app.call('post', '/api/v1/demo/clock', { body: { advance: span }, headers });
}

async function now(): Promise<number> {
  return Date.parse(done(await app.call('get', '/api/v1/demo/clock')).string('now'));
}

async function stripeNow(): Promise<number> {
  return Date.parse(JSON.parse(await (await fetch(`${app.stripe}/_test/clock`)).text()).now);
}

test('moved, it says from where, to where and what was due on the way, tells when asked, and leaves an audit row', async () => {
  const before = await now();

  const moved = done(await advance('36 hours'));

  const [from, to] = [Date.parse(moved.string('from')), Date.parse(moved.string('to'))];
  expect([Math.round((to - from) / HOUR_MS), from >= before, moved.list('stops')]).toEqual([36, true, []]);
  const told = done(await app.call('get', '/api/v1/demo/clock'));
  expect(Date.parse(told.string('now'))).toBeGreaterThanOrEqual(to);
  expect(Math.round(Number(told.field('offsetSeconds')) / 3_600)).toBe(36);
  const { rows } = await app.db.query(
    `select actor, before ->> 'at' as "from", after ->> 'at' as "to" from audit_log where action = 'billing_clock.advanced'`,
  );
  expect(rows).toEqual([{ actor: 'admin', from: moved.string('from'), to: moved.string('to') }]);
});

test('the fake Stripe is taken along, and its own events are stops like ours', async () => {
  const { orgId } = await newPayingCustomer(app);
  const checkout = done(
    await app.call('post', `/api/v1/organizations/${orgId}/checkouts`, { body: { pack: 'pack_10' } }),
  );

  const moved = done(await advance('1 day'));

  expect(await stripeNow()).toBeGreaterThanOrEqual(Date.parse(moved.string('to')));
  const path = `/api/v1/payments/${checkout.string('paymentId')}`;
  expect(done(await app.call('get', path)).field('state')).toBe('expired');
  const [stop] = moved.list('stops') as { at: string; due: string[] }[];
  expect(Math.round((Date.parse(stop?.at ?? '') - Date.parse(moved.string('from'))) / HOUR_MS)).toBe(1);
  const { rows } = await app.db.query('select closed_at >= expires_at as "inTime" from checkouts where org_id = $1', [
    orgId,
  ]);
  expect(rows).toEqual([{ inTime: true }]);
});

test.each(['', '7', '-1 days', '0 days', '1.5 hours', '7 weeks', '401 days', 'P7D', '7days', 7, null])(
  'a span of %p is refused, and moves nothing',
  async (span) => {
    const before = await now();

    const refused = await advance(span);

    expect([refused.status, refused.field('code')]).toEqual([422, 'invalid_body']);
    expect((await now()) - before).toBeLessThan(60_000);
  },
);

test('a repetition with its Idempotency-Key moves nothing more', async () => {
  const repeatable = { 'idempotency-key': 'once' };
  const first = done(await advance('1 hour', repeatable));

  const again = done(await advance('1 hour', repeatable));

  expect(again.text).toBe(first.text);
  expect((await now()) - Date.parse(first.string('to'))).toBeLessThan(60_000);
});

test('what does not come to rest is named with where the clock stands, and the move is in the audit log all the same', async () => {
  const { rows } = await app.db.query<{ at: Date }>(
    `insert into reconciliations (name, stage, answer_by) select 'unanswered', 'attention', billing_now() + interval '2 hours'
     returning answer_by as at`,
  );

  const refused = await advance('1 day');

  expect([refused.status, refused.field('code')]).toEqual([503, 'clock_not_at_rest']);
  expect(refused.string('detail')).toContain('(reconciliations)');
  expect((await now()) - (rows[0]?.at.getTime() ?? 0)).toBeLessThan(60_000);
  const audited = await app.db.query('select from audit_log where request_id = $1', [
    refused.headers.get('x-request-id'),
  ]);
  expect(audited.rowCount).toBe(1);
  await app.db.query(
    `update reconciliations set stage = 'dismissed', answer_by = null, ended_at = now() where name = 'unanswered'`,
  );
});

test('without the fake Stripe there is no such clock, neither to move nor to read', async () => {
  const other = await startManagementApp(false);

  const answers = [
    await other.call('post', '/api/v1/demo/clock', { body: { advance: '7 days' } }),
    await other.call('get', '/api/v1/demo/clock'),
  ];

  expect(answers.map((answer) => [answer.status, answer.field('code')])).toEqual(
    Array(2).fill([501, 'demo_clock_disabled']),
  );
  await other.close();
});
