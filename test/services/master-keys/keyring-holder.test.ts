// Which master keys a process has: it starts with those that are needed or not at all, says which they are, and takes a new one from its file.
import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { KeyringHolder } from '../../../services/master-keys/keyring-holder.ts';
import { destroyMasterKey, masterKeyHolders, masterKeys } from '../../../services/master-keys/master-keys.ts';
import { MasterKeyRotations } from '../../../services/master-keys/rotations.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { seal } from '../../../services/vault/sealing.ts';
import { Vault } from '../../../services/vault/vault.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { Safe } from './safe.ts';

const { database, admin } = await ownDatabase();
const safe = new Safe(database, admin);
const folder = mkdtempSync(join(tmpdir(), 'keyring-'));
const file = join(folder, 'master-keys.json');
const CONTEXT = { table: 't', rowId: 'r', column: 'sealed', origin: 'https://upstream.example' };

beforeEach(() => safe.empty());
afterAll(async () => {
  await safe.db.end();
  rmSync(folder, { recursive: true });
});

/** A gateway whose keys stand in the file. */
function gateway(...versions: number[]) {
  writeFileSync(file, safe.fileText(...versions));
  const said: string[] = [];
  const say = (about: unknown, event?: string) => void said.push(`${event} ${JSON.stringify(about)}`);
  const given = { masterKeys: safe.keyring(...versions), masterKeysFile: file };
  const log = { info: say, warn: say, error: say };
  return { said, holder: new KeyringHolder(given, { db: safe.db, processId: newId(), kind: 'gateway', log }) };
}

async function told(): Promise<(readonly number[])[]> {
  return (await masterKeyHolders(safe.db)).map(({ versions }) => versions);
}

async function statesOf(): Promise<string[]> {
  return (await masterKeys(safe.db)).map(({ version, state }) => `${version} ${state}`);
}

test('the first process says which master key seals, and the next ones take that', async () => {
  const first = await safe.process('gateway', 1);
  await safe.process('worker', 2, 1);

  const sealed = await inTransaction(safe.db, (tx) => seal(tx, safe.vault(2, 1), 'secret', CONTEXT));

  expect([await statesOf(), await told(), sealed.v]).toEqual([['1 sealing'], [[1], [1]], 1]);
  await first.end();
  expect(await told()).toEqual([[1]]);
});

test('with the master key missing, or with other bytes, a process refuses in a sentence and leaves nothing behind', async () => {
  const first = await safe.process('gateway', 1);
  await safe.channel(safe.vault(1), 1);
  await first.end();
  const other = { current: 1, keys: new Map([[1, createSecretKey(randomBytes(32))]]) };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const wrong = new KeyringHolder(
    { masterKeys: other, masterKeysFile: null },
    { db: safe.db, processId: newId(), kind: 'worker', log },
  );

  await expect(safe.process('gateway', 2)).rejects.toThrow(
    'Master keys refused:\n  master key 1 is missing, and secrets are sealed under it',
  );
  await expect(wrong.begin()).rejects.toThrow('master key 1 has other bytes than the one that sealed');

  await expect(inTransaction(safe.db, (tx) => seal(tx, new Vault(other), 'secret', CONTEXT))).rejects.toThrow(
    'master key 1 has other bytes',
  );
  expect([await told(), await statesOf()]).toEqual([[], ['1 sealing']]);
});

test('a master key that is added to the file is known without a restart, and a file that is no keyring changes nothing', async () => {
  const { holder, said } = gateway(1);
  await holder.begin();
  await safe.start(2, safe.vault(1, 2));
  await holder.lookAgain();
  const before = await told();

  writeFileSync(file, safe.fileText(1, 2).slice(0, -3));
  await admin.query(`update master_key_holders set seen_at = seen_at - interval '1 hour'`);
  await holder.lookAgain();
  await holder.lookAgain();
  const meanwhile = await told(); // it lives, as masterKeyHolders tells of those alone
  writeFileSync(file, safe.fileText(1, 2));
  await holder.lookAgain();

  expect([before, meanwhile, await told()]).toEqual([[[1]], [[1]], [[1, 2]]]);
  expect([...holder.vault.keyring.keys.keys()]).toEqual([1, 2]);
  expect(said.map((line) => line.split(' ')[0])).toEqual(['master_keys_not_taken', 'master_keys_taken']);
  expect(said.join()).not.toContain(safe.masterKey(2).export().toString('base64'));
  await holder.end();
});

test('from a file without a master key that something is sealed under nothing is taken: the process goes on with what it has', async () => {
  const { holder, said } = gateway(1);
  await holder.begin();
  await safe.channel(safe.vault(1), 1);

  writeFileSync(file, safe.fileText(2));
  await holder.lookAgain();

  expect([...holder.vault.keyring.keys.keys()]).toEqual([1]);
  expect(said.join()).toMatch(/master key 1 is missing/);
  await holder.end();
});

test('other bytes of a new master key on one machine are named, and that process is waited for', async () => {
  await safe.process('gateway', 1, 2);
  const other = new Map([...safe.keyring(1).keys, [2, createSecretKey(randomBytes(32))] as const]);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const given = { masterKeys: { current: 1, keys: other }, masterKeysFile: null };
  await safe.start(2, safe.vault(1, 2));
  await new KeyringHolder(given, { db: safe.db, processId: newId(), kind: 'worker', log }).begin();

  const { stage, behind } = await new MasterKeyRotations(safe.db, safe.vault(1, 2)).tick(2);

  expect([stage, behind]).toEqual([
    'acknowledging',
    [expect.stringMatching(/^gateway .*does not have it$/), expect.stringMatching(/^worker .*it has other bytes$/)],
  ]);
});

test('a master key that was destroyed opens nothing any more in any process, also in one that still has its bytes', async () => {
  const { holder } = gateway(1, 2);
  await holder.begin();
  const sealed = holder.vault.seal('secret', CONTEXT, 1);
  const rotations = new MasterKeyRotations(safe.db, holder.vault);
  await safe.start(2, holder.vault);
  await holder.lookAgain();
  await rotations.tick(2);
  await rotations.reseal(2, new AbortController().signal);
  const opened = holder.vault.open(sealed, CONTEXT);

  await inTransaction(safe.db, (tx) => destroyMasterKey(tx, 1));
  await holder.lookAgain();
  const later = gateway(1, 2);
  await later.holder.begin();

  expect([opened, await statesOf()]).toEqual(['secret', ['2 sealing', '1 destroyed']]);
  for (const { vault } of [holder, later.holder]) {
    expect(() => vault.open(sealed, CONTEXT)).toThrow('there is no master key of version 1');
  }
  await Promise.all([holder.end(), later.holder.end()]);
});
