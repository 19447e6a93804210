// The rules of the house that no linter has: names, opening comments, where SQL stands, documents that tell the truth. The real
// tree breaks none of them, and each is shown to bite by a violation planted in a copy of it. Lint rules and arrows are held in
// the same way by test/lint.test.ts and test/arrows.test.ts; that a test file without a test fails is Jest's own rule.
import { dirname } from 'node:path';
import { expect, test } from '@jest/globals';
import { leftToDo, openingComment, silentSignatures, typesSwitchedOff } from './house/comments.ts';
import {
  decisionsCited,
  environmentDescribed,
  errorsDescribed,
  eventsDescribed,
  metricsDescribed,
  metricsObserved,
  pathsExist,
  sqlFunctionsExplained,
} from './house/documents.ts';
import { bareNames, emptyFileNames } from './house/names.ts';
import { oneConnection } from './house/one-connection.ts';
import { strayStatements, tablesOfTwoOwners } from './house/statements.ts';
import { stripePostsNamed } from './house/stripe-posts.ts';
import { type Rule, readTree, type Tree } from './house/tree.ts';

const RULES: Readonly<Record<string, Rule>> = {
  'a bare token, key, limit, quota or model names nothing': bareNames,
  'a file and a folder say what they are': emptyFileNames,
  'a file opens with why it exists': openingComment,
  'nothing is left to do, and no test is left out': leftToDo,
  'no type is switched off': typesSwitchedOff,
  'what answers nothing or refuses says when': silentSignatures,
  'SQL stands in services': strayStatements,
  'a transaction keeps to its connection': oneConnection,
  'a table is written by one folder': tablesOfTwoOwners,
  'a POST to Stripe has a key made of its row': stripePostsNamed,
  'errors are documented as they are': errorsDescribed,
  'environment variables are documented, and only those that are read': environmentDescribed,
  'metrics are documented, and only those that are there': metricsDescribed,
  'a metric is observed': metricsObserved,
  'an event of the log is documented, and only those that are logged': eventsDescribed,
  'SQL functions are explained': sqlFunctionsExplained,
  'a decision is cited where it says, and what is cited is a decision': decisionsCited,
  'a path in a document leads somewhere': pathsExist,
};

