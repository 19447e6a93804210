// Rolling an API key: a new credential, shown once, and for how long the one before works beside it. The key stays the row that it is, so what it
// may do, what it has spent of its caps, and what it has under way go on as if nothing had happened (D130).
import type { PoolClient } from 'pg';
import { LONGEST_OVERLAP_HOURS, newApiKeyRotation, type RotationRefusal } from '../../domain/api-key-rotation.ts';
import { type ErrorCode, TollgateError } from '../../domain/errors.ts';
import { newId } from '../platform/ids.ts';
import { apiKeyRotationWorkflowId, pokeProcess } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { type ApiKey, apiKey } from './api-key-rows.ts';
import { newCredential } from './credential.ts';
import { insertRotation, openRotationOf, type RotationRow } from './rotation-rows.ts';
import { takeRotationTurn } from './rotation-turn.ts';

/**
 * Of a key that the caller holds, with its organization. What is frozen is not after it: whoever found the credential cannot use the next one.
 * @throws TollgateError conflict for a key that is out of use, or is being rolled; invalid_body for an overlap of what is frozen
 */
export async function rollApiKey(
  tx: PoolClient,
  before: ApiKey,
  overlapHours: number,
): Promise<{ readonly apiKey: ApiKey; readonly credential: string }> {
  await refuseUnusable(tx, before, overlapHours);
  await endRotationOf(tx, before);
  const { credential, digest, prefix, lastFour } = newCredential();
  const id = newId();
  const nowMs = await billingNow(tx);
  const state = newApiKeyRotation(overlapHours, nowMs);
  await insertRotation(tx, { id, apiKeyId: before.id, state }, nowMs);
  await tx.query(
    `update api_keys set digest = $2, prefix = $3, last_four = $4, frozen_at = null, leak_report_id = null, version = version + 1 where id = $1`,
    [before.id, digest, prefix, lastFour],
  );
  if (state.ended === null) await pokeProcess(tx, apiKeyRotationWorkflowId(id), 'rotate:api-key', id);
  return { apiKey: await apiKey(tx, before.id), credential };
}

/** @throws TollgateError conflict where none runs, or it would not be longer; invalid_body beyond 30 days */
export async function extendOverlap(tx: PoolClient, { id }: ApiKey, overlapHours: number): Promise<ApiKey> {
  const result = await takeRotationTurn(tx, await runningRotation(tx, id), { kind: 'extend', overlapHours });
  if (result.kind === 'refused') throw refused(result.reason);
  return apiKey(tx, id);
}

/**
 * `keep`: which credential stays, the new one or, taking the rotation back, the one before; the other is refused from now on.
 * @throws TollgateError conflict where none runs, or the one before of a frozen key is wanted back
 */
export async function endRotation(tx: PoolClient, { id, frozen }: ApiKey, keep: 'new' | 'old'): Promise<ApiKey> {
  const row = await runningRotation(tx, id);
  if (keep === 'old' && frozen !== null) throw conflict('The key is frozen: roll it, or unfreeze it first.');
  const how = keep === 'new' ? 'ended_now' : 'taken_back';
  const result = await takeRotationTurn(tx, row, { kind: 'end', how });
  if (result.kind === 'refused') throw refused(result.reason);
  return apiKey(tx, id);
}

/** Of a key whose owner has proved who he is. @throws TollgateError conflict where it is not frozen */
export async function unfreezeApiKey(tx: PoolClient, { id, frozen }: ApiKey): Promise<ApiKey> {
  if (frozen === null) throw conflict('The key is not frozen.');
  await tx.query('update api_keys set frozen_at = null, leak_report_id = null, version = version + 1 where id = $1', [
    id,
  ]);
  return apiKey(tx, id);
}

async function refuseUnusable(tx: PoolClient, before: ApiKey, overlapHours: number): Promise<void> {
  const { disabledAt, expiresAt, frozen, rotation } = before;
  if (disabledAt !== null) throw conflict('The key is disabled: enable it first, or make another one.');
  if (expiresAt !== null && expiresAt.getTime() <= (await billingNow(tx))) {
    throw conflict('The key has expired: give it another end first, or make another one.');
  }
  if (frozen !== null && overlapHours > 0) {
    const message =
      'The key is frozen because its credential was found elsewhere: that one gets no overlap. Send overlapHours 0.';
    throw new TollgateError('invalid_body', { message, param: 'overlapHours' });
  }
  if (frozen === null && rotation !== null) {
    throw conflict(
      `The key is being rolled: the credential before works until ${rotation.endsAt.toISOString()}. End that first.`,
    );
  }
}

/** One that is over and nobody has noticed, or that of a key which was frozen: then nothing of it works any more. */
async function endRotationOf(tx: PoolClient, { id }: ApiKey): Promise<void> {
  const row = await openRotationOf(tx, id);
  if (row === null) return;
  const over = await takeRotationTurn(tx, row, { kind: 'tick', usedAtMs: null });
  if (over.kind === 'stepped' && over.state.ended !== null) return;
  await takeRotationTurn(tx, row, { kind: 'end', how: 'leaked' });
}

async function runningRotation(tx: PoolClient, apiKeyId: string): Promise<RotationRow> {
  const row = await openRotationOf(tx, apiKeyId);
  if (row === null) throw refused('has_ended');
  return row;
}

const REFUSALS: { readonly [R in RotationRefusal]: readonly [code: ErrorCode, message: string] } = {
  has_ended: ['conflict', 'No credential of this key works beside its own: it is not being rolled, or not any more.'],
  not_longer: ['conflict', 'The overlap is that long already; to end it sooner, end it now.'],
  too_long: ['invalid_body', `An overlap lasts at most ${LONGEST_OVERLAP_HOURS} hours in all.`],
};

function refused(reason: RotationRefusal): TollgateError {
  const [code, message] = REFUSALS[reason];
  return new TollgateError(code, { message });
}

function conflict(message: string): TollgateError {
  return new TollgateError('conflict', { message });
}
