// What backups are told is refused all at once and by name, and who writes to object storage is never who removes from it.
import { expect, test } from '@jest/globals';
import { backupSettings } from '../../../services/platform/backup-config.ts';

const MASTER_KEYS = '{"current":1,"keys":{"1":"7d4v2m0Qk1C3o8yq5rVdF6n9tGx2bLwZ0aHsJeKpUyM="}}';
const FOLDER = {
  DATABASE_URL_BACKUP: 'postgres://backup:x@db/tollgate',
  TOLLGATE_BACKUP_STORE: '/srv/backups',
  TOLLGATE_MASTER_KEYS: MASTER_KEYS,
};
const BUCKET = {
  ...FOLDER,
  TOLLGATE_BACKUP_STORE: 's3://bucket/of/ours',
  TOLLGATE_BACKUP_WRITER: 'writer:one',
  TOLLGATE_BACKUP_REMOVER: 'remover:two',
};

function read(env: Readonly<Record<string, string>>) {
  const problems: string[] = [];
  return { settings: backupSettings(env, problems), problems };
}

test('without a place for them no backups are taken, and nothing is asked for', () => {
  expect(read({})).toEqual({ settings: null, problems: [] });
});

test('a folder needs a database and the master keys, a bucket two credentials as well', () => {
  expect(read(FOLDER).settings?.storage).toEqual({ folder: '/srv/backups' });
  expect(read({ ...BUCKET, TOLLGATE_BACKUP_LOCK_DAYS: '7' }).settings?.storage).toEqual({
    s3: {
      ...{ bucket: 'bucket', prefix: 'of/ours/', endpoint: null, region: 'us-east-1', lockDays: 7 },
      writing: { id: 'writer', secret: 'one' },
      removing: { id: 'remover', secret: 'two' },
    },
  });
});

test.each([
  ['a relative folder', { TOLLGATE_BACKUP_STORE: 'backups' }, /^TOLLGATE_BACKUP_STORE must be the absolute path/],
  ['no database', { DATABASE_URL_BACKUP: '' }, /^DATABASE_URL_BACKUP/],
  ['no master keys', { TOLLGATE_MASTER_KEYS: '' }, /^TOLLGATE_MASTER_KEYS_FILE or TOLLGATE_MASTER_KEYS is not set/],
  ['one credential for both', { TOLLGATE_BACKUP_REMOVER: 'writer:one' }, /who writes may not remove/],
  ['no credential that removes', { TOLLGATE_BACKUP_REMOVER: '' }, /who writes may not remove/],
  ['half a credential', { TOLLGATE_BACKUP_WRITER: 'writer' }, /^TOLLGATE_BACKUP_WRITER must be <access key id>/],
])('%s is refused', (_, changes, problem) => {
  const { settings, problems } = read({ ...BUCKET, ...changes });

  expect(settings).toBeNull();
  expect(problems).toEqual([expect.stringMatching(problem)]);
});
