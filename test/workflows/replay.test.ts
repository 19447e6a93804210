// Workflows of yesterday go on under the code of today: each history that was kept replays, and a change that would wedge what is
// asleep is seen here and not in production. From the release on a history that stands here is never changed (temporal.md 9).
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';

const ROOT = join(import.meta.dirname, '../..');
const HISTORIES = join(ROOT, 'test/histories');
const histories = globSync('**/*.json', { cwd: HISTORIES }).sort();

/** Histories that have gone some way, one of each type of workflow; the file, and the first statement after its handlers are set. */
const PLANTED = [
  [['reconciliation/mended.json'], 'reconciliation.ts', '  learn(await db.openReconciliation({ name }));'],
  [
    ['reconciliation/tick.json'],
    'reconciliation.ts',
    "  const names = await db.openReconciliations.executeWithOptions({ ...DB, summary: 'what is due or has not ended' }, []);",
  ],
  [['backup/mended.json', 'restoreCheck/mended.json'], 'attended-case.ts', '  let view = learn(await about.look());'],
  [
    ['masterKeyRotation/rotated.json'],
    'master-key-rotation.ts',
    '    row = await db.tickMasterKeyRotation({ version });',
  ],
  [
    [
      'apiKeyRotation/reminded.json',
      'autoTopUp/resting.json',
      'subscription/renewed.json',
      'dunning/unpaid.json',
      'enterpriseOnboarding/asked-and-expired.json',
      'channelKeyRotation/refused.json',
    ],
    'billing-process.ts',
    '      const view = this.#seen ?? (await this.#case.look());',
  ],
] as const;
const ANOTHER_STEP = "await sleep('1 ms');";

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
  return Worker.runReplayHistory({ workflowBundle }, told, `${dirname(history)}:${basename(history, '.json')}`);
}

/** The workflows of a house in which one of them was changed. */
async function bundleWith(name: string, statement: string, added: string): Promise<{ readonly code: string }> {
  const house = mkdtempSync(join(tmpdir(), 'tollgate-workflows-'));
  houses.push(house);
  for (const room of ['workflows', 'domain']) cpSync(join(ROOT, room), join(house, room), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'));
  const file = join(house, 'workflows', name);
  const changed = readFileSync(file, 'utf8')
    .replace('  condition,\n', '  condition,\n  patched,\n  sleep,\n')
    .replace(statement, `${added}\n${statement}`);
  writeFileSync(file, changed);
  expect(changed).toContain(added);
  return await bundleWorkflows(QUIET, join(house, 'workflows/registered.ts'));
}

const BRANCHES = {
  apiKeyRotation: ['extended-and-ended', 'over', 'rebuilt', 'reminded', 'taken-back'],
  autoTopUp: ['bought', 'in-doubt-and-paid', 'rebuilt-and-switched-off', 'resting'],
  backup: ['dismissed', 'mended', 'nightly', 'rebuilt', 'reminded', 'tick-finding-some-running', 'tick'],
  channelKeyRotation: [
    'brought-and-extended',
    'decided-by-update',
    'emergency',
    'filled-up-held-and-rolled-back',
    'made-and-finished',
    'refused',
    'tick',
  ],
  dunning: [
    'commands-refused',
    'extended-and-waived',
    'first-month-of-a-debt',
    'paid-by-card',
    'paid-elsewhere',
    'stopped-and-paid',
    'undecided',
    'unpaid',
  ],
  enterpriseOnboarding: [
    'approved-by-two',
    'asked-and-expired',
    'decided-by-update',
    'rejected',
    'undone-and-decided-anew',
  ],
  masterKeyRotation: [
    'dismissed',
    'late-and-cancelled',
    'mended',
    'paused-and-resumed',
    'rebuilt',
    'rotated',
    'waiting-for-a-process',
  ],
  reconciliation: ['dismissed', 'mended', 'nightly', 'rebuilt', 'reminded', 'tick-finding-some-running', 'tick'],
  refusedRefund: ['asked-again', 'dismissed'],
  restoreCheck: ['dismissed', 'mended', 'weekly'],
  subscription: [
    'cancelled',
    'cancelling',
    'commands-refused',
    'due-and-not-done-at-once',
    'due-and-paid',
    'due-and-poked',
    'due-while-stripe-was-silent',
    'first-cycle',
    'months-of-a-year',
    'paid-late',
    'pausing',
    'poked-while-asked',
    'refund-refused',
    'refunded',
    'refused-by-stripe',
    'renewed-and-told',
    'renewed',
    'resumed-and-upgraded',
    'unpaid',
    'updated-at-the-end',
  ],
};

test('every branch of every process has a history', () => {
  expect(histories).toEqual(
    Object.entries(BRANCHES).flatMap(([process, names]) => names.map((name) => `${process}/${name}.json`)),
  );
});

test.each(histories)('the code of today replays %s', async (history) => {
  await expect(replayed(history, today)).resolves.toBeUndefined();
});

test.each(PLANTED)(
  'a step that is new to %s fails its replay, and behind patched() it does not',
  async (kept, file, statement) => {
    const bare = await bundleWith(file, statement, ANOTHER_STEP);
    const guarded = await bundleWith(file, statement, `if (patched('planted')) ${ANOTHER_STEP}`);

    for (const history of kept) {
      await expect(replayed(history, bare)).rejects.toThrow(/Nondeterminism error/);
      await expect(replayed(history, guarded)).resolves.toBeUndefined();
    }
  },
);
