// The key in a place of a channel is changed by each route that there is for it: brought, hurried, finished, and taken back on the last step before it
// could not be any more.
import type { Pool } from 'pg';
import type { TakeStep } from './take-step.ts';

const NEW_KEY = 'brought-by-hand-8d0e';
const ADMIN_KEY = 'admin-of-the-channel-9a77';
const reason = 'it is old';
const DAY_MS = 86_400_000;

interface Place {
  readonly id: string;
  readonly slotId: string;
}

export async function oneKeyRotation(db: Pool, step: TakeStep, place: Place) {
  await step('post', '/channels/{id}/key-slots/{slotId}/policy', { ...place }, { rotateAfterDays: 90, reason });
  const started = await step('post', '/channels/{id}/key-slots/{slotId}/rotations', { ...place }, { reason });
  const keyRotationId = started.string('id');
  const ids = { id: keyRotationId };
  await step('post', '/key-rotations/{id}/extend', ids, { until: new Date(Date.now() + DAY_MS).toISOString(), reason });
  await step('post', '/key-rotations/{id}/key', ids, { newKey: NEW_KEY, reason });
  await step('post', '/key-rotations/{id}/emergency', ids, { reason });
  await inGrace(db, keyRotationId);
  await step('post', '/key-rotations/{id}/finish', ids, { reason, seenStage: 'grace' });
  await step('post', '/key-rotations/{id}/roll-back', ids, { reason });
  await isOf(db, place, 'demo');
  await step('post', '/channels/{id}/admin-key', { ...place }, { adminKey: ADMIN_KEY, reason });
  await isOf(db, place, 'openai-compatible');
  return { keyRotationId, rotationSecrets: [NEW_KEY, ADMIN_KEY] };
}

/** No workflow runs here that would bring it there. */
async function inGrace(db: Pool, rotationId: string): Promise<void> {
  await db.query(
    `update channel_key_rotations set stage = 'grace', state = jsonb_set(state, '{stage}', '{"kind": "grace", "endsAtMs": 4102444800000}') where id = $1`,
    [rotationId],
  );
}

/** Only a provider with an API for keys takes an admin key. */
async function isOf(db: Pool, { id }: Place, provider: string): Promise<void> {
  await db.query('update channels set provider = $2 where id = $1', [id, provider]);
}
