// A worker that is killed at any step of a rotation leaves no key at the provider that nobody knows: the next one finds it by its name.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type Changed, openKeyDesk } from './key-desk.ts';

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
