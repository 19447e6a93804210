// A rotation of the master key comes to sealing once, by nothing but a look that finds nobody behind, and is not taken back after that.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type MasterKeyRotation,
  type RotationEvent,
  type RotationWrite,
  stepMasterKeyRotation,
} from '../../domain/master-key-rotation.ts';

const BEGINNING: MasterKeyRotation = { stage: 'acknowledging', isPaused: false };
const COMMANDS = ['pause', 'resume', 'cancel', 'retryNow', 'dismiss'] as const;

/** What became of it, or that it was refused. */
function after(state: MasterKeyRotation, event: RotationEvent): string {
  const stepped = stepMasterKeyRotation(state, event);
  if (stepped.kind === 'refused') return 'refused';
  return [stepped.state.stage, ...(stepped.state.isPaused ? ['paused'] : []), ...stepped.writes].join(' ');
}

test('it seals once nobody is behind, unless it is paused', () => {
  expect(after(BEGINNING, { kind: 'looked', behind: 1 })).toBe('acknowledging');
  expect(after({ ...BEGINNING, isPaused: true }, { kind: 'looked', behind: 0 })).toBe('acknowledging paused');
  expect(after(BEGINNING, { kind: 'looked', behind: 0 })).toBe('resealing seal');
});

test.each([
  ['acknowledging', false, ['acknowledging paused', 'refused', 'cancelled withdraw', 'refused', 'refused']],
  ['acknowledging', true, ['refused', 'acknowledging', 'cancelled withdraw', 'refused', 'refused']],
  ['resealing', false, ['resealing paused', 'refused', 'refused', 'refused', 'refused']],
  ['resealing', true, ['refused', 'resealing', 'refused', 'refused', 'refused']],
  ['attention', false, ['refused', 'refused', 'refused', 'resealing', 'completed']],
  ['completed', false, ['refused', 'refused', 'refused', 'refused', 'refused']],
  ['cancelled', false, ['refused', 'refused', 'refused', 'refused', 'refused']],
] as const)('in stage %s (paused: %s) each command has one outcome', (stage, isPaused, outcomes) => {
  expect(COMMANDS.map((kind) => after({ stage, isPaused }, { kind }))).toEqual(outcomes);
});

test('what does not open waits for a person, and nothing left is the end', () => {
  const resealing = { stage: 'resealing', isPaused: false } as const;

  expect(after(resealing, { kind: 'resealed', troubles: 2 })).toBe('attention');
  expect(after({ ...resealing, isPaused: true }, { kind: 'resealed', troubles: 0 })).toBe('completed');
  expect(after(BEGINNING, { kind: 'resealed', troubles: 0 })).toBe('acknowledging');
});

test('whatever happens in whatever order, it seals at most once, and it is withdrawn or seals, never both', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('looked' as const), behind: fc.nat(2) }),
    fc.record({ kind: fc.constant('resealed' as const), troubles: fc.nat(2) }),
    fc.record({ kind: fc.constantFrom(...COMMANDS) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      let state = BEGINNING;
      const writes: RotationWrite[] = [];
      for (const one of events) {
        const stepped = stepMasterKeyRotation(state, one);
        if (stepped.kind === 'refused') continue;
        state = stepped.state;
        writes.push(...stepped.writes);
      }
      expect(writes.length).toBeLessThanOrEqual(1);
    }),
  );
});
