// A turn of a rotation: one event and what follows from it, under the locks of the organization and of the key, in one transaction. Whoever still uses
// the replaced credential is told in it, every gateway hears of another end, and the workflow has news.
import type { PoolClient } from 'pg';
import {
  type RotationEvent,
  type RotationReminder,
  type RotationResult,
  stepApiKeyRotation,
} from '../../domain/api-key-rotation.ts';
import { queueMail } from '../notifications/outbox.ts';
import { apiKeyRotationWorkflowId, pokeProcess } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { type ApiKey, apiKey } from './api-key-rows.ts';
import { type RotationRow, saveRotation, swapCredentials } from './rotation-rows.ts';

interface Told {
  /** The workflow that waits for the answer, and needs no poke to look. */
  readonly asker?: string | undefined;
}

/** What is refused has changed nothing. */
export async function takeRotationTurn(
  tx: PoolClient,
  row: RotationRow,
  event: RotationEvent,
  { asker }: Told = {},
): Promise<RotationResult> {
  const { id, apiKeyId, state: before } = row;
  const nowMs = await billingNow(tx);
  const result = stepApiKeyRotation(before, event, nowMs);
  if (result.kind === 'refused') return result;
  const { state, writes } = result;
  for (const reminder of writes) await remind(tx, row, reminder);
  if (event.kind === 'end' && event.how === 'taken_back') await swapCredentials(tx, row);
  if (state !== before || result.wakeAtMs !== (row.wakeAt?.getTime() ?? null)) await saveRotation(tx, id, state, nowMs);
  if (state.endsAtMs !== before.endsAtMs || state.ended !== before.ended) {
    await tx.query('update api_keys set version = version + 1 where id = $1', [apiKeyId]);
  }
  const workflowId = apiKeyRotationWorkflowId(id);
  if (state !== before && workflowId !== asker) await pokeProcess(tx, workflowId, 'rotate:api-key', id);
  return result;
}

/** Nobody is told of what he could not use anyway. */
async function remind(tx: PoolClient, row: RotationRow, { endsAtMs, usedAtMs }: RotationReminder): Promise<void> {
  const { id, orgId, usedFrom } = row;
  const { name, memberId, disabledAt, frozen } = await apiKey(tx, row.apiKeyId);
  if (disabledAt !== null || frozen !== null) return;
  const endsAt = new Date(endsAtMs).toISOString();
  const facts = {
    holderId: memberId,
    apiKeyName: name,
    shape: shapeOf(row),
    endsAt,
    usedAt: new Date(usedAtMs).toISOString(),
    usedFrom,
  };
  const event = `old_credential_ends:${id}:${row.state.revision}`;
  await queueMail(tx, { orgId, kind: 'old_credential_ends', key: event, facts });
}

/** As people know a credential. */
export function shapeOf({ prefix, lastFour }: Pick<ApiKey, 'prefix' | 'lastFour'>): string {
  return `${prefix}…${lastFour}`;
}
