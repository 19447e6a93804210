// Deny by default: each declared route is asked by every kind of caller, and answers only those whom it names. The expectation
// is written down here, apart from the code that decides. The hot path is asked in the same way by test/api/proxy/access.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROUTES } from '../../../api/app.ts';
import type { Route } from '../../../api/routes/route.ts';
import { openSession } from '../../../services/accounts/sign-ins.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { billed } from '../../services/payments/billed-customer.ts';
import { ADMIN_TOKEN, type Answered, type ManagementApp, startManagementApp } from './management-app.ts';
import { startMockUpstream } from './mock-upstream.ts';
import { oneOfEverything, type World } from './one-of-everything.ts';
import { pathIn } from './path-in-world.ts';
import { counterOf } from './visitor.ts';
import { welcomeLink } from './welcome-link.ts';

let app: ManagementApp;
let world: World;
let payToken: string;
let verifyToken: string;
let welcomeToken: string;
/** Of a session that was opened for this request alone: a route may end it. */
let cookie: string;

beforeAll(async () => {
  app = await startManagementApp();
  const upstream = await startMockUpstream();
  world = await oneOfEverything(app, upstream);
  upstream.close();
  payToken = await tokenOfOpenInvoice();
  verifyToken = await tokenOfOpenVerification();
  welcomeToken = lastPart(await welcomeLink(app, world.orgId));
});
afterAll(() => app.close());

