// What people decide of a rotation. A decision is a row and is carried out in the transaction that writes it; whoever else is told of it is told its id,
// which decides nothing (D136).
import type { PoolClient } from 'pg';
import type { RotationEvent, RotationRefusal } from '../../domain/channel-key-rotation.ts';
import type { Stage } from '../../domain/channel-key-stages.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Author, WrittenAudit } from '../audit/audit.ts';
import { channelKeyContext } from '../channels/channel-key-context.ts';
import { sealedKey } from '../channels/channel-keys.ts';
import { addSuccessor } from '../channels/successor-keys.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Vault } from '../vault/vault.ts';
import { type Held, lockedRotation, type Rotation, rotation } from './rotation-rows.ts';
import { takeTurn } from './turn.ts';

export type WantedDecision =
  | ({ readonly kind: 'finish'; readonly reason: string } & OfOneStage)
  | ({ readonly kind: 'extend'; readonly until: Date; readonly reason: string } & OfOneStage)
  | { readonly kind: 'roll_back' | 'emergency'; readonly reason: string }
  | { readonly kind: 'supply'; readonly secret: string; readonly reason: string };

/** What it means depends on the stage: to finish ends the grace, or says that the provider refuses the old key. */
interface OfOneStage {
  /** In which whoever decides saw it; undefined: he means whichever it is in. */
  readonly seenStage?: Stage['kind'] | undefined;
}

export interface Decided {
  readonly rotation: Rotation;
  readonly decisionId: string;
  readonly audit: WrittenAudit;
}

/** @throws TollgateError not_found; conflict where it stands otherwise; invalid_body */
export async function decideRotation(
  tx: PoolClient,
  vault: Vault,
  rotationId: string,
  wanted: WantedDecision,
  author: Author,
): Promise<Decided> {
  const held = await lockedRotation(tx, rotationId);
  if ('seenStage' in wanted) refuseOther(held.row, wanted.seenStage);
  const newKeyId = wanted.kind === 'supply' ? await keptKey(tx, vault, held, wanted.secret) : undefined;
  const turned = await takeTurn(tx, held, eventOf(wanted), {
    ...{ author, action: `channel.key_rotation_${ACTIONS[wanted.kind]}`, reason: wanted.reason },
    ...(newKeyId === undefined ? {} : { newKeyId }),
  });
  if (turned.kind === 'refused') throw refusalOf(turned.reason, held.row);
  if (turned.audit === null) throw new Error('a decision was not audited');
  const decisionId = await insertDecision(tx, rotationId, wanted, author);
  return { rotation: await rotation(tx, rotationId), decisionId, audit: turned.audit };
}

function refuseOther({ id, state }: Rotation, seenStage: Stage['kind'] | undefined): void {
  const { kind } = state.stage;
  if (seenStage === undefined || seenStage === kind) return;
  throw new TollgateError('conflict', {
    message: `Rotation ${id} is in stage ${kind} by now, and was seen in ${seenStage}: look again, then decide.`,
  });
}

/** As the audit log names them. */
const ACTIONS = {
  finish: 'finished',
  roll_back: 'rolled_back',
  emergency: 'made_emergency',
  extend: 'extended',
  supply: 'key_supplied',
} as const;

function eventOf(wanted: WantedDecision): RotationEvent {
  if (wanted.kind === 'extend') return { kind: 'extend', untilMs: wanted.until.getTime() };
  return { kind: wanted.kind === 'supply' ? 'supplied' : wanted.kind };
}

/** Whoever pastes the key that is to be replaced would have it revoked, and go on with it. */
async function keptKey(tx: PoolClient, vault: Vault, { row, channel }: Held, secret: string): Promise<string> {
  const old = vault.open(
    await sealedKey(tx, channel.id, row.oldKeyId),
    channelKeyContext(row.oldKeyId, channel.baseUrl),
  );
  if (old === secret) {
    throw new TollgateError('invalid_body', { message: 'That is the key that is to be replaced.', param: 'newKey' });
  }
  return addSuccessor(tx, vault, channel, { slotId: row.slotId, secret, providerKeyId: null });
}

function refusalOf(reason: RotationRefusal, { id, state }: Rotation): TollgateError {
  if (reason === 'bad_time') {
    return new TollgateError('invalid_body', { message: 'until: a moment within the next 30 days.', param: 'until' });
  }
  const why =
    reason === 'past_return'
      ? 'the old key is being revoked, which nothing takes back'
      : 'nothing of it can be decided so';
  return new TollgateError('conflict', { message: `Rotation ${id} is in stage ${state.stage.kind}: ${why}.` });
}

async function insertDecision(
  tx: PoolClient,
  rotationId: string,
  wanted: WantedDecision,
  { actor }: Author,
): Promise<string> {
  const id = newId();
  const until = wanted.kind === 'extend' ? wanted.until : null;
  await tx.query(
    'insert into channel_key_decisions (id, rotation_id, kind, until, reason, actor) values ($1, $2, $3, $4, $5, $6)',
    [id, rotationId, wanted.kind, until, wanted.reason, actor],
  );
  return id;
}

/** Null: nobody has made it. */
export async function slotOfDecision(db: Queryable, decisionId: string): Promise<string | null> {
  const { rows } = await db.query<{ slotId: string }>(
    `select r.slot_id as "slotId" from channel_key_decisions d join channel_key_rotations r on r.id = d.rotation_id where d.id = $1`,
    [decisionId],
  );
  return rows[0]?.slotId ?? null;
}
