// What becomes of a key is followed by every gateway. It goes with its member: out of use when he is suspended, for want of a seat or by a person, and
// back with him; when he leaves it is revoked, or another one's. It is rolled, and frozen when it was found elsewhere.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { restoreWithinSeats, suspendAboveSeats } from '../../../services/people/seats.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { until } from '../../support/until.ts';
import { type Customer, manage, newApiKey, newCustomer, stock } from '../reliability/customers.ts';
import { ask } from '../reliability/requests.ts';
import { openSite, type Site } from '../reliability/site.ts';

let site: Site;
let gateways: readonly Pick<Site, 'url'>[];
let worker: Pool;

beforeAll(async () => {
  site = await openSite();
  await site.start();
  gateways = [site, await site.startBeside()];
  worker = createPool(site.database.urlFor('worker'), { name: 'plans', maxConnections: 2, statementTimeoutMs: 5_000 });
  await stock(site);
});
afterAll(async () => {
  await worker.end();
  await site.close();
});

/** As a change of plan does it. */
function haveSeats(orgId: string, seats: number): Promise<unknown> {
  return inTransaction(worker, async (tx) => {
    await tx.query('update organizations set seats = $2 where id = $1', [orgId, seats]);
    return [await suspendAboveSeats(tx, orgId), await restoreWithinSeats(tx, orgId)];
  });
}

async function join({ orgId, projectId }: Customer, role: string) {
  const person = await manage(site, 'POST', '/persons', { email: `${crypto.randomUUID()}@example.com`, name: 'Ada' });
  const personId = String(person.id);
  await manage(site, 'POST', `/organizations/${orgId}/members`, { personId, role });
  const { credential } = await newApiKey(site, orgId, projectId, { memberId: personId });
  return { personId, credential };
}

/** What each gateway says to it: OpenAI's error code, or 200. */
async function answersTo(credential: string): Promise<unknown[]> {
  const heard = await Promise.all(gateways.map((gateway) => ask(gateway, { credential })));
  return heard.map(({ status, code }) => (status === 200 ? 200 : code));
}

async function untilAnswered(credential: string, expected: unknown): Promise<void> {
  await until(async () => (await answersTo(credential)).every((answer) => answer === expected));
}

test('M28: with the seats of Pro the keys of members 2 to 5 are refused everywhere, with those of Team they work again', async () => {
  const customer = await newCustomer(site, { usd: '1' });
  await haveSeats(customer.orgId, 5);
  const owner = await join(customer, 'owner');
  const others = [];
  for (const role of ['admin', 'billing', 'developer', 'developer']) others.push(await join(customer, role));
  for (const { credential } of [owner, ...others]) expect(await answersTo(credential)).toEqual([200, 200]);

  await haveSeats(customer.orgId, 1);
  for (const { credential } of others) await untilAnswered(credential, 'api_key_disabled');
  for (const { credential } of [owner, customer]) expect(await answersTo(credential)).toEqual([200, 200]);

  await haveSeats(customer.orgId, 5);
  for (const { credential } of others) await untilAnswered(credential, 200);
});

test('the key of a member who is suspended says so, and is enabled with him only', async () => {
  const customer = await newCustomer(site, { usd: '1' });
  await haveSeats(customer.orgId, 5);
  await join(customer, 'owner');
  const { personId, credential } = await join(customer, 'developer');
  const membership = `/organizations/${customer.orgId}/members/${personId}`;
  expect(await answersTo(credential)).toEqual([200, 200]);

  await manage(site, 'PATCH', membership, { status: 'suspended' });
  await untilAnswered(credential, 'api_key_disabled');
  expect((await ask(site, { credential })).text).toContain('a member who is suspended or has left');

  await manage(site, 'PATCH', membership, { status: 'active' });
  await untilAnswered(credential, 200);
});

