// What a rotation of a channel's key waits for a person to do, and what he may decide of it. That is asked of the step itself, so that nothing is
// offered which it would refuse, nor kept from him what it would take (D154).
import { type RotationEvent, stepRotation, TRIES_UNTIL_TOLD } from './channel-key-rotation.ts';
import type { ChannelKeyRotation, Seen } from './channel-key-stages.ts';

export const ROTATION_NEEDS = [
  /** A person makes it at the provider. */
  'new_key',
  /** Of the old key at the provider, by a person, since we do not know what it is called there. */
  'revocation',
  /** The canary stands still: what fails with the new key fails with the old one. */
  'sound_provider',
  /** There are too few to judge the new key by, and no more calls of our own may be paid for. */
  'requests',
  /** Something outside has failed often enough. */
  'success',
] as const;
export type RotationNeed = (typeof ROTATION_NEEDS)[number];

/** Null: nobody must do anything. */
export function needOf({ stage }: ChannelKeyRotation, seen: Seen): RotationNeed | null {
  switch (stage.kind) {
    case 'awaiting_key':
      return 'new_key';
    case 'canary':
      if (stage.holds > 0) return 'sound_provider';
      return stage.endsAtMs <= seen.nowMs && seen.affordableCalls === 0 ? 'requests' : null;
    default:
      if (stage.kind === 'verifying' && !seen.canRevoke) return 'revocation';
      return 'tries' in stage && stage.tries >= TRIES_UNTIL_TOLD ? 'success' : null;
  }
}

export const ROTATION_CHOICES = ['supply', 'finish', 'extend', 'roll_back', 'emergency'] as const;
export type RotationChoice = (typeof ROTATION_CHOICES)[number];

export function choicesOf(state: ChannelKeyRotation, seen: Seen): RotationChoice[] {
  return ROTATION_CHOICES.filter((choice) => {
    // What is one already is taken, and changes nothing.
    if (choice === 'emergency' && state.isEmergency) return false;
    return stepRotation(state, eventOf(choice, seen), seen).kind === 'stepped';
  });
}

function eventOf(choice: RotationChoice, { nowMs }: Seen): RotationEvent {
  switch (choice) {
    case 'supply':
      return { kind: 'supplied' };
    case 'extend':
      return { kind: 'extend', untilMs: nowMs + 1 };
    default:
      return { kind: choice };
  }
}
