// Whoever leaves an organization takes no API key along and leaves none behind: they are revoked, or a colleague has them, and what was under way
// meanwhile is counted once, under whose key it was.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { Browser } from './browser.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { answeredRequest, newKey, openShop, type PayingCustomer, type Shop } from './paying-customer.ts';

const ANY_VERSION = { 'if-match': '*' };
/** Of the shop's price: $0.01. */
const A_CENT = { output: 1_000 };

let app: ManagementApp;
let shop: Shop;

beforeAll(async () => {
  app = await startManagementApp(true, ['127.0.0.1']);
  shop = await openShop(app, 'std');
});
afterAll(async () => {
  await shop.gateway.close();
  await app.close();
});

let lastNetwork = 0;
const newBrowser = () => new Browser(app, `198.18.2.${++lastNetwork}`);
const refusal = (answer: Answered) => [answer.status, answer.field('code'), answer.field('errors.0.field')];
const post = (path: string, body: object) => app.call('post', `/api/v1${path}`, { body });
const caps = (usd: number) => [{ period: 'day', amountNano: String(usd * 1e9) }];

async function remove(orgId: string, personId: string, keys?: unknown): Promise<Answered> {
  const body = { status: 'removed', ...(keys === undefined ? {} : { keys }) };
  return app.call('patch', `/api/v1/organizations/${orgId}/members/${personId}`, { body, headers: ANY_VERSION });
}

interface Team {
  readonly orgId: string;
  readonly leaver: Browser;
  readonly leaverId: string;
  readonly colleagueId: string;
  /** The leaver's. */
  readonly key: PayingCustomer;
}

/** With five times as much credit as each of both may spend a day. */
async function team(usdADay = 5): Promise<Team> {
  const orgId = done(await post('/organizations', { name: 'Acme' })).string('id');
  done(await post('/grants', { orgId, amountNano: String(5 * usdADay * 1e9) }));
  const leaver = newBrowser();
  const people = [await leaver.signUp(), await newBrowser().signUp(), await newBrowser().signUp()];
  const [leaverId = '', colleagueId = '', ownerId = ''] = people.map(({ personId }) => personId);
  await app.db.query('update organizations set seats = null where id = $1', [orgId]);
  done(await post(`/organizations/${orgId}/members`, { personId: ownerId, role: 'owner' }));
  for (const personId of [leaverId, colleagueId]) {
    done(await post(`/organizations/${orgId}/members`, { personId, role: 'developer' }));
    const path = `/api/v1/organizations/${orgId}/members/${personId}`;
    done(await app.call('patch', path, { body: { caps: caps(usdADay) }, headers: ANY_VERSION }));
  }
  return { orgId, leaver, leaverId, colleagueId, key: await newKey(app, orgId, { memberId: leaverId }) };
}

const keyNow = async ({ id }: PayingCustomer) => {
  const { body } = done(await app.call('get', `/api/v1/api-keys/${id}`));
  return body as { readonly memberId: string; readonly disabledAt: string | null };
};

/** Nano-USD by member. */
async function spentBy(orgId: string): Promise<Record<string, string>> {
  const { rows } = await app.db.query<{ member: string; spent: string }>(
    'select member_id as member, sum(charge_nano)::text as spent from usage_records where org_id = $1 group by member_id',
    [orgId],
  );
  return Object.fromEntries(rows.map(({ member, spent }) => [member, spent]));
}

async function faults(): Promise<string[]> {
  const { checks } = await verifyLedger(app.worker);
  return checks.flatMap(({ id, ok, examples }) => (ok ? [] : [`${id}: ${examples.join(', ')}`]));
}

test('who has API keys in use is removed only when it is said what becomes of them', async () => {
  const { orgId, leaverId, key } = await team();

  const unsaid = await remove(orgId, leaverId);
  const made = [
    await remove(orgId, leaverId, { handOver: leaverId }),
    await remove(orgId, leaverId, { handOver: key.id }),
    await remove(orgId, leaverId, 'keep'),
  ];
  const before = await keyNow(key);
  const answer = done(await remove(orgId, leaverId, 'revoke'));

  expect(refusal(unsaid)).toEqual([422, 'invalid_body', 'keys']);
  expect(made.map(({ status }) => status)).toEqual([422, 422, 422]);
  expect([before.disabledAt, answer.field('status')]).toEqual([null, 'removed']);
  expect((await keyNow(key)).disabledAt).not.toBeNull();
  const audited = done(await app.call('get', `/api/v1/audit?targetId=${orgId}:${leaverId}&limit=1`));
  expect(audited.field('data.0.after.keys')).toEqual({ revoked: [key.id], handedOver: [] });
});