const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` });

/** Who asks, and with which headers. */
const CALLERS = {
  nobody: () => ({}),
  'a stranger with garbage': () => bearer('\u00ff{"$ne":null}'),
  'a stranger with a wrong token': () => bearer('not-the-admin-token'),
  'a stranger with all but the last character of the admin token': () => bearer(ADMIN_TOKEN.slice(0, -1)),
  'the admin token without Bearer': () => ({ authorization: ADMIN_TOKEN }),
  'the admin token as an API key': () => ({ 'x-api-key': ADMIN_TOKEN }),
  'a customer': () => bearer(world.credential),
  'a customer in the header of Anthropic': () => ({ 'x-api-key': world.credential }),
  'a customer in a header that is not read': () => ({ 'api-key': world.credential }),
  'a customer without Bearer': () => ({ authorization: world.credential }),
  'a customer in a cookie': () => ({ cookie: `api_key=${world.credential}` }),
  'the admin': () => bearer(ADMIN_TOKEN),
  'a person': () => ({ cookie, origin: app.url }),
  'a person on a page of another site': () => ({ cookie, origin: 'https://evil.example' }),
  'somebody with a cookie of nobody': () => ({ cookie: cookie.replace(/=.{9}/, '=AAAAAAAAA'), origin: app.url }),
} satisfies Record<string, () => Record<string, string>>;
type Caller = keyof typeof CALLERS;
const EVERYBODY = Object.keys(CALLERS) as Caller[];

/** What they may do depends on their roles: rights.test.ts. */
const PERSONS: readonly Caller[] = ['a person', 'a person on a page of another site'];

/** Who is let in where; everybody else is refused with 401. */
const LET_IN: { readonly [W in Route['who']]: readonly Caller[] } = {
  public: EVERYBODY,
  apiKey: ['a customer', 'a customer in the header of Anthropic'],
  permitted: ['the admin'],
  person: ['a person'],
};
// People paste the wrong one of their two keys: they are told which it is.
const KNOWN_BUT_FORBIDDEN: readonly Caller[] = ['a customer'];
// A customer's program configured with /api/v1 as its base URL reads its own things there, never the management API's.
const ALSO_A_CUSTOMERS = ['/api/v1/models', '/api/v1/models/{id}', '/api/v1/requests/{id}'];
const CARRIES_A_CUSTOMERS_KEY: readonly Caller[] = ['a customer', 'a customer in the header of Anthropic'];

test.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s answers exactly those whom it declares',
  async (_, route) => {
    for (const caller of EVERYBODY) {
      if (route.who === 'permitted' && PERSONS.includes(caller)) continue;
      const { status, headers } = await ask(route, caller);
      expect([caller, status === 401 || status === 403 ? status : 'let in']).toEqual([caller, expected(route, caller)]);
      if (route.who !== 'public') expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  },
);

function expected({ who, path, method, changes }: Route, caller: Caller): 'let in' | 401 | 403 {
  if (caller === 'a person on a page of another site') {
    if (who === 'person') return method === 'get' ? 'let in' : 403;
    if (who === 'public') return changes ? 403 : 'let in';
  }
  if (LET_IN[who].includes(caller)) return 'let in';
  const isCustomersOwn = ALSO_A_CUSTOMERS.includes(path) && method === 'get';
  if (isCustomersOwn && CARRIES_A_CUSTOMERS_KEY.includes(caller)) return 'let in';
  return who === 'permitted' && KNOWN_BUT_FORBIDDEN.includes(caller) ? 403 : 401;
}

test('the routes of operators are among those that were walked', () => {
  const paths = ROUTES.map(({ path, who }) => `${path} ${who}`);
  expect(paths).toEqual(expect.arrayContaining(['/livez public', '/readyz public', '/metrics permitted']));
});

const OWN_CALLER: { readonly [W in Route['who']]: Caller } = {
  public: 'nobody',
  apiKey: 'a customer',
  person: 'a person',
  permitted: 'the admin',
};

test('every reading route answers its own caller with 200 on things that exist', async () => {
  verifyToken = await tokenOfOpenVerification(); // whoever asked for another ended the first
  for (const route of ROUTES.filter(({ method }) => method === 'get')) {
    const { status, text } = await ask(route, OWN_CALLER[route.who]);
    const expected = route.path.endsWith('/requests/{id}') ? 404 : 200;
    expect([route.path, status, text.length > 0]).toEqual([route.path, expected, true]);
  }
});

test('a client that only asks whether somebody is there is answered', async () => {
  const { status, text } = await app.call('head', '/', { credential: null });
  expect([status, text]).toEqual([200, '']);
});

test('a customer gets customers’ answers at /api/v1/models, the admin the management API’s', async () => {
  const customers = await app.call('get', '/api/v1/models', { credential: world.credential });
  const admins = await app.call('get', '/api/v1/models');
  expect(customers.field('object')).toBe('list');
  expect(admins.field('data.0.bytesPerToken')).toBe(4);
});

test('metrics are for this machine and the admin, and a forwarded request is not of this machine', async () => {
  const from = { credential: null, headers: { 'x-forwarded-for': '127.0.0.1' } };
  expect((await app.call('get', '/metrics', { credential: null })).status).toBe(200);
  expect((await app.call('get', '/metrics', from)).status).toBe(401);
  expect((await app.call('get', '/metrics', { headers: from.headers })).status).toBe(200);
});

test('what nobody declared does not exist, for the admin either', async () => {
  for (const path of ['/api/v1/secrets', '/api/v1', '/api/v2/models', '/v1/organizations', '/admin', '/.env']) {
    expect([path, (await app.call('get', path)).status]).toEqual([path, 404]);
  }
});

async function tokenOfOpenVerification(): Promise<string> {
  const { rows } = await app.db.query<{ id: string }>('select id from mail_verifications where person_id = $1', [
    world.personId,
  ]);
  return lastPart(app.verifyLinks.urlOf(rows[0]?.id ?? ''));
}

function lastPart(url: string): string {
  return url.split('/').at(-1) ?? '';
}

async function tokenOfOpenInvoice(): Promise<string> {
  const { invoiceId } = await billed(counterOf(app));
  return lastPart(app.links.urlOf(invoiceId));
}

async function ask(route: Route, caller: Caller): Promise<Answered> {
  if (caller.startsWith('a person')) cookie = await cookieOfNewSession();
  // Metrics are open to this machine; a proxy's header takes that away.
  const forwarded = route.openToLoopback ? { 'x-forwarded-for': '203.0.113.9' } : {};
  const headers: Record<string, string> = { ...CALLERS[caller](), ...forwarded };
  return app.call(route.method, pathTo(route), {
    credential: null,
    headers,
    ...(route.body === null ? {} : { body: {} }),
  });
}

async function cookieOfNewSession(): Promise<string> {
  const visit = { clientAddress: '198.51.100.1', userAgent: 'test', cookie: '' };
  const opened = await inTransaction(app.worker, (tx) => openSession(tx, app.accounts, world.personId, visit));
  return opened.cookie.split(';')[0] ?? '';
}

function pathTo({ path }: Route): string {
  return pathIn(world, path)
    .replace('/verify/{token}', `/verify/${verifyToken}`)
    .replace('/welcome/{token}', `/welcome/${welcomeToken}`)
    .replace('{token}', payToken);
}
