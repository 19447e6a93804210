// Workflows of yesterday go on under the code of today: each history that was kept replays, and a change that would wedge what is
// asleep is seen here and not in production. From the release on a history that stands here is never changed (temporal.md 9).
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';

const ROOT = join(import.meta.dirname, '../..');
const HISTORIES = join(ROOT, 'test/histories');
const histories = globSync('**/*.json', { cwd: HISTORIES }).sort();
const MENDED = 'reconciliation/mended.json';

/** The first statement after its handlers are set. */
const FIRST_STEP = '  learn(await db.openReconciliation({ name }));';
const ANOTHER_STEP = '  await db.openReconciliations();';

const QUIET = new DefaultLogger('ERROR', () => undefined);
Runtime.install({ logger: QUIET, shutdownSignals: [] });

const houses: string[] = [];
let today: { readonly code: string };
beforeAll(async () => {
  today = await bundleWorkflows(QUIET);
});
afterAll(() => {
  for (const house of houses) rmSync(house, { recursive: true });
});

function replayed(history: string, workflowBundle: { readonly code: string }): Promise<void> {
  const told = JSON.parse(readFileSync(join(HISTORIES, history), 'utf8'));
  return Worker.runReplayHistory({ workflowBundle }, told, `reconciliation:${basename(history, '.json')}`);
}

/** The workflows of a house in which one of them was changed. */
async function bundleWith(added: string): Promise<{ readonly code: string }> {
  const house = mkdtempSync(join(tmpdir(), 'tollgate-workflows-'));
  houses.push(house);
  for (const room of ['workflows', 'domain']) cpSync(join(ROOT, room), join(house, room), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'));
  const file = join(house, 'workflows/reconciliation.ts');
  const source = readFileSync(file, 'utf8');
  const changed = source
    .replace('  condition,\n', '  condition,\n  patched,\n')
    .replace(FIRST_STEP, `${added}\n${FIRST_STEP}`);
  writeFileSync(file, changed);
  expect(changed).toContain(added);
  return await bundleWorkflows(QUIET, join(house, 'workflows/registered.ts'));
}

test('every branch of the reconciliation has a history', () => {
  expect(histories).toEqual(
    ['dismissed', 'mended', 'nightly', 'rebuilt', 'reminded', 'tick-finding-some-running', 'tick'].map(
      (name) => `reconciliation/${name}.json`,
    ),
  );
});

test.each(histories)('the code of today replays %s', async (history) => {
  await expect(replayed(history, today)).resolves.toBeUndefined();
});

test('a step that is new to a history fails its replay, and behind patched() it does not', async () => {
  const bare = await bundleWith(ANOTHER_STEP);
  const guarded = await bundleWith(`  if (patched('planted')) {\n  ${ANOTHER_STEP}\n  }`);

  await expect(replayed(MENDED, bare)).rejects.toThrow(/Nondeterminism error/);
  await expect(replayed(MENDED, guarded)).resolves.toBeUndefined();
});
