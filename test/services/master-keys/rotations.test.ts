// One master key takes the place of another while everything goes on: nothing is sealed under the older one any more, each row is renewed once, whatever
// is in the way, and a secret is the same before and after.
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { channelKeyContext } from '../../../services/channels/channel-key-context.ts';
import { addChannelKeys } from '../../../services/channels/channel-keys.ts';
import { destroyMasterKey } from '../../../services/master-keys/master-keys.ts';
import { commandRotation, MasterKeyRotations } from '../../../services/master-keys/rotations.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import type { Sealed } from '../../../services/vault/vault.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';
import { Safe } from './safe.ts';

const BASE_URL = 'https://upstream.example/v1';
const staying = new AbortController().signal;

const { database, admin } = await ownDatabase();
const safe = new Safe(database, admin);
const vault = safe.vault(1, 2, 3);
const rotations = new MasterKeyRotations(safe.db, vault);

beforeEach(() => safe.empty());
afterAll(() => safe.db.end());

function tell(command: 'pause' | 'resume' | 'cancel' | 'retryNow' | 'dismiss', version = 2) {
  const told = { command, actor: 'ada', reason: 'as agreed', requestId: newId() };
  return inTransaction(safe.db, (tx) => commandRotation(tx, version, told));
}

async function startedAt2(keyCount: number): Promise<string> {
  await safe.process('worker', 1, 2, 3);
  const channelId = await safe.channel(vault, keyCount);
  await safe.start(2, vault);
  return channelId;
}

/** Every process has said that it has the new one. */
async function switched() {
  await safe.processesLookAgain();
  return rotations.tick(2);
}

/** For somebody else's transaction. */
async function untilOneWaits(): Promise<void> {
  await until(async () => {
    const { rowCount } = await admin.query(
      `select from pg_stat_activity where application_name = 'safe' and wait_event_type = 'Lock'`,
    );
    return rowCount !== 0;
  });
}

async function opened(): Promise<string[]> {
  const { rows } = await admin.query<{ id: string; sealed: Sealed }>('select id, sealed from channel_keys order by id');
  return rows.map(({ id, sealed }) => vault.open(sealed, channelKeyContext(id, BASE_URL)));
}

test('everything is sealed under the new master key, opens as before, and gateways read none of it anew', async () => {
  await startedAt2(1_200);
  const before = await opened();
  await admin.query('truncate config_changes');

  const waiting = await rotations.tick(2);
  const first = await switched();
  const done = await rotations.reseal(2, staying);

  expect([waiting.stage, first.stage, first.total]).toEqual(['acknowledging', 'resealing', 1_200]);
  expect([done.stage, done.resealed, done.left, done.troubles]).toEqual(['completed', 1_200, 0, []]);
  expect([await safe.rowsUnder(), await opened()]).toEqual([{ 2: 1_200 }, before]);
  expect((await admin.query('select from config_changes')).rowCount).toBe(0);
  const { rows } = await admin.query<{ action: string }>(
    `select action from audit_log where target_kind = 'master_key' order by id desc limit 2`,
  );
  expect(rows.map(({ action }) => action)).toEqual(['master_key_rotation.completed', 'master_key_rotation.switched']);
});

test('from the moment on in which the new one seals nothing is kept that was sealed under the older', async () => {
  const channelId = await startedAt2(1);
  await switched();
  const late = vault.seal('late', channelKeyContext(channelId, BASE_URL), 1);

  const kept = admin.query(
    `insert into channel_keys (channel_id, sealed, master_key_version, last_four) values ($1, $2, 1, 'late')`,
    [channelId, JSON.stringify(late)],
  );

  await expect(kept).rejects.toMatchObject({ code: 'TG003', message: expect.stringContaining('it is 2 that seals') });
  await inTransaction(safe.db, (tx) => addChannelKeys(tx, vault, { id: channelId, baseUrl: BASE_URL }, ['in time']));
  expect(await safe.rowsUnder()).toEqual({ 1: 1, 2: 1 });
});

test('who is about to seal under the older one is waited for, and what he sealed is renewed with the rest', async () => {
  const channelId = await startedAt2(1);
  const slow = await safe.db.connect();
  await slow.query('begin');
  await addChannelKeys(slow, vault, { id: channelId, baseUrl: BASE_URL }, ['slow']);

  const switching = switched();
  await untilOneWaits();
  await slow.query('commit');
  slow.release();

  expect((await switching).total).toBe(2);
  expect((await rotations.reseal(2, staying)).resealed).toBe(2);
});

test('who is just saying that he does not have the new one is waited for, and named', async () => {
  await startedAt2(1);
  await safe.processesLookAgain();
  const late = await safe.db.connect();
  await late.query('begin; select sealing_master_key()');
  await late.query(
    `insert into master_key_holders (process_id, kind, host, pid, versions) values ($1, 'worker', 'there', 1, '{1}')`,
    [newId()],
  );

  const looking = rotations.tick(2);
  await untilOneWaits();
  await late.query('commit');
  late.release();

  expect(await looking).toMatchObject({
    stage: 'acknowledging',
    behind: ['worker 1 on there: it does not have it'],
  });
});

/** By somebody who writes it. */
async function aRowHeld(): Promise<() => Promise<void>> {
  const writer = await admin.connect();
  await writer.query('begin; select from channel_keys limit 1 for update');
  return async () => {
    await writer.query('commit');
    writer.release();
  };
}

