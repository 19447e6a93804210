// Every route that not everybody may call, asked over HTTP as everybody, and compared with docs/authorization.md, which no program writes.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROUTES } from '../../../api/app.ts';
import type { Route } from '../../../api/routes/route.ts';
import { MEMBER_ROLES, STAFF_ROLES } from '../../../domain/authorization.ts';
import { FakeStripeClock } from '../../../services/billing-clock/fake-stripe-clock.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { startMockUpstream } from './mock-upstream.ts';
import { oneOfEverything, type World } from './one-of-everything.ts';
import { pathIn } from './path-in-world.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

const COLUMNS = [
  ...STAFF_ROLES.map((role) => `staff ${role}`),
  ...MEMBER_ROLES.map((role) => `member ${role}`),
  'a member elsewhere',
];
const TABLE = tableIn(readFileSync('docs/authorization.md', 'utf8'));
/** In their bodies. */
const NAMES_ITS_OWNER = ['post /api/v1/api-keys', 'post /api/v1/projects'];
const GUARDED = ROUTES.filter(({ permission }) => permission !== null);

let app: ManagementApp;
let world: World;
const people = new Map<string, Somebody>();

beforeAll(async () => {
  app = await startManagementApp();
  const upstream = await startMockUpstream();
  world = await oneOfEverything(app, upstream);
  upstream.close();
  await clocksAgree();
  await app.db.query('update organizations set seats = null');
  for (const role of STAFF_ROLES) people.set(`staff ${role}`, await signedInAs(app, { staff: [role] }));
  for (const role of MEMBER_ROLES) {
    people.set(`member ${role}`, await signedInAs(app, { member: { orgId: world.orgId, role } }));
  }
  const { rows } = await app.db.query<{ id: string }>(
    `insert into organizations (id, name) values (gen_random_uuid(), 'Elsewhere') returning id`,
  );
  people.set('a member elsewhere', await signedInAs(app, { member: { orgId: rows[0]?.id ?? '', role: 'owner' } }));
});
afterAll(() => app.close());

test('the document names every guarded route, and no other', () => {
  expect([...TABLE.keys()].sort()).toEqual(GUARDED.map(nameOf).sort());
});

test.each(GUARDED.map((route) => [nameOf(route), route] as const))(
  '%s lets in whom the document says',
  async (name, route) => {
    const answers: string[] = [];
    for (const column of COLUMNS) answers.push(await verdict(route, column));

    expect(answers).toEqual(TABLE.get(name));
  },
);

/** The world moved ours alone. */
async function clocksAgree(): Promise<void> {
  const { rows } = await app.db.query<{ now: Date }>('select billing_now() as now');
  await new FakeStripeClock(app.stripe).moveTo(rows[0]?.now ?? new Date(Number.NaN));
}

async function verdict(route: Route, column: string): Promise<string> {
  const asked = await ask(route, column, world.apiKeyId, undefined);
  if (!isRefusal(asked)) return 'yes';
  if (asked.status === 404) return '404';
  if (!column.startsWith('member ') || !mayBeOwn(route)) return '-';
  const { personId } = somebody(column);
  return isRefusal(await ask(route, column, await keyOf(personId), personId)) ? '-' : 'own';
}

/** Whether it is done to what belongs to one member. */
function mayBeOwn({ path, query }: Route): boolean {
  return path.startsWith('/api/v1/api-keys') || 'memberId' in query.shape;
}

/** What is not there for anybody, handlers say in words of their own. */
function isRefusal({ status, text }: Answered): boolean {
  return status === 401 || status === 403 || (status === 404 && text.includes('organization of yours'));
}

async function ask(route: Route, column: string, apiKeyId: string, memberId: string | undefined): Promise<Answered> {
  const own = { orgId: world.orgId, ...(memberId === undefined ? {} : { memberId }) };
  const query = new URLSearchParams(Object.entries(own).filter(([name]) => name in route.query.shape));
  const body = NAMES_ITS_OWNER.includes(nameOf(route)) ? { ...own, name: 'one more' } : {};
  // Metrics are open to this machine; a proxy's header takes that away.
  const headers = { cookie: somebody(column).cookie, origin: app.url, 'x-forwarded-for': '203.0.113.9' };
  const sent = { credential: null, headers, ...(route.body === null ? {} : { body }) };
  const answer = await app.call(route.method, `${pathIn({ ...world, apiKeyId }, route.path)}?${query}`, sent);
  if (answer.status >= 500) throw new Error(`${nameOf(route)} answered ${answer.text}`);
  return answer;
}

async function keyOf(memberId: string): Promise<string> {
  const made = await app.call('post', '/api/v1/api-keys', { body: { orgId: world.orgId, memberId } });
  return done(made).string('id');
}

function somebody(column: string): Somebody {
  const found = people.get(column);
  if (found === undefined) throw new Error(`nobody is ${column}`);
  return found;
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}

/** By route, its cells from left to right. */
function tableIn(text: string): Map<string, string[]> {
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.map((line) => {
      const [route = '', ...verdicts] = cells(line);
      return [route.replaceAll('`', ''), verdicts];
    }),
  );
}
