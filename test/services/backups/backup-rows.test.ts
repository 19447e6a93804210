// The row of a backup through its steps: what was made is not made twice, what fails for good waits for a person, and room is made only after a
// backup has proven itself, of those that have a row.
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { requestBackup } from '../../../services/backups/backup-list.ts';
import { Backups, type Step } from '../../../services/backups/backups.ts';
import type { ObjectStore } from '../../../services/backups/object-store.ts';
import { destroyMasterKey, masterKeys } from '../../../services/master-keys/master-keys.ts';
import { resealBatch } from '../../../services/master-keys/sealed-rows.ts';
import { newId } from '../../../services/platform/ids.ts';
import { alone, createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { fingerprintOf } from '../../../services/vault/vault.ts';
import { backedUpInstallation, newVault } from './backed-up-installation.ts';

const { admin, database, environment, place } = await backedUpInstallation();
const db = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 4, statementTimeoutMs: 8_000 });
afterAll(() => db.end());
const backups = new Backups(db, place);

async function asked(): Promise<Step> {
  const { name } = await inTransaction(db, (tx) => requestBackup(tx, 'ada'));
  return { name, round: 1, isLast: false };
}

function tell(name: string, command: 'retryNow' | 'dismiss') {
  return backups.command(`backup:${name}`, { name, command, actor: 'ada', reason: 'seen', requestId: newId() });
}

/** One that was proven so many days ago, with its objects. */
async function stored(name: string, daysAgo: number): Promise<void> {
  for (const end of ['backup', 'manifest.json']) writeFileSync(join(place.folder, `${name}.1.${end}`), 'x');
  await admin.query(
    `insert into backups (name, kind, stage, object, bytes, sha256, taken_at, proven_at, ended_at)
     values ($1, 'nightly', 'completed', $1 || '.1.backup', 1, 's', now() - $2 * interval '1 day', now(), now())`,
    [name, daysAgo],
  );
}

/** Its dump was stored so many days ago and its manifest was not, and somebody dismissed it. */
async function givenUp(name: string, daysAgo: number): Promise<void> {
  writeFileSync(join(place.folder, `${name}.1.backup`), 'x');
  await admin.query(
    `insert into backups (name, kind, stage, opened_at, ended_at) values ($1, 'nightly', 'dismissed', now() - $2 * interval '1 day', now())`,
    [name, daysAgo],
  );
}

test('once it is proven, and not before, it makes room: of others that are not kept, and of nothing that has no row', async () => {
  for (const [name, daysAgo] of [
    ['ancient', 400],
    ['sunday', 3],
    ['monday', 2],
    ['tuesday', 1],
  ] as const)
    await stored(name, daysAgo);
  writeFileSync(join(place.folder, 'by-hand-of-ada.1.backup'), 'x');
  await givenUp('given-up', 8);
  writeFileSync(join(place.folder, 'ancient.0.backup'), 'of a round that failed');
  const step = await asked();

  const tooEarly = await backups.prune(step);
  const dumped = await backups.take(step);
  const again = await backups.take(step);
  await backups.prove(step);
  const before = readdirSync(place.folder);
  const done = await backups.prune(step);

  expect(tooEarly.stage).toBe('dumping');
  expect([dumped.stage, again.revision]).toEqual(['verifying', dumped.revision]);
  expect(before).toContain('ancient.1.backup');
  expect(done.stage).toBe('completed');
  const after = readdirSync(place.folder);
  expect(before.filter((file) => !after.includes(file))).toEqual([
    'ancient.0.backup',
    'ancient.1.backup',
    'ancient.1.manifest.json',
    'given-up.1.backup',
  ]);
  const { rows } = await admin.query('select name from backups where removed_at is not null order by name');
  expect(rows).toEqual([{ name: 'ancient' }, { name: 'given-up' }]);
});

test('storage that lets nothing be removed fails the last step alone: mended, it goes on there and takes no other backup', async () => {
  await stored('older', 300);
  const store: ObjectStore = {
    place: place.store.place,
    put: (object, bytes) => place.store.put(object, bytes),
    get: (object) => place.store.get(object),
    sizeOf: (object) => place.store.sizeOf(object),
    list: (prefix) => place.store.list(prefix),
    remove: () => Promise.reject(new Error('AccessDenied')),
  };
  const refusing = new Backups(db, { ...place, store });
  const step = await asked();
  await refusing.take(step);
  await refusing.prove(step);

  await expect(refusing.prune(step)).rejects.toThrow('AccessDenied');
  const failed = await refusing.prune({ ...step, isLast: true });
  const { object } = failed;
  await tell(step.name, 'retryNow');
  const done = await backups.prune({ ...step, round: 2 });

  expect(failed).toMatchObject({ stage: 'attention', trouble: 'AccessDenied' });
  expect(done).toMatchObject({ stage: 'completed', round: 2, object, trouble: null });
});

test('while another backup is under way it waits, and that is no failure; without a place it says so at once', async () => {
  const step = await asked();
  await alone(admin, 'backups', async () => {
    await expect(backups.take({ ...step, isLast: true })).rejects.toThrow('another backup or drill is under way');
  });
  const nowhere = new Backups(db, null);

  expect(await nowhere.openDue()).toEqual([step.name]);
  expect(await nowhere.take(step)).toMatchObject({
    stage: 'attention',
    trouble: 'TOLLGATE_BACKUP_STORE is not set for this worker',
  });
  expect(await tell(step.name, 'dismiss')).toMatchObject({ kind: 'done', answer: { stage: 'dismissed' } });
  expect(await tell(step.name, 'retryNow')).toEqual({
    ...{ kind: 'refused', why: `${step.name} is dismissed: it waits for nobody's answer` },
  });
});

test('a worker whose clock is a year ahead removes nothing that is kept', async () => {
  await stored('of-this-week', 5);
  await stored('of-this-week-too', 4);
  const { name } = await asked();
  await admin.query(
    `update backups set stage = 'pruning', object = name, bytes = 1, sha256 = 's', taken_at = now(), proven_at = now() where name = $1`,
    [name],
  );
  const before = readdirSync(place.folder);
  const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 366 * 86_400_000);

  const { stage } = await backups.prune({ name, round: 1, isLast: false });
  clock.mockRestore();

  expect([stage, readdirSync(place.folder)]).toEqual(['completed', before]);
});

test('one that is taken while wraps are renewed needs both master keys, that of its seal and that of rows in it', async () => {
  const { keys } = JSON.parse(environment.TOLLGATE_MASTER_KEYS ?? '');
  const vault = newVault(JSON.stringify({ current: 2, keys: { ...keys, 2: randomBytes(32).toString('base64') } }));
  const fingerprints = [...vault.keyring.keys.values()].map(fingerprintOf);
  await admin.query(
    `insert into master_keys (version, fingerprint, state) values (1, $1, 'opening'), (2, $2, 'sealing')`,
    fingerprints,
  );
  const step = await asked();

  await new Backups(db, { ...place, vault }).take(step);
  await inTransaction(db, (tx) => resealBatch(tx, vault, 2, null));

  const needed = (await masterKeys(db)).map(({ version, sealedRows, backups: by }) => [version, sealedRows, by]);
  expect(needed).toEqual([
    [2, 1, [step.name]],
    [1, 0, expect.arrayContaining([step.name])],
  ]);
  await expect(inTransaction(db, (tx) => destroyMasterKey(tx, 1))).rejects.toThrow(/is needed by \d+ backups/);
});