/** What stands against a rule for a reason. One that is no longer needed is a finding of its own. */
const STANDING: readonly (readonly [rule: keyof typeof RULES, place: RegExp, reason: string])[] = [
  [
    'a bare token, key, limit, quota or model names nothing',
    /^api\/proxy\/(handle|send-upstream|dialects\/body-splice)\.ts/,
    'Written before the rule: whoever works in one of these files takes it out of here.',
  ],
  [
    'a bare token, key, limit, quota or model names nothing',
    /^services\/(channels\/channel-(health|state)|usage\/usage-export)\.ts/,
    'As above.',
  ],
  [
    'a bare token, key, limit, quota or model names nothing',
    /^test\/(api\/proxy|services\/(channels|limits))\//,
    'As above.',
  ],
  ['a file opens with why it exists', /^test\/services\/(channels|limits|usage)\//, 'As above.'],
];

type Change = (text: string) => string;
const behind =
  (added: string): Change =>
  (text) =>
    `${text}${added}\n`;
const without =
  (line: RegExp): Change =>
  (text) =>
    text.replace(line, '');
const swapped =
  (was: string | RegExp, is: string): Change =>
  (text) =>
    text.replace(was, is);

/** rule, the file that breaks it, how it comes to break it, what is told */
const PLANTED: readonly (readonly [rule: string, file: string, change: Change, told: string])[] = [
  [
    'a bare token, key, limit, quota or model names nothing',
    'domain/nano.ts',
    behind('export const token = 1;'),
    'token',
  ],
  [
    'a bare token, key, limit, quota or model names nothing',
    'domain/new.ts',
    behind('const f = (key = 1) => f;'),
    'key',
  ],
  [
    'a bare token, key, limit, quota or model names nothing',
    'api/app.ts',
    behind('export function limit() {}'),
    'limit',
  ],
  ['a bare token, key, limit, quota or model names nothing', 'api/x.ts', behind('const [quota] = [1];'), 'quota'],
  ['a bare token, key, limit, quota or model names nothing', 'api/y.ts', behind('const { id: model } = o;'), 'model'],
  ['a file and a folder say what they are', 'services/utils.ts', behind('//'), 'utils.ts'],
  ['a file and a folder say what they are', 'api/common/reply.ts', behind('//'), 'common'],
  ['a file and a folder say what they are', 'services/leases/lease-helpers.ts', behind('//'), 'lease-helpers.ts'],
  ['a file and a folder say what they are', 'test/events.2.test.ts', behind('//'), 'events.2.test.ts'],
  ['a file opens with why it exists', 'domain/new.ts', behind('export const one = 1;'), 'why'],
  ['a file opens with why it exists', 'migrations/0009_new.sql', behind('-- Up Migration'), 'why'],
  ['nothing is left to do, and no test is left out', 'domain/nano.ts', behind('// TODO: round'), 'TODO'],
  ['nothing is left to do, and no test is left out', 'docs/money.md', behind('FIXME'), 'FIXME'],
  ['nothing is left to do, and no test is left out', 'test/x.test.ts', behind("test.todo('x');"), 'test.todo'],
  ['nothing is left to do, and no test is left out', 'test/x.test.ts', behind("test.failing('x');"), 'test.failing'],
  ['no type is switched off', 'api/app.ts', behind('// @ts-expect-error'), '@ts-expect-error'],
  ['no type is switched off', 'api/app.ts', behind('const a = b as unknown as string;'), 'as unknown as'],
  ['no type is switched off', 'api/app.ts', behind('// biome-ignore lint: it is late'), 'biome-ignore'],
  [
    'what answers nothing or refuses says when',
    'domain/nano.ts',
    behind('export function half(a: Nano): Nano | null { return a % 2n ? null : a; }'),
    'half',
  ],
  [
    'what answers nothing or refuses says when',
    'services/vault/vault.ts',
    behind("/** Opens. */\nexport function open(): void { throw new TollgateError('conflict', {}); }"),
    'open',
  ],
  ['SQL stands in services', 'api/app.ts', behind("db.query('select id from models where id = $1');"), 'SQL'],
  ['SQL stands in services', 'api/app.ts', behind(`db.query(\`delete from caps where id = \${id}\`);`), 'SQL'],
  [
    'a transaction keeps to its connection',
    'api/routes/x.ts',
    behind('change(async (tx) => ({ answer: await apiKey(db, one) }));'),
    'db within',
  ],
  [
    'a table is written by one folder',
    'services/usage/usage.ts',
    behind("db.query('update organizations set name = $1');"),
    'organizations',
  ],
  [
    'a POST to Stripe has a key made of its row',
    'services/payments/stripe-api.ts',
    without(/, { idempotencyKey: `cus:.*?` }/),
    'POST without an idempotencyKey',
  ],
  [
    'a POST to Stripe has a key made of its row',
    'services/payments/stripe-api.ts',
    swapped(/idempotencyKey: `cus:.*?`/, 'idempotencyKey: randomUUID()'),
    'POST without an idempotencyKey',
  ],
  ['errors are documented as they are', 'docs/errors.md', without(/^\| `cap_reached`.*\n/m), 'cap_reached is not'],
  ['errors are documented as they are', 'docs/errors.md', behind('| `out_of_luck` | 418 |'), 'out_of_luck'],
  [
    'errors are documented as they are',
    'docs/errors.md',
    swapped('| `conflict` | 409', '| `conflict` | 400'),
    'conflict',
  ],
  [
    'environment variables are documented, and only those that are read',
    'services/platform/config.ts',
    swapped('  PORT:', '  TOLLGATE_NEW: text,\n  PORT:'),
    'TOLLGATE_NEW',
  ],
  [
    'environment variables are documented, and only those that are read',
    'scripts/start.ts',
    behind('const folder = process.env.TOLLGATE_FOLDER;'),
    'TOLLGATE_FOLDER',
  ],
  [
    'environment variables are documented, and only those that are read',
    'docs/operations.md',
    behind('| `TOLLGATE_OLD` | none | gone |'),
    'TOLLGATE_OLD',
  ],
  [
    'metrics are documented, and only those that are there',
    'services/platform/metrics.ts',
    swapped("'refusals_total'", "'noes_total'"),
    'tollgate_noes_total',
  ],
  ['a metric is observed', 'services/platform/metrics.ts', swapped('readonly refusals =', 'readonly noes ='), 'noes'],
  [
    'an event of the log is documented, and only those that are logged',
    'api/routing.ts',
    behind("this.#log.info({ models }, 'table_swapped');"),
    'table_swapped',
  ],
  [
    'an event of the log is documented, and only those that are logged',
    'api/drain.ts',
    behind("log.error({ err }, 'drain_forgotten');"),
    'drain_forgotten',
  ],
  [
    'an event of the log is documented, and only those that are logged',
    'docs/operations.md',
    behind('| `sky_fell` | look up |'),
    'sky_fell',
  ],
  [
    'SQL functions are explained',
    'migrations/0009_new.sql',
    behind('-- Why it is.\n\ncreate function mint(p_amount bigint) returns void'),
    'mint',
  ],
  [
    'a decision is cited where it says, and what is cited is a decision',
    'services/api-keys/credential.ts',
    swapped('(D2)', ''),
    'D2',
  ],
  [
    'a decision is cited where it says, and what is cited is a decision',
    'domain/nano.ts',
    behind('// as decided (D999)'),
    'D999',
  ],
  ['a path in a document leads somewhere', 'README.md', behind('See `services/magic/spell.ts`.'), 'spell.ts'],
  ['a path in a document leads somewhere', 'docs/money.md', behind('[all](everything.md)'), 'everything.md'],
];

const tree = readTree(dirname(import.meta.dirname));

function findings(rule: Rule | undefined, of: Tree): string[] {
  return (rule?.(of) ?? []).map(({ file, what }) => `${file}: ${what}`);
}

test.each(Object.entries(RULES))('%s', (name, rule) => {
  const found = findings(rule, tree);
  const standing = STANDING.filter(([of]) => of === name).map(([, place]) => place);
  expect(found.filter((finding) => !standing.some((place) => place.test(finding)))).toEqual([]);
  expect(standing.filter((place) => !found.some((finding) => place.test(finding)))).toEqual([]);
});

test.each(PLANTED)('%s: bites in %s', (name, file, change, told) => {
  const rule = RULES[name];
  const planted: Tree = new Map(tree).set(file, change(tree.get(file) ?? ''));
  const before = findings(rule, tree);
  const found = findings(rule, planted).filter((finding) => !before.includes(finding));
  expect(found).toContainEqual(expect.stringContaining(told));
});

test('every rule has a violation planted against it', () => {
  expect([...new Set(PLANTED.map(([rule]) => rule))]).toEqual(Object.keys(RULES));
});
