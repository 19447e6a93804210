// An operator who gives every process a new master key and has everything sealed under it. A process that was killed counts as one that lacks it for as long as
// nobody knows that it is gone, so this waits out whoever died before, and goes on while other parts are killed.
import { setTimeout as wait } from 'node:timers/promises';
import type { Management } from '../management.ts';
import type { MasterKeys } from './keys-product.ts';

const LOOK_EVERY_MS = 500;
const PATIENCE_MS = 240_000;

interface ShownRotation {
  readonly stage: string;
  readonly behind: readonly string[];
  readonly troubles: readonly string[];
}

/** @throws Error where it has not ended within minutes, or needs a person */
export async function rotateMasterKey(api: Management, masterKeys: MasterKeys): Promise<void> {
  const version = masterKeys.add();
  await begun(api, version);
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const { body } = await api.ask<ShownRotation>('GET', `/master-key-rotations/${version}`);
    if (body.stage === 'completed') return;
    const waitsFor = [...body.behind, ...body.troubles].join('; ');
    if (body.stage === 'attention')
      throw new Error(`the rotation to master key ${version} needs a person: ${waitsFor}`);
    if (performance.now() > giveUpAtMs)
      throw new Error(`the rotation to master key ${version} is still ${body.stage}: ${waitsFor}`);
    await wait(LOOK_EVERY_MS);
  }
}

/** Gateways read their file every few seconds, and refuse to begin with what they do not have. */
async function begun(api: Management, version: number): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpAtMs) {
    await api.ask('POST', '/master-key-rotations', { version, reason: 'the campaign wants it' });
    const { status } = await api.ask('GET', `/master-key-rotations/${version}`);
    if (status === 200) return;
    await wait(LOOK_EVERY_MS);
  }
  throw new Error(`the rotation to master key ${version} could not begin`);
}
