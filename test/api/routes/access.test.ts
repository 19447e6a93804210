import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROUTES } from '../../../api/app.ts';
import type { Route } from '../../../api/routes/route.ts';
import { type Answered, type ManagementApp, startManagementApp } from './management-app.ts';
import { startMockUpstream } from './mock-upstream.ts';
import { oneOfEverything, type World } from './one-of-everything.ts';

let app: ManagementApp;
let world: World;

beforeAll(async () => {
  app = await startManagementApp();
  const upstream = await startMockUpstream();
  world = await oneOfEverything(app, upstream);
  upstream.close();
});
afterAll(() => app.close());

const ROLES = ['nobody', 'a stranger with a wrong token', 'a customer', 'the admin'] as const;
type Role = (typeof ROLES)[number];

/** Who is let in where, written down apart from the code that decides it. */
const LET_IN: { readonly [W in Route['who']]: readonly Role[] } = {
  public: ROLES,
  apiKey: ['a customer'],
  admin: ['the admin'],
};
const REFUSED: { readonly [R in Role]: { readonly [W in Route['who']]?: number } } = {
  nobody: { apiKey: 401, admin: 401 },
  'a stranger with a wrong token': { apiKey: 401, admin: 401 },
  'a customer': { admin: 403 },
  'the admin': { apiKey: 401 },
};
// A customer's program configured with /api/v1 as its base URL reads its own things there, never the management API's.
const ALSO_A_CUSTOMERS = ['/api/v1/models', '/api/v1/models/{id}', '/api/v1/requests/{id}'];

test.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s answers exactly those whom it declares',
  async (_, route) => {
    for (const role of ROLES) {
      const { status, headers } = await ask(route, role);
      const isCustomersOwn = role === 'a customer' && ALSO_A_CUSTOMERS.includes(route.path) && route.method === 'get';
      const letIn = LET_IN[route.who].includes(role) || isCustomersOwn;
      const seen = status === 401 || status === 403 ? status : 'let in';
      expect([role, seen]).toEqual([role, letIn ? 'let in' : REFUSED[role][route.who]]);
      if (route.who !== 'public') expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  },
);

test('every reading route answers its own role with 200 on things that exist', async () => {
  for (const route of ROUTES.filter(({ method }) => method === 'get')) {
    const role = route.who === 'apiKey' ? 'a customer' : 'the admin';
    const { status, text } = await ask(route, role);
    const expected = route.path.endsWith('/requests/{id}') ? 404 : 200;
    expect([route.path, status, expected === 200 ? '' : text.length > 0]).toEqual([
      route.path,
      expected,
      expected === 200 ? '' : true,
    ]);
  }
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

function ask(route: Route, role: Role): Promise<Answered> {
  const credentials = {
    nobody: null,
    'a stranger with a wrong token': 'not-the-admin-token',
    'a customer': world.credential,
    'the admin': undefined,
  };
  const credential = credentials[role];
  // Metrics are open to this machine; a proxy's header takes that away.
  const headers = route.openToLoopback ? { 'x-forwarded-for': '203.0.113.9' } : {};
  const body = route.body === null ? {} : { body: {} };
  return app.call(route.method, pathTo(route), {
    ...(credential === undefined ? {} : { credential }),
    headers,
    ...body,
  });
}

function pathTo({ path }: Route): string {
  const ids: Record<string, string> = {
    organizations: world.orgId,
    projects: world.projectId,
    'api-keys': world.apiKeyId,
    channels: world.channelId,
    models: 'acme%2Fmodel-1',
    requests: '0193f000-0000-7000-8000-000000000001',
  };
  const [, noun = ''] = /\/v1\/([\w-]+)\//.exec(path) ?? [];
  return path.replace('{id}', ids[noun] ?? '').replace('{keyId}', world.channelKeyId);
}
