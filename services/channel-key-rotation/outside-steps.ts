// What a rotation asks for outside: keys made, tried, deleted. Each may be repeated, by whoever comes after a worker that died: what was made and not
// stored is found at the provider by its name, which is the rotation's, and deleted before another one is made (D139).
import type { Pool } from 'pg';
import type { RotationEvent } from '../../domain/channel-key-rotation.ts';
import type { RotationAsk } from '../../domain/channel-key-stages.ts';
import type { Channel } from '../channels/channels.ts';
import { isKeyRefused } from '../channels/key-refusal.ts';
import { type ProviderAdmin, providerAdmin } from '../channels/provider-admin.ts';
import type { Egress } from '../egress/egress.ts';
import type { Vault } from '../vault/vault.ts';
import { providerKeyId } from './observations.ts';
import { callOften, callWith, isRefusal } from './own-calls.ts';
import type { Held, Rotation } from './rotation-rows.ts';

export interface OutsideParts {
  readonly db: Pool;
  readonly vault: Vault;
  readonly egress: Egress;
}

export interface MadeKey {
  readonly providerKeyId: string;
  readonly secret: string;
}

/** What came of it. `made`: to be stored with its event, and deleted where that does not count any more. */
export interface Outcome {
  readonly event: RotationEvent;
  readonly made: MadeKey | null;
}

function nameOf(row: Pick<Rotation, 'id'>): string {
  return `tollgate-rotation-${row.id}`;
}

/** What fails is an outcome as well, and is tried again when its time has come. */
export async function carryOut(parts: OutsideParts, held: Held, ask: RotationAsk): Promise<Outcome> {
  try {
    return ask.kind === 'create' ? await created(parts, held) : { event: await done(parts, held, ask), made: null };
  } catch (error) {
    return { event: { kind: 'failed', why: error instanceof Error ? error.message : String(error) }, made: null };
  }
}

async function created(parts: OutsideParts, { row, channel }: Held): Promise<Outcome> {
  const admin = await adminOf(parts, channel);
  await removeNamed(admin, nameOf(row), null);
  const { id, secret } = await admin.create(nameOf(row));
  return { event: { kind: 'made' }, made: { providerKeyId: id, secret } };
}

async function done(
  parts: OutsideParts,
  { row, channel }: Held,
  ask: Exclude<RotationAsk, { kind: 'create' }>,
): Promise<RotationEvent> {
  const newKeyId = row.newKeyId ?? '';
  switch (ask.kind) {
    case 'probe':
      return probed(parts, channel, newKeyId);
    case 'call': {
      const keyId = ask.which === 'fresh' ? newKeyId : row.oldKeyId;
      return { kind: 'called', which: ask.which, tally: await callOften(parts, channel, keyId, ask.calls) };
    }
    case 'revoke':
      await removeOld(parts, { row, channel });
      return { kind: 'revoked' };
    case 'verify':
      return verified(parts, { row, channel });
    case 'remove':
      await removeNamed(await adminOf(parts, channel), nameOf(row), null);
      return { kind: 'removed' };
  }
}

async function probed(parts: OutsideParts, channel: Channel, newKeyId: string): Promise<RotationEvent> {
  const trial = await callWith(parts, channel, newKeyId);
  if (trial.ok) return { kind: 'probed' };
  return isRefusal(trial) ? { kind: 'key_refused' } : { kind: 'failed', why: `probing the new key: ${trial.message}` };
}

/** Nothing where a person has to. */
async function removeOld(parts: OutsideParts, { row, channel }: Held): Promise<void> {
  const id = await providerKeyId(parts.db, row.oldKeyId);
  const admin = id === null ? null : await providerAdmin(parts.db, parts, channel);
  if (admin !== null && id !== null) await admin.remove(id);
}

async function verified(parts: OutsideParts, { row, channel }: Held): Promise<RotationEvent> {
  if (!(await isKeyRefused(parts.db, parts, channel, row.oldKeyId))) {
    // The provider said that it was gone, and has it still.
    await removeOld(parts, { row, channel });
    return { kind: 'failed', why: 'the provider still takes the old key' };
  }
  // A list that is refused to every key, as to those that may do nothing but answer, says nothing of this one (D162).
  if (await isKeyRefused(parts.db, parts, channel, row.newKeyId ?? '')) {
    return {
      kind: 'failed',
      why: 'the provider refuses its list of models to the new key as well: see there whether the old one is gone',
    };
  }
  await removeOthers(parts, { row, channel });
  return { kind: 'verified' };
}

async function adminOf(parts: OutsideParts, channel: Channel): Promise<ProviderAdmin> {
  const admin = await providerAdmin(parts.db, parts, channel);
  if (admin === null) throw new Error('the channel has no admin key: set one, or bring the new key');
  return admin;
}

/** A worker that was stopped for long may have made one after us. */
async function removeOthers(parts: OutsideParts, { row, channel }: Held): Promise<void> {
  const admin = await providerAdmin(parts.db, parts, channel);
  if (admin === null) return;
  await removeNamed(admin, nameOf(row), await providerKeyId(parts.db, row.newKeyId ?? ''));
}

async function removeNamed(admin: ProviderAdmin, name: string, keep: string | null): Promise<void> {
  for (const id of await admin.keysNamed(name)) if (id !== keep) await admin.remove(id);
}

/** It was made for a rotation that has gone on without it. */
export async function discard(parts: OutsideParts, channel: Channel, made: MadeKey): Promise<void> {
  await (await adminOf(parts, channel)).remove(made.providerKeyId);
}
