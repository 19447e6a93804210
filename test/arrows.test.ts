// Each arrow rule is shown to bite: in a house of its own, a planted violation is reported by the rule meant for it.
// That the real house breaks no rule is a gate of its own (scripts/check.ts).
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PlantedHouse } from './house/planted-house.ts';

const PACKAGES = [
  'pg',
  'express',
  'stripe',
  'nodemailer',
  'better-auth',
  'openid-client',
  '@aws-sdk/client-s3',
  'react',
  '@temporalio/client',
  '@temporalio/workflow',
  '@temporalio/worker',
];

/** rule, the file that breaks it, what stands in the file */
const PLANTED: readonly (readonly [rule: string, file: string, source: string])[] = [
  ['domain-is-pure', 'domain/reads-files.ts', "import 'node:fs';"],
  ['domain-is-pure', 'domain/knows-sql.ts', "import 'pg';"],
  ['domain-is-pure', 'domain/knows-services.ts', "import '../services/ledger.ts';"],
  ['workflows-are-replayed', 'workflows/reads-files.ts', "import 'node:fs';"],
  ['workflows-are-replayed', 'workflows/knows-services.ts', "import '../services/ledger.ts';"],
  ['contracts-import-no-workflow', 'workflows/contracts/knows-process.ts', "import '../dunning.ts';"],
  ['services-know-no-edge', 'services/knows-express.ts', "import 'express';"],
  ['services-know-no-edge', 'services/knows-temporal.ts', "import '@temporalio/client';"],
  ['services-know-no-edge', 'services/knows-routes.ts', "import type {} from '../api/routes/models.ts';"],
  ['activities-are-thin', 'activities/knows-sql.ts', "import 'pg';"],
  ['api-sees-contracts-only', 'api/runs-process.ts', "import '../workflows/dunning.ts';"],
  ['api-sees-contracts-only', 'api/runs-worker.ts', "import '@temporalio/worker';"],
  ['workers-do-not-know-the-api', 'workers/knows-routes.ts', "import '../api/routes/models.ts';"],
  ['workers-bundle-workflows', 'workers/knows-process.ts', "import '../workflows/dunning.ts';"],
  ['temporal-is-opened-in-one-place', 'workers/opens-temporal.ts', "import '@temporalio/client';"],
  ['temporal-is-opened-in-one-place', 'api/opens-temporal.ts', "import type {} from '@temporalio/client';"],
  ['proxy-reaches-neither-temporal-nor-stripe', 'api/proxy/pays.ts', "import '../../services/payments/stripe-api.ts';"],
  ['stripe-in-one-place', 'services/payments/asks-stripe.ts', "import 'stripe';"],
  ['stripe-in-one-place', 'api/asks-stripe.ts', "import type {} from 'stripe';"],
  ['mail-in-one-module', 'workers/sends-mail.ts', "import 'nodemailer';"],
  ['better-auth-in-two-modules', 'services/accounts/signs-in.ts', "import 'better-auth';"],
  ['openid-in-one-module', 'api/routes/asks-provider.ts', "import type {} from 'openid-client';"],
  ['object-storage-in-one-module', 'activities/stores.ts', "import type {} from '@aws-sdk/client-s3';"],
  ['console-stands-alone', 'console/src/knows-routes.tsx', "import type {} from '../../api/routes/models.ts';"],
  ['console-stands-alone', 'console/src/knows-domain.ts', "import '../../domain/nano.ts';"],
  ['nobody-imports-the-console', 'scripts/knows-console.ts', "import '../console/src/money.ts';"],
  ['nobody-imports-the-outside', 'services/knows-tests.ts', "import '../test/support/clock.ts';"],
  ['nobody-imports-the-outside', 'api/knows-scripts.ts', "import '../scripts/start.ts';"],
  ['oracle-shares-no-code', 'test/oracle/knows-domain.ts', "import type {} from '../../domain/nano.ts';"],
  ['oracle-shares-no-code', 'test/oracle/knows-services.ts', "import '../support/clock.ts';"],
  ['oracle-shares-no-code', 'test/oracle/knows-api.ts', "import '../../api/routes/models.ts';"],
  ['no-catch-alls', 'services/knows-helpers.ts', "import './helpers/text.ts';"],
  ['no-circular', 'domain/egg.ts', "import './hen.ts';"],
  ['no-orphans', 'domain/alone.ts', ''],
];

