// Rotations as their workflows look at them. A look takes what time and gateways have brought, and then has at most one thing done outside, between two
// transactions: what came of it counts if the row still asks for it.
import type { RotationEvent } from '../../domain/channel-key-rotation.ts';
import type { RotationAsk } from '../../domain/channel-key-stages.ts';
import { addSuccessor } from '../channels/successor-keys.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction } from '../platform/postgres.ts';
import { channelKeyRotationWorkflowId } from '../processes/poke.ts';
import { slotOfDecision } from './decisions.ts';
import { carryOut, discard, type Outcome, type OutsideParts } from './outside-steps.ts';
import { foundRotation, type Held, latestRotationOf, lockedRotation } from './rotation-rows.ts';
import { type RotationView, viewOf } from './rotation-view.ts';
import { ROTATION_ACTOR, startDueRotations } from './start.ts';
import { takeTurn } from './turn.ts';

export type DecisionOutcome =
  | { readonly kind: 'done'; readonly answer: RotationView }
  | { readonly kind: 'refused'; readonly why: string };

export class ChannelKeyRotations {
  readonly #parts: OutsideParts;

  constructor(parts: OutsideParts) {
    this.#parts = parts;
  }

  startDue(): Promise<number> {
    return startDueRotations(this.#parts.db);
  }

  /** Of the newest rotation of that place. */
  async tick(slotId: string): Promise<RotationView> {
    const found = await latestRotationOf(this.#parts.db, slotId);
    if (found === null) throw new Error(`the key of place ${slotId} was never rotated`);
    const asked = await this.#turn(found.id, { kind: 'tick' });
    if (asked.ask === null) return this.#atRest(found.id);
    const outcome = await carryOut(this.#parts, asked.held, asked.ask);
    const isWanted = await this.#learn(asked.held, outcome);
    if (!isWanted && outcome.made !== null) await discard(this.#parts, asked.held.channel, outcome.made);
    // What failed has its time to be tried again, or that of its stage; where it has led to another stage, that one begins.
    const held = await foundRotation(this.#parts.db, found.id);
    const isAnotherStage = held.row.state.stage.kind !== asked.held.row.state.stage.kind;
    return viewOf(this.#parts.db, held, outcome.event.kind !== 'failed' || isAnotherStage);
  }

  /** Told by an id that anybody may have made up: what it decided is done, if it is one, so there is only to look. */
  async decide(slotId: string, decisionId: string): Promise<DecisionOutcome> {
    if ((await slotOfDecision(this.#parts.db, decisionId)) !== slotId) {
      return { kind: 'refused', why: `no rotation of place ${slotId} has a decision ${decisionId}` };
    }
    const found = await latestRotationOf(this.#parts.db, slotId);
    if (found === null) throw new Error('a decision without its rotation');
    return { kind: 'done', answer: await this.#atRest(found.id) };
  }

  #turn(id: string, event: RotationEvent): Promise<{ readonly held: Held; readonly ask: RotationAsk | null }> {
    return inTransaction(this.#parts.db, async (tx) => {
      const before = await lockedRotation(tx, id);
      const turned = await takeTurn(tx, before, event, { author: authorFor(before) });
      if (turned.kind === 'refused') throw new Error(`${event.kind} was refused: ${turned.reason}`);
      return { held: { ...before, row: { ...before.row, state: turned.state } }, ask: turned.ask };
    });
  }

  /** False: the rotation has gone on otherwise meanwhile. */
  #learn({ row: asked }: Held, { event, made }: Outcome): Promise<boolean> {
    return inTransaction(this.#parts.db, async (tx) => {
      const held = await lockedRotation(tx, asked.id);
      if (held.row.state.revision !== asked.state.revision) return false;
      const author = authorFor(held);
      const successor = made === null ? null : { slotId: asked.slotId, ...made };
      const newKeyId = successor === null ? null : await addSuccessor(tx, this.#parts.vault, held.channel, successor);
      await takeTurn(tx, held, event, { author, ...(newKeyId === null ? {} : { newKeyId }) });
      return true;
    });
  }

  async #atRest(id: string): Promise<RotationView> {
    return viewOf(this.#parts.db, await foundRotation(this.#parts.db, id), false);
  }
}

function authorFor({ row }: Held) {
  return { actor: ROTATION_ACTOR, requestId: newId(), workflowId: channelKeyRotationWorkflowId(row.slotId) };
}
