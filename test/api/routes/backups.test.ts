// Backups through the API, by the commands of the page: a worker is told at once, a drill needs a backup that has proven itself, and both are listed.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OutboxBell } from '../../../services/platform/outbox-bell.ts';
import { commandsOf } from '../../support/operators-page.ts';
import { until } from '../../support/until.ts';
import { ADMIN_TOKEN, type ManagementApp, startManagementApp } from './management-app.ts';

const [takeOne = '', drill = ''] = (commandsOf('Backups')[1] ?? '').trim().split('\n');

let app: ManagementApp;
beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

async function typed(command: string): Promise<Record<string, unknown>> {
  const filled = command.replace('<admin token>', ADMIN_TOKEN).replace('http://127.0.0.1:8080', app.url);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', filled]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('who asks for a backup rings for a worker, and a drill is refused until one has proven itself', async () => {
  const rung: string[] = [];
  const bell = new OutboxBell(app.database.urlFor('worker'), (outbox) => rung.push(outbox));
  await bell.start();

  const early = await app.call('post', '/api/v1/restore-checks', { body: {} });
  const backup = await typed(takeOne);
  const second = await typed(takeOne);
  await until(() => rung.includes('backup'));
  await bell.stop();
  await app.db.query(
    `update backups set stage = 'completed', object = 'o', bytes = 5, sha256 = 's', taken_at = now(), proven_at = now(), ended_at = now()
      where name = $1`,
    [second.name],
  );
  const check = await typed(drill);

  expect(early.status).toBe(409);
  expect(backup).toMatchObject({
    kind: 'by_hand',
    stage: 'dumping',
    provenAt: null,
    workflowId: `backup:${backup.name}`,
  });
  expect(check).toMatchObject({
    ...{ backup: second.name, stage: 'restoring' },
    workflowId: `restore-check:${check.name}`,
  });
  const page = await app.call('get', '/api/v1/backups?limit=1');
  const next = await app.call('get', `/api/v1/backups?limit=1&cursor=${page.string('nextCursor')}`);
  expect([page.string('data.0.name'), next.string('data.0.name')]).toEqual([second.name, backup.name]);
  expect((await app.call('get', '/api/v1/restore-checks')).string('data.0.name')).toBe(check.name);
  const { rows } = await app.db.query(
    `select action from audit_log where target_kind in ('backup', 'restore_check') order by seq`,
  );
  expect(rows.map(({ action }) => action)).toEqual(['backup.requested', 'backup.requested', 'restore_check.requested']);
});