test('the key of a member who leaves is refused everywhere, or works on everywhere, as long as the colleague does who has it', async () => {
  const customer = await newCustomer(site, { usd: '1' });
  await haveSeats(customer.orgId, 5);
  await join(customer, 'owner');
  const [one, other, colleague] = [
    await join(customer, 'developer'),
    await join(customer, 'developer'),
    await join(customer, 'developer'),
  ];
  const change = ({ personId }: { readonly personId: string }, body: object) =>
    manage(site, 'PATCH', `/organizations/${customer.orgId}/members/${personId}`, body);
  for (const { credential } of [one, other]) expect(await answersTo(credential)).toEqual([200, 200]);

  await change(one, { status: 'removed', keys: 'revoke' });
  await change(other, { status: 'removed', keys: { handOver: colleague.personId } });
  await untilAnswered(one.credential, 'api_key_disabled');
  expect(await answersTo(other.credential)).toEqual([200, 200]);

  await change(colleague, { status: 'suspended' });
  await untilAnswered(other.credential, 'api_key_disabled');
});

test('T104: of a rolled key every gateway takes both credentials, the old one to its end alone, and knows by itself when that is', async () => {
  const customer = await newCustomer(site, { usd: '1' });
  const path = `/api-keys/${customer.apiKeyId}`;
  expect(await answersTo(customer.credential)).toEqual([200, 200]);

  const rolled = String((await manage(site, 'POST', `${path}/roll`, { overlapHours: 24 })).credential);
  await untilAnswered(rolled, 200);
  expect(await answersTo(customer.credential)).toEqual([200, 200]);
  await until(
    async () => (await manage(site, 'GET', path)).rotation !== null && (await usedFrom(path)) === '127.0.0.1',
  );

  // From here on nobody tells them anything: they have read until when it works.
  await site.admin.query(
    `update api_key_rotations set ends_at = billing_now() + interval '1 second' where api_key_id = $1`,
    [customer.apiKeyId],
  );
  await untilAnswered(customer.credential, 'api_key_expired');
  expect((await ask(site, { credential: customer.credential })).text).toContain('was rolled');
  expect(await answersTo(rolled)).toEqual([200, 200]);
});

async function usedFrom(path: string): Promise<unknown> {
  const { rotation } = await manage(site, 'GET', path);
  return (rotation as { usedFrom?: string } | null)?.usedFrom;
}

test('a roll that is taken back, and an overlap that is ended, are followed everywhere', async () => {
  const [kept, ended] = [await newCustomer(site, { usd: '1' }), await newCustomer(site, { usd: '1' })];
  const rolled: string[] = [];
  for (const { apiKeyId } of [kept, ended]) {
    const { credential } = await manage(site, 'POST', `/api-keys/${apiKeyId}/roll`, { overlapHours: 720 });
    rolled.push(String(credential));
    await untilAnswered(String(credential), 200);
  }

  await manage(site, 'POST', `/api-keys/${kept.apiKeyId}/rotation/end`, { keep: 'old' });
  await manage(site, 'POST', `/api-keys/${ended.apiKeyId}/rotation/end`, { keep: 'new' });

  await untilAnswered(rolled[0] ?? '', 'api_key_expired');
  await untilAnswered(ended.credential, 'api_key_expired');
  expect(await answersTo(kept.credential)).toEqual([200, 200]);
  expect(await answersTo(rolled[1] ?? '')).toEqual([200, 200]);
});

test('a key that was found elsewhere is refused by every gateway, to each client in its own words, until it is rolled', async () => {
  const customer = await newCustomer(site, { usd: '1' });
  const { credential } = customer;
  expect(await answersTo(credential)).toEqual([200, 200]);

  await manage(site, 'POST', '/leak-reports', { credential });
  await untilAnswered(credential, 'api_key_frozen');
  for (const path of ['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/messages']) {
    const { status, text, headers } = await ask(site, { credential, path });
    const { error } = JSON.parse(text) as { error: { type: string; code?: string; message: string } };
    expect([path, status, headers['x-should-retry']]).toEqual([path, 401, 'false']);
    if (path === '/v1/messages') expect(error.type).toBe('authentication_error');
    else expect(error).toMatchObject({ type: 'invalid_request_error', code: 'api_key_frozen' });
    expect(error.message).toContain('is frozen, because it was found where others can read it');
  }

  const rolled = await manage(site, 'POST', `/api-keys/${customer.apiKeyId}/roll`, { overlapHours: 0 });
  await untilAnswered(String(rolled.credential), 200);
  await untilAnswered(credential, 'api_key_expired');
});
