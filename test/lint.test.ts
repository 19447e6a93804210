// Each lint rule that biome.json names is shown to bite: in a house of its own, a planted violation is reported by the rule
// meant for it. That the real house breaks none is a gate of its own (scripts/check.ts); test/house.test.ts holds the rules
// that no linter has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PlantedHouse } from './house/planted-house.ts';

const lines = (count: number, line: (index: number) => string) => Array.from({ length: count }, (_, at) => line(at));

/** rule, the file that breaks it, what stands in the file */
const PLANTED: readonly (readonly [rule: string, file: string, source: string])[] = [
  [
    'noExcessiveLinesPerFile',
    'services/long-file.ts',
    lines(301, (at) => `export const line${at} = ${at};`).join('\n'),
  ],
  [
    'noExcessiveLinesPerFunction',
    'domain/long-function.ts',
    `export function long(total: number[]) {\n${lines(61, (at) => `total.push(${at});`).join('\n')}\n}`,
  ],
  ['noBarrelFile', 'services/barrel.ts', "export { nano } from './nano.ts';"],
  ['noReExportAll', 'services/everything.ts', "export * from './nano.ts';"],
  ['noNonNullAssertion', 'api/asserts.ts', 'export const first = (rows: string[]): string => rows[0]!;'],
  ['noParameterAssign', 'api/assigns.ts', 'export function next(at: number) {\n  at += 1;\n  return at;\n}'],
  ['noProcessEnv', 'services/reads-environment.ts', 'export const port = process.env.PORT;'],
  ['noProcessEnv', 'api/proxy/reads-environment.ts', 'export const { PORT } = process.env;'],
  ['useFilenamingConvention', 'services/readConfig.ts', 'export const one = 1;'],
  [
    'useImportType',
    'api/imports-types.ts',
    "import { Nano } from './nano.ts';\nexport const free = (amount: Nano) => amount;",
  ],
  ['useNodejsImportProtocol', 'api/imports-node.ts', "import fs from 'fs';\nexport const files = fs;"],
  ['noExplicitAny', 'services/any.ts', 'export const parse = (text: string) => JSON.parse(text) as any;'],
  ['noConsole', 'services/prints.ts', "export const warn = () => console.log('look');"],
  ['noConsole', 'scripts/prints.ts', "console.error('look');"],
  ['noFocusedTests', 'test/only.test.ts', "import { test } from '@jest/globals';\ntest.only('one', () => {});"],
  ['noSkippedTests', 'test/skip.test.ts', "import { test } from '@jest/globals';\ntest.skip('one', () => {});"],
  ['noSkippedTests', 'test/x.test.ts', "import { xit } from '@jest/globals';\nxit('one', () => {});"],
  ['noFloatingPromises', 'api/floats.ts', 'async function send() {}\nexport function begin() {\n  send();\n}'],
  [
    'noMisusedPromises',
    'api/misuses.ts',
    'async function isOpen() {\n  return true;\n}\nexport const state = () => {\n  if (isOpen()) return 1;\n  return 0;\n};',
  ],
  ['noJsRestrictedProperties', 'domain/has-clock.ts', 'export const now = () => Date.now();'],
  ['noJsRestrictedProperties', 'domain/has-stopwatch.ts', 'export const now = () => performance.now();'],
  ['noJsRestrictedProperties', 'domain/has-dice.ts', 'export const chance = () => Math.random();'],
];

/** What stands close to a violation and is none. */
const ALLOWED: Readonly<Record<string, string>> = {
  'services/nano.ts': 'export type Nano = bigint;\nexport const nano = (value: number): Nano => BigInt(value);\n',
  'services/clock.ts': 'export const now = () => Date.now();\n',
  'api/main.ts': 'export const environment = process.env;\n',
  'scripts/start.ts': 'export const environment = process.env;\n',
  'services/full-file.ts': lines(300, (at) => `export const line${at} = ${at};\n`).join(''),
};

interface Report {
  readonly diagnostics: readonly { readonly category: string; readonly location: { readonly path: string } }[];
}

const house = new PlantedHouse(['biome.json']);
let broken: { readonly file: string; readonly rule: string }[];

beforeAll(async () => {
  for (const [file, source] of Object.entries(ALLOWED)) house.plant(file, source);
  for (const [, file, source] of PLANTED) house.plant(file, `${source}\n`);
  const report = await house.report('biome', ['lint', '--reporter=json', '--max-diagnostics=none']);
  broken = (report as Report).diagnostics.map(({ category, location }) => ({
    file: location.path,
    rule: category.slice(category.lastIndexOf('/') + 1),
  }));
});
afterAll(() => house.remove());

test.each(PLANTED)('%s bites: %s', (rule, file) => {
  expect(broken).toContainEqual({ file, rule });
});

test('every rule that biome.json names has a violation planted against it', () => {
  expect([...new Set(PLANTED.map(([rule]) => rule))].sort()).toEqual([...new Set(named())].sort());
});

test('what the rules allow is not reported', () => {
  expect(broken.filter(({ file }) => file in ALLOWED)).toEqual([]);
});

interface Rules {
  readonly linter: { readonly rules: Readonly<Record<string, string | Readonly<Record<string, unknown>>>> };
}

function named(): string[] {
  const config = JSON.parse(readFileSync(join(import.meta.dirname, '../biome.json'), 'utf8')) as Rules & {
    overrides: Rules[];
  };
  return [config, ...config.overrides].flatMap(({ linter }) =>
    Object.values(linter.rules).flatMap((group) => (typeof group === 'string' ? [] : Object.keys(group))),
  );
}
