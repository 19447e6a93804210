// What comes in at /webhooks/stripe is believed only when Stripe signed these very bytes with our secret, and now.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ManagementApp, startManagementApp, WEBHOOK_SECRET } from './management-app.ts';

const NOW = () => Math.floor(Date.now() / 1000);

let app: ManagementApp;
beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

let events = 0;
function newEvent(type = 'checkout.session.expired'): string {
  events += 1;
  const object = { id: `cs_test_${events}`, object: 'checkout.session' };
  return JSON.stringify({ id: `evt_${events}`, object: 'event', type, created: NOW(), data: { object } });
}

function signed(body: string, at = NOW(), secret = WEBHOOK_SECRET): Record<string, string> {
  const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
  return { 'stripe-signature': `t=${at},v1=${signature}` };
}

async function told(body: string, headers: Record<string, string>): Promise<[number, unknown]> {
  const answer = await app.call('post', '/webhooks/stripe', { credential: null, body, headers });
  return [answer.status, answer.field('code') ?? answer.field('received')];
}

async function isStored(body: string): Promise<boolean> {
  const { rows } = await app.db.query('select from stripe_events where id = $1', [JSON.parse(body).id]);
  return rows.length === 1;
}

test.each([
  ['now', 0],
  ['four minutes ago', -240],
  ['by a clock that is four minutes fast', 240],
])('an event that was signed %s is stored before it is acknowledged', async (_, seconds) => {
  const body = newEvent();

  const answer = await told(body, signed(body, NOW() + seconds));

  expect([answer, await isStored(body)]).toEqual([[200, true], true]);
});

test.each<[string, (body: string) => Record<string, string>]>([
  ['is not signed', () => ({})],
  ['has garbage for a signature', () => ({ 'stripe-signature': 'garbage' })],
  ['was signed with another secret', (body) => signed(body, NOW(), 'whsec_other')],
  ['was signed for other bytes', (body) => signed(`${body} `)],
  ['was signed more than five minutes ago', (body) => signed(body, NOW() - 310)],
  ['was signed for an hour from now', (body) => signed(body, NOW() + 3_600)],
  ['was signed for ten years from now', (body) => signed(body, NOW() + 315_360_000)],
])('an event that %s is refused and not kept', async (_, headers) => {
  const body = newEvent();

  const answer = await told(body, headers(body));

  expect([answer, await isStored(body)]).toEqual([[400, 'invalid_signature'], false]);
});

test('an event that is about nothing of ours is acknowledged and not kept', async () => {
  const body = newEvent('customer.created');

  expect([await told(body, signed(body)), await isStored(body)]).toEqual([[200, true], false]);
});

test('more than a mebibyte is not read', async () => {
  const body = JSON.stringify({ id: 'evt_huge', filler: 'x'.repeat(1_100_000) });

  expect(await told(body, signed(body))).toEqual([413, 'body_too_large']);
});

test('where no payments are taken, both ends say so, and where no scanner is known, that one does', async () => {
  const without = await startManagementApp(false);
  try {
    const orgId = (await without.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
    const checkout = await without.call('post', `/api/v1/organizations/${orgId}/checkouts`, {
      body: { pack: 'pack_10' },
    });
    const webhook = await without.call('post', '/webhooks/stripe', { credential: null, body: {} });

    for (const { status, body } of [checkout, webhook]) {
      expect([status, body]).toEqual([501, expect.objectContaining({ code: 'payments_not_configured' })]);
    }
    const report = await without.call('post', '/webhooks/secret-scanning', { credential: null, body: [] });
    expect([report.status, report.field('code')]).toEqual([501, 'secret_scanning_not_configured']);
  } finally {
    await without.close();
  }
});