test('keys that work no more need no word, and neither does somebody who has none', async () => {
  const { orgId, leaverId, colleagueId, key } = await team();
  const off = { body: { reason: 'lost' }, headers: ANY_VERSION };
  done(await app.call('post', `/api/v1/api-keys/${key.id}/disable`, off));

  const answers = [await remove(orgId, leaverId), await remove(orgId, colleagueId)];

  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
});

test('a key that is handed over goes on as it is; what was under way is the leaver’s, what comes is the colleague’s', async () => {
  const { orgId, leaverId, colleagueId, key } = await team();
  await answeredRequest(shop, key, A_CENT, { member_id: leaverId });
  const underWay = await shop.gateway.hold(key, '0.01');

  done(await remove(orgId, leaverId, { handOver: colleagueId }));
  await shop.gateway.settle(key, underWay, '0.01');
  const byLease = { member_id: leaverId }; // this gateway has not heard of it yet
  for (let n = 0; n < 20; n += 1) await answeredRequest(shop, key, A_CENT, byLease);

  expect(await keyNow(key)).toMatchObject({ memberId: colleagueId, disabledAt: null });
  const spent = await spentBy(orgId);
  expect(BigInt(spent[leaverId] ?? 0) + BigInt(spent[colleagueId] ?? 0)).toBe(220_000_000n);
  expect(BigInt(spent[leaverId] ?? 0)).toBeGreaterThanOrEqual(20_000_000n);
  expect(BigInt(spent[colleagueId] ?? 0)).toBeGreaterThan(0n);
  expect(await faults()).toEqual([]);
});

test('the caps of both count what was theirs, also of what does not fit its lease, and the colleague’s cap stops the key', async () => {
  const { orgId, leaverId, colleagueId, key } = await team();
  const beyond = await shop.gateway.hold(key, '0.01');
  done(await remove(orgId, leaverId, { handOver: colleagueId }));
  await shop.gateway.settle(key, beyond, '3');
  const further = await shop.gateway.hold(key, '4');
  await shop.gateway.settle(key, further, '4');

  await expect(shop.gateway.hold(key, '2')).rejects.toMatchObject({
    code: expect.stringMatching(/^cap_|credit_in_use/),
  });

  expect(await spentBy(orgId)).toEqual({ [leaverId]: '3000000000', [colleagueId]: '4000000000' });
  expect(await faults()).toEqual([]);
});

test('while a key spends without a pause it changes hands ten times, and the books hold', async () => {
  const { orgId, leaverId, colleagueId, key } = await team(1_000);
  let isOver = false;
  const spending = Array.from({ length: 4 }, async () => {
    while (!isOver) await answeredRequest(shop, key, { output: 100 }, { member_id: leaverId });
  });

  for (let round = 1; round <= 10; round += 1) {
    const [from, to] = round % 2 === 1 ? [leaverId, colleagueId] : [colleagueId, leaverId];
    done(await remove(orgId, from, { handOver: to }));
    await app.db.query(`update memberships set status = 'active' where org_id = $1 and person_id = $2`, [orgId, from]);
    // More than the lease before has left, so that there is another one.
    await shop.gateway.settle(key, await shop.gateway.hold(key, `${round * 5}`), '0.001');
  }
  isOver = true;
  await Promise.all(spending);

  expect(Object.keys(await spentBy(orgId)).sort()).toEqual([leaverId, colleagueId].sort());
  expect(await faults()).toEqual([]);
});

test('somebody leaves by himself, but not as the last owner, and not where he does not belong', async () => {
  const [{ orgId, leaver, leaverId, colleagueId, key }, other] = [await team(), await team()];
  const own = (await leaver.get('/me')).string('memberships.0.orgId');

  const refused = [
    await leaver.post(`/me/memberships/${own}/leave`),
    await leaver.post(`/me/memberships/${orgId}/leave`),
    await leaver.post(`/me/memberships/${other.orgId}/leave`),
  ];
  const left = done(await leaver.post(`/me/memberships/${orgId}/leave`, { keys: { handOver: colleagueId } }));
  const again = await leaver.post(`/me/memberships/${orgId}/leave`);

  expect([...refused, again].map(({ status }) => status)).toEqual([409, 422, 404, 404]);
  expect([left.field('status'), (await keyNow(key)).memberId]).toEqual(['removed', colleagueId]);
  expect((await leaver.get(`/organizations/${orgId}/members/${leaverId}`)).status).toBe(404);
});
