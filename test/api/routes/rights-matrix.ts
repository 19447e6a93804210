// Every guarded route as each kind of person meets it over HTTP, in the words of docs/authorization.md.

import type { Route } from '../../../api/routes/route.ts';
import { MEMBER_ROLES, STAFF_ROLES } from '../../../domain/authorization.ts';
import { FakeStripeClock } from '../../../services/billing-clock/fake-stripe-clock.ts';
import { type Answered, done, type ManagementApp } from './management-app.ts';
import type { World } from './one-of-everything.ts';
import { pathIn } from './path-in-world.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

const COLUMNS = [
  ...STAFF_ROLES.map((role) => `staff ${role}`),
  ...MEMBER_ROLES.map((role) => `member ${role}`),
  'a member elsewhere',
];
/** In their bodies. */
const NAMES_ITS_OWNER = ['post /api/v1/api-keys', 'post /api/v1/projects'];

export class RightsMatrix {
  readonly #app: ManagementApp;
  readonly #world: World;
  readonly #people: ReadonlyMap<string, Somebody>;

  private constructor(app: ManagementApp, world: World, people: ReadonlyMap<string, Somebody>) {
    this.#app = app;
    this.#world = world;
    this.#people = people;
  }

  static async of(app: ManagementApp, world: World): Promise<RightsMatrix> {
    await clocksAgree(app);
    await app.db.query('update organizations set seats = null');
    const people = new Map<string, Somebody>();
    for (const role of STAFF_ROLES) people.set(`staff ${role}`, await signedInAs(app, { staff: [role] }));
    for (const role of MEMBER_ROLES) {
      people.set(`member ${role}`, await signedInAs(app, { member: { orgId: world.orgId, role } }));
    }
    const { rows } = await app.db.query<{ id: string }>(
      `insert into organizations (id, name) values (gen_random_uuid(), 'Elsewhere') returning id`,
    );
    people.set('a member elsewhere', await signedInAs(app, { member: { orgId: rows[0]?.id ?? '', role: 'owner' } }));
    return new RightsMatrix(app, world, people);
  }

  /** From left to right. */
  async row(route: Route): Promise<string[]> {
    const verdicts: string[] = [];
    for (const column of COLUMNS) verdicts.push(await this.#verdict(route, column));
    return verdicts;
  }

  /** As this one sends it, whatever it says. */
  async send(column: string, route: Route, body: unknown): Promise<Answered> {
    const headers = { cookie: this.#somebody(column).cookie, origin: this.#app.url, 'if-match': '*' };
    return this.#app.call(route.method, pathIn(this.#world, route.path), { credential: null, headers, body });
  }

  async #verdict(route: Route, column: string): Promise<string> {
    const asked = await this.#ask(route, column, this.#world.apiKeyId, undefined);
    if (asked.status >= 500) return String(asked.status);
    if (!isRefusal(asked)) return 'yes';
    if (asked.status === 404) return '404';
    if (!column.startsWith('member ') || !mayBeOwn(route)) return '-';
    const { personId } = this.#somebody(column);
    return isRefusal(await this.#ask(route, column, await this.#keyOf(personId), personId)) ? '-' : 'own';
  }

  async #ask(route: Route, column: string, apiKeyId: string, memberId: string | undefined): Promise<Answered> {
    const own = { orgId: this.#world.orgId, ...(memberId === undefined ? {} : { memberId }) };
    const query = new URLSearchParams(Object.entries(own).filter(([name]) => name in route.query.shape));
    const body = NAMES_ITS_OWNER.includes(nameOf(route)) ? { ...own, name: 'one more' } : {};
    // Metrics are open to this machine; a proxy's header takes that away.
    const headers = {
      cookie: this.#somebody(column).cookie,
      origin: this.#app.url,
      'x-forwarded-for': '203.0.113.9',
    };
    const sent = { credential: null, headers, ...(route.body === null ? {} : { body }) };
    const path = `${pathIn({ ...this.#world, apiKeyId }, route.path)}?${query}`;
    return this.#app.call(route.method, path, sent);
  }

  async #keyOf(memberId: string): Promise<string> {
    const made = await this.#app.call('post', '/api/v1/api-keys', { body: { orgId: this.#world.orgId, memberId } });
    return done(made).string('id');
  }

  #somebody(column: string): Somebody {
    const found = this.#people.get(column);
    if (found === undefined) throw new Error(`nobody is ${column}`);
    return found;
  }
}

/** The world moved ours alone. */
async function clocksAgree(app: ManagementApp): Promise<void> {
  const { rows } = await app.db.query<{ now: Date }>('select billing_now() as now');
  await new FakeStripeClock(app.stripe).moveTo(rows[0]?.now ?? new Date(Number.NaN));
}

/** Whether it is done to what belongs to one member. */
function mayBeOwn({ path, query }: Route): boolean {
  return path.startsWith('/api/v1/api-keys') || 'memberId' in query.shape;
}

/** What is not there for anybody, handlers say in words of their own. */
function isRefusal({ status, text }: Answered): boolean {
  return status === 401 || status === 403 || (status === 404 && text.includes('organization of yours'));
}

export function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}
