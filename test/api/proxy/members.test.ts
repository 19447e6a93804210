// A key goes with its member: out of use at every gateway when he is suspended, for want of a seat or by a person, and back with him; when he leaves
// it is revoked, or another one's.
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
