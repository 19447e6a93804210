// How a master key takes the place of the one before it: first everybody who opens secrets has it, then it alone seals, then what was sealed before is
// sealed under it. The step to sealing is the only one that is not taken back: until then nothing depends on the new key.
import { type Refused, refuse, type Stepped } from './process-step.ts';

export interface MasterKeyRotation {
  /**
   * acknowledging: processes are to have the new version. resealing: it seals, and older wraps are renewed. attention: something does not open, and a
   * person says how to go on.
   */
  readonly stage: 'acknowledging' | 'resealing' | 'attention' | 'completed' | 'cancelled';
  readonly isPaused: boolean;
}

/** `seal`: under the new version from now on, and under no other. `withdraw`: the new version is never used. */
export type RotationWrite = 'seal' | 'withdraw';

export type RotationCommandName = 'pause' | 'resume' | 'cancel' | 'retryNow' | 'dismiss';

export type RotationEvent =
  /** How many processes do not have the new version. */
  | { readonly kind: 'looked'; readonly behind: number }
  /** Nothing is left that could be renewed; how much does not open. */
  | { readonly kind: 'resealed'; readonly troubles: number }
  | { readonly kind: RotationCommandName };

export type RotationStepped = Stepped<MasterKeyRotation, RotationWrite, never>;

export function stepMasterKeyRotation(
  state: MasterKeyRotation,
  event: RotationEvent,
): RotationStepped | Refused<'wrong_state'> {
  const { stage, isPaused } = state;
  const isUnderWay = stage === 'acknowledging' || stage === 'resealing';
  switch (event.kind) {
    case 'looked':
      if (stage !== 'acknowledging' || isPaused || event.behind > 0) return stepped(state);
      return stepped({ ...state, stage: 'resealing' }, 'seal');
    case 'resealed':
      if (stage !== 'resealing') return stepped(state);
      // Paused in the last moment, it has nothing left to wait with.
      return stepped({ stage: event.troubles > 0 ? 'attention' : 'completed', isPaused: false });
    case 'pause':
      return isUnderWay && !isPaused ? stepped({ ...state, isPaused: true }) : refuse('wrong_state');
    case 'resume':
      return isPaused ? stepped({ ...state, isPaused: false }) : refuse('wrong_state');
    case 'cancel':
      return stage === 'acknowledging'
        ? stepped({ stage: 'cancelled', isPaused: false }, 'withdraw')
        : refuse('wrong_state');
    case 'retryNow':
      return stage === 'attention' ? stepped({ ...state, stage: 'resealing' }) : refuse('wrong_state');
    case 'dismiss':
      return stage === 'attention' ? stepped({ ...state, stage: 'completed' }) : refuse('wrong_state');
  }
}

function stepped(state: MasterKeyRotation, ...writes: RotationWrite[]): RotationStepped {
  return { kind: 'stepped', state, writes, asks: [], wakeAtMs: null };
}