/** What the planted files import, and what the arrows allow. */
const ALLOWED: Readonly<Record<string, string>> = {
  'domain/nano.ts': "import './meters.ts';",
  'domain/meters.ts': '',
  'domain/hen.ts': "import './egg.ts';",
  'services/ledger.ts': "import 'pg';\nimport '../domain/nano.ts';",
  'services/payments/stripe-api.ts': "import 'stripe';",
  'services/helpers/text.ts': '',
  'workflows/dunning.ts':
    "import '@temporalio/workflow';\nimport '../domain/nano.ts';\nimport './contracts/dunning.ts';",
  'workflows/contracts/dunning.ts': "import '@temporalio/workflow';",
  'activities/dunning.ts': "import '../services/ledger.ts';\nimport '../workflows/contracts/dunning.ts';",
  'workers/main.ts': "import '@temporalio/worker';\nimport '../activities/dunning.ts';",
  'workers/temporal.ts': "import '@temporalio/client';\nimport '../workflows/contracts/dunning.ts';",
  'api/routes/models.ts': "import 'express';\nimport '../../services/ledger.ts';",
  'api/proxy/handle.ts': "import '../../services/ledger.ts';",
  'console/src/money.ts': '',
  'console/src/main.tsx': "import 'react';\nimport './money.ts';",
  'test/console/money.test.ts': "import '../../console/src/money.ts';",
  'scripts/start.ts': "import '../services/ledger.ts';\nimport '../test/support/clock.ts';",
  'test/support/clock.ts': "import '../../services/ledger.ts';",
  'test/oracle/judge.ts': "import 'pg';\nimport './facts.ts';",
  'test/oracle/facts.ts': '',
  'test/oracle/judge.test.ts': "import './judge.ts';\nimport '../support/clock.ts';",
};
const PART_OF_A_VIOLATION = ['domain/hen.ts', 'services/payments/stripe-api.ts', 'services/helpers/text.ts'];

interface Report {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

const house = new PlantedHouse(['tsconfig.json', '.dependency-cruiser.cjs', 'package.json']);
let broken: { readonly file: string; readonly rule: string }[];

beforeAll(async () => {
  for (const [file, source] of Object.entries(ALLOWED)) house.plant(file, `${source}\nexport {};\n`);
  for (const [, file, source] of PLANTED) house.plant(file, `${source}\nexport {};\n`);
  const rooms = house.rooms();
  for (const name of PACKAGES) house.plant(`node_modules/${name}/index.js`, 'export {};\n');
  const { summary } = (await house.report('depcruise', ['--output-type', 'json', ...rooms])) as Report;
  broken = summary.violations.map(({ from, rule }) => ({ file: from, rule: rule.name }));
});
afterAll(() => house.remove());

test.each(PLANTED)('%s bites: %s', (rule, file) => {
  expect(broken).toContainEqual({ file, rule });
});

test('every rule has a violation planted against it', () => {
  const { forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as {
    forbidden: { name: string }[];
  };
  expect([...new Set(PLANTED.map(([rule]) => rule))].sort()).toEqual(forbidden.map(({ name }) => name).sort());
});

test('what the arrows allow is not reported', () => {
  const innocent = Object.keys(ALLOWED).filter((file) => !PART_OF_A_VIOLATION.includes(file));
  expect(broken.filter(({ file }) => innocent.includes(file))).toEqual([]);
});
