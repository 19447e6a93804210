// Pages of other sites, and programs that guess: neither gets in, and neither keeps honest people out.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROUTES } from '../../../api/app.ts';
import { requireOwnPage } from '../../../api/routes/own-page.ts';
import { Cookies } from '../../../services/accounts/cookies.ts';
import { Browser, PASSWORD } from './browser.ts';
import { type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
});
afterAll(() => app.close());

let lastNetwork = 0;
const newNetwork = () => `198.19.${Math.floor(lastNetwork / 250)}.${(lastNetwork++ % 250) + 1}`;

/** Ten at a time, which all find a place in the queue of the hashing. */
async function inTens(times: number, guess: (at: number) => Promise<number>): Promise<number[]> {
  const statuses: number[] = [];
  while (statuses.length < times) {
    const first = statuses.length;
    statuses.push(...(await Promise.all(Array.from({ length: 10 }, (_, at) => guess(first + at)))));
  }
  return statuses;
}

const ownPage = () => ({ origin: app.url });
const PAGES: readonly (readonly [name: string, headers: () => Record<string, string>, isOurs: boolean])[] = [
  ['our own', ownPage, true],
  ['our own, by what the browser says of it', () => ({ 'sec-fetch-site': 'same-origin' }), true],
  ['another site', () => ({ origin: 'https://evil.example' }), false],
  ['another port', () => ({ origin: 'http://127.0.0.1:1' }), false],
  ['no page that it would name', () => ({ origin: 'null' }), false],
  ['a neighbour of the domain', () => ({ ...ownPage(), 'sec-fetch-site': 'same-site' }), false],
  ['another site, by what the browser says of it', () => ({ 'sec-fetch-site': 'cross-site' }), false],
  ['nowhere', () => ({}), false],
];
const TYPES = ['application/json', 'text/plain', 'application/x-www-form-urlencoded'];

test.each(PAGES)(
  'with a session, what %s sends is taken only if it is our own, and as JSON',
  async (_, page, isOurs) => {
    const browser = new Browser(app, newNetwork());
    await browser.signUp();
    const changing = ROUTES.filter(({ who, method }) => who === 'person' && method !== 'get' && method !== 'patch');

    for (const type of TYPES) {
      const headers = { ...page(), 'content-type': type };
      const { status } = await browser.send('patch', '/me', { name: 'Changed' }, headers);
      expect([type, status]).toEqual([type, isOurs && type === 'application/json' ? 200 : 403]);
      if (isOurs) continue;
      for (const { path } of changing) {
        const answer = await browser.send(
          'post',
          path.replace('/api/v1', '').replace('{id}', randomUUID()),
          {},
          headers,
        );
        expect([path, answer.status, answer.field('code')]).toEqual([path, 403, 'cross_site_request']);
      }
    }
  },
);

test('our pages are ours under every name that a browser reaches us by, which no page of another site can name', () => {
  const sent = (host: string, origin: string) => () =>
    requireOwnPage({ host, origin, 'content-type': 'application/json' }, 'http://127.0.0.1:8080');

  expect(sent('localhost:8080', 'http://localhost:8080')).not.toThrow();
  expect(sent('localhost:8080', 'http://localhost:9090')).toThrow('another site');
  expect(sent('127.0.0.1:8080', 'https://evil.example')).toThrow('another site');
});

test('a page of another site signs nobody in, and a program that is no browser may', async () => {
  const { email } = await new Browser(app, newNetwork()).signUp();
  const body = { email, password: PASSWORD };

  const foreign = await new Browser(app, newNetwork()).send('post', '/sign-ins', body, {
    origin: 'https://evil.example',
  });
  const program = await new Browser(app, newNetwork()).send('post', '/sign-ins', body, {});

  expect([foreign.status, foreign.headers.getSetCookie(), program.status]).toEqual([403, [], 200]);
});

