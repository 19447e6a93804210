// Rotations of API keys as their workflows look at them, and as operators tell them what to do. That a replaced credential is refused at its end needs
// nobody here: each gateway knows that moment (services/api-keys/api-key-cache.ts).
import type { Pool, PoolClient } from 'pg';
import type { RotationEnd, RotationEvent } from '../../domain/api-key-rotation.ts';
import { writeAudit } from '../audit/audit.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { audited, type Commanding, type CommandOutcome, commandOnce, type Obeyed } from '../processes/commands.ts';
import { apiKeyRotationWorkflowId } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { apiKey, lockedApiKey } from './api-key-rows.ts';
import { type RotationRow, rotation } from './rotation-rows.ts';
import { shapeOf, takeRotationTurn } from './rotation-turn.ts';

export interface RotationView {
  readonly orgId: string;
  readonly orgName: string;
  readonly revision: number;
  readonly rotationId: string;
  readonly apiKeyId: string;
  readonly apiKeyName: string;
  /** Of the replaced credential, as people know it. */
  readonly shape: string;
  readonly endsAt: string;
  readonly usedAt: string | null;
  /** Null: it works still. */
  readonly ended: RotationEnd | null;
  readonly hasEnded: boolean;
  readonly asks: readonly never[];
  readonly waitMs: number | null;
  readonly wakeAt: string | null;
  readonly attention: null;
}

export type RotationCommand = Commanding &
  ({ readonly command: 'extendOverlap'; readonly overlapHours: number } | { readonly command: 'endOverlap' });

/** As the audit log names whom nobody told to. */
const ACTOR = 'api_key_rotation';

export class ApiKeyRotations {
  readonly #db: Pool;

  constructor(db: Pool) {
    this.#db = db;
  }

  /** Its workflow asks: time has passed, or there is news. */
  tick(rotationId: string): Promise<RotationView> {
    return inTransaction(this.#db, async (tx) => {
      const before = await lockedRotation(tx, rotationId);
      const asker = apiKeyRotationWorkflowId(rotationId);
      const event = { kind: 'tick', usedAtMs: before.usedAt?.getTime() ?? null } as const;
      const result = await takeRotationTurn(tx, before, event, { asker });
      if (result.kind === 'refused') throw new Error(`a tick was refused: ${result.reason}`);
      if (result.state.ended !== before.state.ended) await auditEnd(tx, before, result.state.ended);
      return viewOf(tx, rotationId);
    });
  }

  command(rotationId: string, told: RotationCommand) {
    return inTransaction(this.#db, async (tx) =>
      audited(tx, apiKeyRotationWorkflowId(rotationId), told, await command(tx, rotationId, told)),
    );
  }
}

/** What is wrong with it is for whoever sent it to mend. Null: it is no command of a rotation, or lacks a field. */
export function rotationCommandFrom(told: {
  readonly command: string;
  readonly overlapHours?: unknown;
}): { command: 'extendOverlap'; overlapHours: number } | { command: 'endOverlap' } | null {
  const { command, overlapHours } = told;
  if (command === 'endOverlap') return { command };
  const isWhole = typeof overlapHours === 'number' && Number.isInteger(overlapHours) && overlapHours > 0;
  return command === 'extendOverlap' && isWhole ? { command, overlapHours } : null;
}

async function command(
  tx: PoolClient,
  rotationId: string,
  told: RotationCommand,
): Promise<CommandOutcome<RotationView>> {
  const before = await lockedRotation(tx, rotationId);
  return commandOnce(tx, apiKeyRotationWorkflowId(rotationId), told, {
    again: () => viewOf(tx, rotationId),
    obey: () => obey(tx, before, told),
  });
}

async function obey(tx: PoolClient, before: RotationRow, told: RotationCommand): Promise<Obeyed<object, RotationView>> {
  const event: RotationEvent =
    told.command === 'endOverlap'
      ? { kind: 'end', how: 'ended_now' }
      : { kind: 'extend', overlapHours: told.overlapHours };
  const result = await takeRotationTurn(tx, before, event, { asker: apiKeyRotationWorkflowId(before.id) });
  if (result.kind === 'refused') return { kind: 'refused', why: result.reason };
  const answer = await viewOf(tx, before.id);
  const { endsAt, ended } = answer;
  const effect = { rotationId: before.id, endsAt, ended };
  const audit = { action: ACTIONS[told.command], targetKind: 'api_key', targetId: before.apiKeyId } as const;
  return { kind: 'done', answer, effect, audit: { ...audit, after: effect, reason: told.reason } };
}

const ACTIONS = { extendOverlap: 'api_key.overlap_extended', endOverlap: 'api_key.overlap_ended' } as const;

/** Organization before key before rotation, as whoever changes a key locks them. */
async function lockedRotation(tx: PoolClient, rotationId: string): Promise<RotationRow> {
  const { orgId, apiKeyId } = await rotation(tx, rotationId);
  await lockOrganization(tx, orgId);
  await lockedApiKey(tx, apiKeyId);
  return rotation(tx, rotationId);
}

async function auditEnd(
  tx: PoolClient,
  { id, apiKeyId }: RotationRow,
  ended: RotationRow['state']['ended'],
): Promise<void> {
  const author = { actor: ACTOR, requestId: newId(), workflowId: apiKeyRotationWorkflowId(id) };
  const after = { rotationId: id, ended: ended?.how ?? null };
  await writeAudit(tx, author, { action: 'api_key.overlap_ended', targetKind: 'api_key', targetId: apiKeyId, after });
}

async function viewOf(tx: Queryable, rotationId: string): Promise<RotationView> {
  const row = await rotation(tx, rotationId);
  const { orgId, apiKeyId, state, wakeAt, usedAt } = row;
  const { rows } = await tx.query<{ orgName: string }>('select name as "orgName" from organizations where id = $1', [
    orgId,
  ]);
  return {
    ...{ orgId, orgName: rows[0]?.orgName ?? '', revision: state.revision, rotationId, apiKeyId },
    apiKeyName: (await apiKey(tx, apiKeyId)).name,
    shape: shapeOf(row),
    endsAt: new Date(state.endsAtMs).toISOString(),
    usedAt: usedAt?.toISOString() ?? null,
    ended: state.ended?.how ?? null,
    hasEnded: state.ended !== null,
    asks: [],
    waitMs: wakeAt === null ? null : Math.max(wakeAt.getTime() - (await billingNow(tx)), 0),
    wakeAt: wakeAt?.toISOString() ?? null,
    attention: null,
  };
}

/** For metrics: keys that were found elsewhere and neither rolled nor let go since, and rotations that run. */
export async function apiKeysStanding(db: Queryable): Promise<{ readonly frozen: number; readonly running: number }> {
  const { rows } = await db.query<{ frozen: number; running: number }>(
    `select (select count(*)::int from api_keys where frozen_at is not null and disabled_at is null) as frozen,
            (select count(*)::int from api_key_rotations where ended_at is null) as running`,
  );
  return rows[0] ?? { frozen: 0, running: 0 };
}
