// What is offered to a person of a rotation is what its step takes, and what he is asked for is what keeps it from going on.
import { expect, test } from '@jest/globals';
import { NO_ATTEMPTS } from '../../domain/canary.ts';
import { choicesOf, needOf } from '../../domain/channel-key-attention.ts';
import {
  type ChannelKeyRotation,
  canary,
  entering,
  newRotation,
  type Seen,
  type Stage,
  trying,
} from '../../domain/channel-key-stages.ts';

const SEEN: Seen = {
  ...{ nowMs: 1_000, realMs: 1_000, isLoaded: true, isDrained: false, fresh: NO_ATTEMPTS, old: NO_ATTEMPTS },
  ...{ affordableCalls: 1_000, hasAdmin: true, canRevoke: true },
};
const AT_FIRST = newRotation({ origin: 'made', isEmergency: false, baseline: NO_ATTEMPTS }, SEEN.nowMs);
const CANARY = canary(5, SEEN);
const FAILED_OFTEN = { tries: 5, failure: 'answered 500', againAtMs: 2_000 };

function standing(stage: Stage, more: Partial<ChannelKeyRotation> = {}): ChannelKeyRotation {
  return entering({ ...AT_FIRST, ...more }, stage);
}

const ALL_BUT_FINISH = ['supply', 'extend', 'roll_back', 'emergency'];

test.each<readonly [Stage, string[]]>([
  [trying('creating'), ['supply', 'roll_back', 'emergency']],
  [{ kind: 'awaiting_key', remindAtMs: 5_000, reminders: 0 }, ALL_BUT_FINISH],
  [trying('probing'), ['roll_back', 'emergency']],
  [CANARY, ['extend', 'roll_back', 'emergency']],
  [{ kind: 'grace', endsAtMs: 5_000 }, ['finish', 'extend', 'roll_back', 'emergency']],
  [{ kind: 'draining', atLatestMs: null }, ['roll_back', 'emergency']],
  [trying('revoking'), []],
  [trying('verifying'), ['finish']],
  [{ kind: 'undoing', why: 'asked', tries: 0, failure: null, againAtMs: null }, []],
  [{ kind: 'completed' }, []],
])('of %j no more and no less may be decided', (stage, choices) => {
  expect(choicesOf(standing(stage), SEEN)).toEqual(choices);
});

test('what is an emergency already is not made one again', () => {
  expect(choicesOf(standing(trying('probing'), { isEmergency: true }), SEEN)).toEqual(['roll_back']);
});

test.each<readonly [string | null, Stage, Partial<Seen>]>([
  ['new_key', { kind: 'awaiting_key', remindAtMs: 5_000, reminders: 0 }, {}],
  ['sound_provider', { ...CANARY, holds: 1 }, {}],
  ['requests', { ...CANARY, endsAtMs: 1_000 }, { affordableCalls: 0 }],
  [null, CANARY, { affordableCalls: 0 }],
  ['revocation', trying('verifying'), { canRevoke: false }],
  [null, trying('verifying'), {}],
  ['success', { kind: 'revoking', ...FAILED_OFTEN }, {}],
  ['success', { kind: 'verifying', ...FAILED_OFTEN }, {}],
  [null, { kind: 'revoking', ...FAILED_OFTEN, tries: 4 }, {}],
  [null, { kind: 'grace', endsAtMs: 5_000 }, {}],
])('a person is needed for %s', (need, stage, seen) => {
  expect(needOf(standing(stage), { ...SEEN, ...seen })).toBe(need);
});