test('the cookie is kept from scripts and from other sites, and over https from other hosts and from the wire', async () => {
  const browser = new Browser(app, newNetwork());
  const { email } = await browser.signUp();
  const [cookie = ''] = (await browser.signIn(email)).headers.getSetCookie();
  const secure = new Cookies('https://tollgate.example');

  expect(cookie).toMatch(/^tollgate_session=[\w-]{43}\.[^;]+; Max-Age=1209600; Path=\/; HttpOnly; SameSite=Strict$/);
  expect([secure.session, secure.signUp]).toEqual(['__Host-tollgate_session', '__Host-tollgate_sign_up']);
  expect(secure.set(secure.signUp, 'x', 60)).toBe(
    '__Host-tollgate_sign_up=x; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Strict',
  );
});

test('an account is guessed at ten times from one network, then not even the right password opens it from there', async () => {
  const { email } = await new Browser(app, newNetwork()).signUp();
  const guessing = new Browser(app, newNetwork());

  const statuses: number[] = [];
  for (let guess = 0; guess < 12; guess += 1) statuses.push((await guessing.signIn(email, `guess ${guess}`)).status);
  const right = await guessing.signIn(email);

  expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  expect([right.status, right.headers.get('retry-after')]).toEqual([429, '900']);
  expect((await new Browser(app, newNetwork()).signIn(email)).status).toBe(200);
});

test('of thirty passwords that are guessed at the same moment no more than ten are looked at', async () => {
  const { email } = await new Browser(app, newNetwork()).signUp();
  const guessing = new Browser(app, newNetwork());

  const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => guessing.signIn(email, `guess ${at}`)));

  const looked = answers.filter(({ status }) => status === 401).length;
  expect(looked).toBeLessThanOrEqual(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(30 - looked);
});

test('one wrong password, however often it is repeated, locks nobody out', async () => {
  const { email } = await new Browser(app, newNetwork()).signUp();
  const browser = new Browser(app, newNetwork());

  const statuses: number[] = [];
  for (let time = 0; time < 15; time += 1) statuses.push((await browser.signIn(email, 'the old one')).status);

  expect(new Set(statuses)).toEqual(new Set([401]));
  expect((await browser.signIn(email)).status).toBe(200);
});

test('a network that tries fifty different accounts tries no more, also from each address of its /64', async () => {
  const guess = async (from: number) => {
    const browser = new Browser(app, `2001:db8:1:2::${from.toString(16)}`);
    return (await browser.signIn(`${randomUUID()}@example.com`, 'one for all')).status;
  };
  const fifty = await inTens(50, guess);

  expect(fifty).toEqual(Array(50).fill(401));
  expect([await guess(50), await guess(51)]).toEqual([429, 429]);
  expect((await new Browser(app, '2001:db8:1:3::1').signIn('x@example.com', 'one for all')).status).toBe(401);
});

test('while a hundred networks guess at an account, its owner gets in from where he has been before, and nobody from elsewhere', async () => {
  const home = new Browser(app, newNetwork());
  const { email } = await home.signUp();
  const guess = async (at: number) => (await new Browser(app, newNetwork()).signIn(email, `guess ${at}`)).status;
  expect(await inTens(100, guess)).toEqual(Array(100).fill(401));

  expect((await new Browser(app, newNetwork()).signIn(email)).status).toBe(429);
  expect((await home.signIn(email)).status).toBe(200);
});

test('an address is mailed five codes in an hour at most, and a network asks thirty times in a quarter of one', async () => {
  const email = `${randomUUID()}@example.com`;
  const ask = (browser: Browser, address: string) =>
    browser.post('/sign-ups', { email: address, password: PASSWORD, name: 'Ada', locale: 'en' });
  const one = new Browser(app, newNetwork());
  const statuses: number[] = [];
  for (let time = 0; time < 7; time += 1) statuses.push((await ask(one, email)).status);
  const many: number[] = [];
  for (let time = 0; time < 24; time += 1) many.push((await ask(one, `${randomUUID()}@example.com`)).status);

  const { rowCount } = await app.db.query('select from notifications where recipient = $1', [email]);
  expect([new Set(statuses), rowCount]).toEqual([new Set([202]), 5]);
  expect(many).toEqual([...Array(23).fill(202), 429]);
});