test('interrupted in the middle it goes on where it was, and no row is renewed twice', async () => {
  await startedAt2(1_200);
  await switched();
  const letGo = await aRowHeld(); // so that it cannot come to its end before it is interrupted
  const leaving = new AbortController();
  const interrupted = rotations.reseal(2, leaving.signal);
  await until(async () => (await safe.rowsUnder())[2] !== undefined);
  leaving.abort();
  await expect(interrupted).rejects.toThrow(/abort/i);
  await letGo();
  const { 2: some = 0 } = await safe.rowsUnder();

  const [one, other] = await Promise.all([rotations.reseal(2, staying), rotations.reseal(2, staying)]);

  expect(some).toBeLessThan(1_200);
  expect([one.resealed, other.stage, await safe.rowsUnder()]).toEqual([1_200, 'completed', { 2: 1_200 }]);
});

test('paused it stands still, with both versions open, until somebody has it go on', async () => {
  await startedAt2(600);
  await switched();
  await tell('pause');

  const paused = await rotations.reseal(2, staying);
  const texts = await opened();
  await tell('resume');
  const done = await rotations.reseal(2, staying);

  expect([paused.stage, paused.isPaused, paused.resealed, texts.length]).toEqual(['resealing', true, 0, 600]);
  expect([done.stage, done.resealed]).toEqual(['completed', 600]);
});

test('a row that somebody is writing is renewed when he is done', async () => {
  await startedAt2(3);
  await switched();
  const letGo = await aRowHeld();

  const resealing = rotations.reseal(2, staying);
  await until(async () => (await safe.rowsUnder())[2] === 2);
  await letGo();

  expect((await resealing).resealed).toBe(3);
});

test('what does not open is named and waits for a person; mended it goes on, and what stays keeps its master key from being destroyed', async () => {
  await startedAt2(2);
  const whole = (await admin.query<{ id: string; sealed: Sealed }>('select id, sealed from channel_keys order by id'))
    .rows[0];
  await admin.query(
    `update channel_keys set sealed = jsonb_set(sealed, '{wrapTag}', '"AAAAAAAAAAAAAAAAAAAAAA=="') where id = $1`,
    [whole?.id],
  );
  await switched();

  const stuck = await rotations.reseal(2, staying);
  await tell('dismiss');
  const destroying = inTransaction(safe.db, (tx) => destroyMasterKey(tx, 1));

  expect([stuck.stage, stuck.resealed, stuck.troubles]).toEqual([
    'attention',
    1,
    expect.arrayContaining([`channel_keys ${whole?.id}, under master key 1`]),
  ]);
  await expect(destroying).rejects.toMatchObject({ message: 'Master key 1 still opens 1 rows: let the rotation end.' });
  await admin.query('delete from channel_keys where id = $1', [whole?.id]);
  expect((await inTransaction(safe.db, (tx) => destroyMasterKey(tx, 1))).state).toBe('destroyed');
});

test('mended, what did not open is renewed when somebody has it tried again', async () => {
  await startedAt2(1);
  const broken = `update channel_keys set sealed = jsonb_set(sealed, '{wrapTag}', to_jsonb(reverse(sealed ->> 'wrapTag')))`;
  const { rows } = await admin.query<{ sealed: Sealed }>('select sealed from channel_keys');
  await admin.query(broken);
  await switched();
  expect((await rotations.reseal(2, staying)).stage).toBe('attention');

  await admin.query(
    `set session_replication_role to replica; update channel_keys set sealed = '${JSON.stringify(rows[0]?.sealed)}'; set session_replication_role to default`,
  );
  await tell('retryNow');

  expect((await rotations.reseal(2, staying)).stage).toBe('completed');
});

test('cancelled before it seals, its number is never used again; one at a time, and none to an older or an unknown one', async () => {
  await startedAt2(1);

  await expect(safe.start(3, vault)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/to master key 2 has not ended/),
  });
  await tell('cancel');
  await expect(safe.start(2, vault)).rejects.toMatchObject({
    message: expect.stringMatching(/is not newer than 2: give the new one the number 3/),
  });
  await expect(safe.start(4, vault)).rejects.toMatchObject({
    message: expect.stringMatching(/No master key 4 is in the keyring/),
  });
  await safe.start(3, vault);

  expect(await tell('resume', 3)).toMatchObject({ kind: 'refused', why: 'wrong_state' });
  await expect(inTransaction(safe.db, (tx) => destroyMasterKey(tx, 1))).rejects.toMatchObject({
    message: expect.stringMatching(/is sealing/),
  });
});

test('by what renews wraps no secret is exchanged for another', async () => {
  await startedAt2(2);
  await switched();
  const { rows } = await admin.query<{ id: string; sealed: Sealed }>('select id, sealed from channel_keys order by id');
  const [mine, other] = rows;
  const smuggled = {
    ...vault.renewWrap(mine?.sealed as Sealed, { table: 'channel_keys', rowId: mine?.id ?? '', column: 'sealed' }, 2),
    data: other?.sealed.data,
  };

  const { rows: renewed } = await safe.db.query<{ renewed: number }>('select renew_wraps($1, $2, $3, $4) as renewed', [
    'channel_keys',
    [mine?.id],
    [JSON.stringify(mine?.sealed)],
    [JSON.stringify(smuggled)],
  ]);

  expect(renewed[0]?.renewed).toBe(0);
  await expect(safe.db.query(`select renew_wraps('organizations', '{}', '{}', '{}')`)).rejects.toThrow(/no rows/);
});
