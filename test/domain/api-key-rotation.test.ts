// How long a replaced credential works, who is reminded of its end, and what ends it sooner.
import { expect, test } from '@jest/globals';
import {
  type ApiKeyRotation,
  newApiKeyRotation,
  type RotationEvent,
  type RotationResult,
  stepApiKeyRotation,
} from '../../domain/api-key-rotation.ts';
import { DAY_MS, HOUR_MS } from '../../domain/moments.ts';

const START_MS = Date.parse('2026-12-01T00:00:00Z');
const at = (hours: number) => START_MS + hours * HOUR_MS;

function taken(result: RotationResult) {
  if (result.kind === 'refused') throw new Error(result.reason);
  return result;
}

/** Woken when it wants to be, with a credential that is always in use; in hours from the start. */
function lifeOf(overlapHours: number, isUsed = true): string[] {
  let state = newApiKeyRotation(overlapHours, START_MS);
  const told: string[] = [];
  for (let nowMs = START_MS; ; ) {
    const result = taken(stepApiKeyRotation(state, { kind: 'tick', usedAtMs: isUsed ? nowMs : null }, nowMs));
    state = result.state;
    const hours = (nowMs - START_MS) / HOUR_MS;
    for (const { kind } of result.writes) told.push(`${kind} at ${hours}`);
    if (state.ended !== null) return [...told, `${state.ended.how} at ${hours}`];
    nowMs = result.wakeAtMs ?? Number.NaN;
  }
}

test('who still uses it is reminded a week, a day and an hour before it ends, as far as the overlap is longer', () => {
  expect(lifeOf(0)).toEqual(['over at 0']);
  expect(lifeOf(1)).toEqual(['over at 1']);
  expect(lifeOf(24)).toEqual(['remind at 23', 'over at 24']);
  expect(lifeOf(720)).toEqual(['remind at 552', 'remind at 696', 'remind at 719', 'over at 720']);
});

test('nobody is reminded of what nobody has used within the day', () => {
  const state = newApiKeyRotation(48, START_MS);
  const tick = (usedAtMs: number | null) => taken(stepApiKeyRotation(state, { kind: 'tick', usedAtMs }, at(24)));

  expect(lifeOf(720, false)).toEqual(['over at 720']);
  expect(tick(at(24) - DAY_MS).writes).toEqual([]);
  expect(tick(at(24) - DAY_MS + 1).writes).toEqual([{ kind: 'remind', endsAtMs: at(48), usedAtMs: at(0) + 1 }]);
});

test('it ends at its time, however late somebody looks, and reminders that were missed are one or none', () => {
  const state = newApiKeyRotation(720, START_MS);
  const late = taken(stepApiKeyRotation(state, { kind: 'tick', usedAtMs: at(718) }, at(719.5)));
  const over = taken(stepApiKeyRotation(state, { kind: 'tick', usedAtMs: at(800) }, at(900)));

  expect(late.writes).toHaveLength(1);
  expect([over.state.ended, over.writes, over.wakeAtMs]).toEqual([{ how: 'over', atMs: at(720) }, [], null]);
});

test('extended, it is reminded of anew; never to less, nor to more than thirty days in all', () => {
  const state = newApiKeyRotation(24, START_MS);
  const reminded = taken(stepApiKeyRotation(state, { kind: 'tick', usedAtMs: at(23) }, at(23))).state;
  const extend = (overlapHours: number) => stepApiKeyRotation(reminded, { kind: 'extend', overlapHours }, at(23.5));

  expect(extend(24)).toEqual({ kind: 'refused', reason: 'not_longer' });
  expect(extend(721)).toEqual({ kind: 'refused', reason: 'too_long' });
  const extended = taken(extend(720));
  expect([extended.state.endsAtMs, extended.wakeAtMs]).toEqual([at(720), at(552)]);
});

test('what has ended, or should have, takes no command any more', () => {
  const running = newApiKeyRotation(24, START_MS);
  const ended = taken(stepApiKeyRotation(running, { kind: 'end', how: 'taken_back' }, at(3))).state;
  const commands: RotationEvent[] = [
    { kind: 'end', how: 'ended_now' },
    { kind: 'extend', overlapHours: 100 },
  ];
  const told = (state: ApiKeyRotation, hours: number) =>
    commands.map((event) => stepApiKeyRotation(state, event, at(hours)));

  expect(ended.ended).toEqual({ how: 'taken_back', atMs: at(3) });
  for (const results of [told(ended, 4), told(running, 24)]) {
    expect(results).toEqual(commands.map(() => ({ kind: 'refused', reason: 'has_ended' })));
  }
});
