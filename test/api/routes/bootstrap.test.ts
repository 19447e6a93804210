// The first admin: made once, by a token that was printed, within half an hour; there is no other way, and no account before.
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { firstAdmin } from '../../../scripts/first-admin.ts';
import { Browser, PASSWORD } from './browser.ts';
import { ADMIN_TOKEN, type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false);
});
afterAll(() => app.close());
afterEach(() => app.db.query('delete from staff_roles'));

const printed = () => firstAdmin({ api: app.url, adminToken: ADMIN_TOKEN });

async function newToken(): Promise<string> {
  return (await printed())?.bootstrapToken ?? 'none';
}

function become(
  bootstrapToken: string,
  email = `${randomUUID()}@example.com`,
  browser = new Browser(app),
): Promise<Answered> {
  return browser.post('/bootstrap', { bootstrapToken, email, name: 'Root', password: PASSWORD });
}

const refusal = ({ status, body }: Answered) => [status, Object(body).code];

test('a new installation has no account, and whoever has the printed token is its admin, signed in and verified', async () => {
  const before = await app.db.query('select from auth.accounts union all select from staff_roles');
  const browser = new Browser(app);

  const answer = done(await become(await newToken(), 'root@example.com', browser));

  expect(before.rowCount).toBe(0);
  expect(answer.body).toMatchObject({ email: 'root@example.com', staffRoles: ['admin'], memberships: [] });
  expect((await browser.get('/me')).body).toEqual(answer.body);
  expect((await new Browser(app).signIn('root@example.com')).status).toBe(200);
});

test('once there is an admin no token makes another, and start prints none', async () => {
  const printedToken = await newToken();
  done(await become(printedToken));

  expect(refusal(await become(printedToken))).toEqual([422, 'wrong_code']);
  expect(await printed()).toBeNull();
  expect(refusal(await app.call('post', '/api/v1/bootstrap-tokens', { body: {} }))).toEqual([409, 'conflict']);
});

test('of many who use one token at once, one is the admin', async () => {
  const printedToken = await newToken();

  const answers = await Promise.all(Array.from({ length: 6 }, () => become(printedToken)));

  const { rowCount } = await app.db.query('select from staff_roles');
  expect([answers.filter(({ status }) => status === 200).length, rowCount]).toEqual([1, 1]);
});

test('a token works for half an hour, until another is made, and stands nowhere but as its hash', async () => {
  const [first, second] = [await newToken(), await newToken()];
  const replaced = await become(first);
  const { rows } = await app.db.query(
    `select secret_hash as hash, valid_until between clock_timestamp() + interval '29 minutes' and clock_timestamp() + interval '30 minutes' as "halfAnHour"
       from auth.bootstraps`,
  );
  await app.db.query('update auth.bootstraps set valid_until = clock_timestamp()');

  expect(refusal(replaced)).toEqual([422, 'wrong_code']);
  expect(rows).toEqual([{ hash: createHash('sha256').update(second).digest(), halfAnHour: true }]);
  expect(refusal(await become(second))).toEqual([422, 'wrong_code']);
  expect(refusal(await become('x'.repeat(43)))).toEqual([422, 'wrong_code']);
});

test('nobody’s account becomes the admin’s, and the token is still good for another address', async () => {
  const { email, personId } = await new Browser(app).signUp();
  const printedToken = await newToken();

  expect(refusal(await become(printedToken, email))).toEqual([409, 'conflict']);
  const answer = done(await become(printedToken));

  expect(answer.string('id')).not.toBe(personId);
});
