// Every route that not everybody may call, asked over HTTP as everybody, and compared with docs/authorization.md, which no program writes. At last
// checks are taken away, one at a time, and the comparison has to see that each is missing.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROUTES } from '../../../api/app.ts';
import type { Route } from '../../../api/routes/route.ts';
import { STAFF_ROLES } from '../../../domain/authorization.ts';
import { seededDice, shuffled } from '../../chaos/seeded-dice.ts';
import { type ManagementApp, startManagementApp } from './management-app.ts';
import { startMockUpstream } from './mock-upstream.ts';
import { oneOfEverything } from './one-of-everything.ts';
import { belongingOf, type Check, permissionOf, roleFor, secondPersonFor, staffFieldsOf } from './removable-checks.ts';
import { nameOf, RightsMatrix } from './rights-matrix.ts';
import { SENT_BY_ONE } from './takes-two.ts';

const PLANTED = 20;
const [, ALLOWED = '', TAKES_TWO = '', STAFFS_ALONE = ''] = readFileSync('docs/authorization.md', 'utf8').split(
  /^#+ /m,
);
const TABLE = tableIn(ALLOWED);
const SECOND_PERSONS = tableIn(TAKES_TWO);
const STAFF_FIELDS = tableIn(STAFFS_ALONE);
const GUARDED = ROUTES.filter(({ permission }) => permission !== null);
const byName = (route: Route) => [nameOf(route), route] as const;

let app: ManagementApp;
let matrix: RightsMatrix;

beforeAll(async () => {
  app = await startManagementApp();
  const upstream = await startMockUpstream();
  const world = await oneOfEverything(app, upstream);
  upstream.close();
  matrix = await RightsMatrix.of(app, world);
  // Stopping an enterprise, and another address of one of our own people, take two persons.
  await app.db.query(
    `update organizations set plan_version_id = (select id from plan_versions where plan = 'enterprise' limit 1) where id = $1`,
    [world.orgId],
  );
  await app.db.query(`insert into staff_roles (person_id, role) values ($1, 'support')`, [world.personId]);
});
afterAll(() => app.close());

test('the document names every guarded route, every one that may take two persons or has fields of staff, and no other', () => {
  expect([...TABLE.keys()].sort()).toEqual(GUARDED.map(nameOf).sort());
  expect([...SECOND_PERSONS.keys()].sort()).toEqual(namesOf(({ mayTakeTwo }) => mayTakeTwo));
  expect([...STAFF_FIELDS.keys()].sort()).toEqual(namesOf(({ staffFields }) => staffFields.length > 0));
});

test.each(GUARDED.map(byName))('%s lets in whom the document says', async (name, route) => {
  expect(await matrix.row(route)).toEqual(TABLE.get(name));
});

test.each(GUARDED.filter(({ mayTakeTwo }) => mayTakeTwo).map(byName))(
  '%s is put before a second person, and one alone has done nothing by it',
  async (_, route) => {
    expect(await isProposed(route)).toBe(true);
  },
);

test.each(GUARDED.filter(({ staffFields }) => staffFields.length > 0).map(byName))(
  '%s leaves to staff what the document says, whoever owns the organization',
  async (name, route) => {
    expect(await refusedFields(route)).toEqual(fieldsOf(name));
  },
);

/** Each with how it is seen that it is missing. */
function* removable(): Generator<readonly [Check, isMissing: () => Promise<boolean>]> {
  for (const route of GUARDED) {
    const documented = TABLE.get(nameOf(route)) ?? [];
    const isOther = async () => !isDeepStrictEqual(await matrix.row(route), documented);
    yield [permissionOf(route), isOther];
    if (isItsRoleThatRefuses(documented)) yield [roleFor(route), isOther];
    if (isOfAnOrganization(documented)) yield [belongingOf(route), isOther];
    if (route.mayTakeTwo) yield [secondPersonFor(route), async () => !(await isProposed(route))];
    const fields = fieldsOf(nameOf(route));
    if (fields.length > 0) {
      yield [staffFieldsOf(route), async () => !isDeepStrictEqual(await refusedFields(route), fields)];
    }
  }
}

test('of twenty checks that are taken away, one at a time, it is seen of each that it is missing', async () => {
  const seed = randomInt(2 ** 31);
  const planted = shuffled([...removable()], seededDice(seed)).slice(0, PLANTED);

  const unseen: string[] = [];
  for (const [check, isMissing] of planted) {
    const putBack = check.takeAway();
    if (!(await isMissing().finally(putBack))) unseen.push(check.name);
  }

  const cells = [...TABLE.values()].flat().length;
  process.stdout.write(`cells ${cells}, planted ${PLANTED} (seed ${seed}), seen ${PLANTED - unseen.length}\n`);
  expect([planted.length, unseen]).toEqual([PLANTED, []]);
});

/** What belongs to no organization is refused to members whatever their role. */
function isItsRoleThatRefuses(documented: readonly string[]): boolean {
  const asked = isOfAnOrganization(documented) ? documented : documented.slice(0, STAFF_ROLES.length);
  return asked.some((cell) => cell === '-' || cell === 'own');
}

function isOfAnOrganization(documented: readonly string[]): boolean {
  return documented.at(-1) === '404';
}

async function isProposed(route: Route): Promise<boolean> {
  const { status } = await matrix.send('staff admin', route, SENT_BY_ONE[nameOf(route)]);
  return status === 202;
}

async function refusedFields(route: Route): Promise<string[]> {
  const refused: string[] = [];
  for (const field of Object.keys(Object(route.body).shape ?? {})) {
    const answer = await matrix.send('member owner', route, { [field]: 'x' });
    if (answer.status === 403 && answer.field('errors.0.field') === field) refused.push(field);
  }
  return refused.sort();
}

function fieldsOf(name: string): string[] {
  return (STAFF_FIELDS.get(name)?.[0] ?? '').split(', ').filter(Boolean).sort();
}

function namesOf(which: (route: Route) => boolean): string[] {
  return ROUTES.filter(which).map(nameOf).sort();
}

/** By route, its cells from left to right. */
function tableIn(section: string): Map<string, string[]> {
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''));
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.map((line) => {
      const [route = '', ...verdicts] = cells(line);
      return [route, verdicts];
    }),
  );
}
