// A worker that is killed at any step of a rotation, or is too late, and a provider that loses what it was told, leave no key there that nobody knows, or that
// should be gone: the next look finds it by its name.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ADMIN_KEY, type Changed, openKeyDesk } from './key-desk.ts';

const VICTIM = join(import.meta.dirname, 'killed-worker/main.ts');

const desk = await openKeyDesk();

async function killed({ slotId }: Changed, nth: number): Promise<NodeJS.Signals | null> {
  const given = [VICTIM, desk.database.urlFor('worker'), slotId, desk.keyring, String(nth)];
  const [, signal] = await once(spawn(process.execPath, given, { stdio: 'inherit' }), 'exit');
  return signal;
}

/** Names of keys that the provider has for this rotation. */
async function keysOf(rotationId: string): Promise<number> {
  return (await desk.keysAtProvider()).filter((name) => name.endsWith(rotationId)).length;
}

// Of each look the first commit takes what time has brought, and the second what came of what was done at the provider: made, then probed. Killed
// before it, that is done and not stored.
test.each([1, 2, 3, 4])(
  'killed before commit %i while the new key is made and probed: there is one such key, and it is the one that we have',
  async (nth) => {
    const changed = await desk.newChannel();
    const rotationId = await desk.start(changed);

    const signal = await killed(changed, nth);
    const { stage, percent } = await desk.look(changed);

    expect([signal, stage, percent, await keysOf(rotationId)]).toEqual(['SIGKILL', 'canary', 5, 1]);
    const { newKeyId } = await desk.find(rotationId);
    const { rows } = await desk.admin.query('select id from channel_keys where slot_id = $1 and id <> $1', [
      changed.slotId,
    ]);
    expect(rows).toEqual([{ id: newKeyId }]);
  },
);

test.each([1, 2])(
  'killed before commit %i while it is taken back: the provider has no such key any more, and all is as it was',
  async (nth) => {
    const changed = await desk.newChannel();
    const rotationId = await desk.start(changed);
    await desk.look(changed);
    await desk.decides(rotationId, { kind: 'roll_back', reason: 'not now' });

    const signal = await killed(changed, nth);
    const { stage } = await desk.look(changed);

    expect([signal, stage, await keysOf(rotationId)]).toEqual(['SIGKILL', 'rolled_back', 0]);
    const { rows } = await desk.admin.query('select id, share from channel_keys where slot_id = $1 and status = $2', [
      changed.slotId,
      'active',
    ]);
    expect(rows).toEqual([{ id: changed.slotId, share: 100 }]);
  },
);

test.each([1, 2, 3, 4])(
  'killed before commit %i while the old key is revoked: the provider refuses it, and has the new one alone',
  async (nth) => {
    const changed = await desk.newChannel();
    await changedOnce(changed);
    const rotationId = await desk.start(changed);
    await toGrace(changed, rotationId);
    await desk.decides(rotationId, { kind: 'finish', reason: 'all is well' });

    const signal = await killed(changed, nth);
    const { stage } = await desk.look(changed);

    expect([signal, stage, await keysOf(rotationId)]).toEqual(['SIGKILL', 'completed', 1]);
    const { oldKeyId } = await desk.find(rotationId);
    const { rows } = await desk.admin.query('select status from channel_keys where id = $1', [oldKeyId]);
    expect(rows).toEqual([{ status: 'revoked' }]);
  },
);

test('a key that was made although the answer was lost is deleted before another one is made', async () => {
  const changed = await desk.newChannel();
  await desk.fault(ADMIN_KEY, 'cut=0');
  const rotationId = await desk.start(changed);
  await desk.look(changed);
  await desk.fault(ADMIN_KEY, null);
  await desk.later(300_000);

  await desk.look(changed);

  expect(await keysOf(rotationId)).toBe(1);
});

test('a key that is made when its rotation was taken back meanwhile, and has ended, is deleted by whoever made it', async () => {
  const changed = await desk.newChannel();
  const rotationId = await desk.start(changed);
  await desk.fault(ADMIN_KEY, 'latency=600');
  const making = desk.rotations.tick(changed.slotId);
  await wait(200); // it has asked whether there is one already
  await desk.decides(rotationId, { kind: 'roll_back', reason: 'not now' });
  // Whoever takes it back finds no such key: it is made after that.
  const { stage } = await desk.look(changed);
  await making;
  await desk.fault(ADMIN_KEY, null);

  expect([stage, await keysOf(rotationId)]).toEqual(['rolled_back', 0]);
});

test('a key that a worker made too late, and nobody knows of, is deleted before all is said to be done', async () => {
  const changed = await desk.newChannel();
  const rotationId = await desk.start(changed, { isEmergency: true });
  await desk.look(changed);
  await desk.makesKey(`tollgate-rotation-${rotationId}`);
  await desk.withdraw(changed.oldSecret);
  await desk.later(5_000);

  const { stage } = await desk.look(changed);

  expect([stage, await keysOf(rotationId)]).toEqual(['completed', 1]);
});

test('a key that the provider said to have deleted, and takes still, is deleted again', async () => {
  const changed = await desk.newChannel();
  await desk.start(changed, { isEmergency: true });
  await desk.look(changed);
  await desk.withdraw(changed.oldSecret);
  await desk.later(5_000);
  await desk.look(changed);
  const rotationId = await desk.start(changed, { isEmergency: true });
  const { oldKeyId } = await desk.find(rotationId);
  await desk.admin.query(`update channel_keys set provider_key_id = 'gone-' || provider_key_id where id = $1`, [
    oldKeyId,
  ]);
  const stages = [(await desk.look(changed)).stage];
  await desk.admin.query(`update channel_keys set provider_key_id = substr(provider_key_id, 6) where id = $1`, [
    oldKeyId,
  ]);
  for (const ms of [5_000, 10_000]) {
    await desk.later(ms);
    stages.push((await desk.look(changed)).stage);
  }

  expect(stages).toEqual(['verifying', 'verifying', 'completed']);
});

/** From then on its key is one that the provider has issued to us. */
async function changedOnce(changed: Changed): Promise<void> {
  const rotationId = await desk.start(changed);
  await toGrace(changed, rotationId);
  await desk.decides(rotationId, { kind: 'finish', reason: 'all is well' });
  await desk.withdraw(changed.oldSecret);
  await desk.look(changed);
}

async function toGrace(changed: Changed, rotationId: string): Promise<void> {
  for (let view = await desk.look(changed); view.stage === 'canary'; view = await desk.look(changed)) {
    await desk.attempts(rotationId, 'new', 100);
  }
}
