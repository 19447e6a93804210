// A rotation of a key under events in any order: no request is ever without a key, nothing is revoked that could still be sent, and what goes wrong before
// that is taken back.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NO_ATTEMPTS, type Tally } from '../../domain/canary.ts';
import { LONGEST_EXTENSION_MS, type RotationEvent, stepRotation } from '../../domain/channel-key-rotation.ts';
import {
  CANARY_MS,
  type ChannelKeyRotation,
  hasEnded,
  newRotation,
  placesIn,
  type RotationAsk,
  type Seen,
} from '../../domain/channel-key-stages.ts';

const DAY_MS = 86_400_000;
const BASELINE: Tally = { attempts: 1_000, refused: 0, limited: 0, failed: 10 };
const GOOD: Tally = { attempts: 100, refused: 0, limited: 0, failed: 0 };
const BAD: Tally = { attempts: 100, refused: 0, limited: 0, failed: 30 };

class World {
  state: ChannelKeyRotation;
  nowMs = 1_000;
  seen: Partial<Seen> = {};
  asks: readonly RotationAsk[] = [];

  constructor(origin: 'made' | 'brought' = 'made', isEmergency = false) {
    this.state = newRotation({ origin, isEmergency, baseline: BASELINE }, this.nowMs);
  }

  take(event: RotationEvent, seen: Partial<Seen> = {}): string {
    const whole: Seen = {
      ...{
        nowMs: this.nowMs,
        realMs: this.nowMs,
        isLoaded: true,
        isDrained: true,
        fresh: NO_ATTEMPTS,
        old: NO_ATTEMPTS,
      },
      ...{ affordableCalls: 1_000, hasAdmin: true, canRevoke: true },
      ...this.seen,
      ...seen,
    };
    const result = stepRotation(this.state, event, whole);
    if (result.kind === 'refused') return result.reason;
    if (result.wakeAtMs !== null) expect(result.wakeAtMs).toBeGreaterThan(this.nowMs);
    this.state = result.state;
    this.asks = result.asks;
    return this.stage;
  }

  get stage(): string {
    const { stage } = this.state;
    return stage.kind === 'canary' ? `canary ${stage.percent}` : stage.kind;
  }

  tick(seen: Partial<Seen> = {}): string {
    return this.take({ kind: 'tick' }, seen);
  }

  to(stage: string): this {
    this.take({ kind: 'made' });
    this.take({ kind: 'probed' });
    while (this.stage !== stage) this.tick({ fresh: GOOD });
    return this;
  }
}

test('a key is made, probed, given 5, 25 and 100 of 100 requests, and the old one revoked after a day', () => {
  const world = new World();
  const went = [world.stage];

  went.push(world.take({ kind: 'made' }), world.take({ kind: 'probed' }));
  for (let stage = 0; stage < 3; stage += 1) went.push(world.tick({ fresh: GOOD }));
  world.nowMs += DAY_MS;
  went.push(world.tick(), world.tick(), world.take({ kind: 'revoked' }), world.take({ kind: 'verified' }));

  expect(went).toEqual([
    ...['creating', 'probing', 'canary 5', 'canary 25', 'canary 100', 'grace'],
    ...['draining', 'revoking', 'verifying', 'completed'],
  ]);
});

test('one refusal of the new key takes all back, at each stage of the canary and in its grace', () => {
  const stages = ['canary 5', 'canary 25', 'canary 100', 'grace', 'draining'];
  const refused: Tally = { ...GOOD, attempts: 1, refused: 1 };

  const ends = stages.map((stage) => wentTo(stage).tick({ fresh: refused }));

  expect(ends).toEqual(stages.map(() => 'undoing'));
});

function wentTo(stage: string): World {
  const world = new World().to(stage === 'draining' ? 'grace' : stage);
  if (stage === 'draining') world.take({ kind: 'finish' });
  return world;
}

test.each(['canary 5', 'canary 25', 'canary 100'])('in stage %s errors of the new key alone take it back', (stage) => {
  const world = new World().to(stage);

  expect(world.tick({ fresh: BAD, old: GOOD })).toBe('undoing');
  expect(placesIn(world.state)).toMatchObject({ old: { status: 'active', share: 100 }, fresh: { status: 'disabled' } });
});

test.each(['canary 5', 'canary 25', 'canary 100'])('in stage %s errors that the old key shows too hold it', (stage) => {
  const world = new World().to(stage);

  expect(world.tick({ fresh: BAD, old: BAD })).toBe(stage);
  expect(world.state.results.at(-1)).toMatchObject({ verdict: 'shared' });
  expect(world.tick({ fresh: GOOD })).not.toBe(stage);
});

test('where nobody uses the old key it is asked before the new one is called worse', () => {
  const world = new World().to('canary 100');

  world.tick({ fresh: BAD });
  const [ask] = world.asks;
  const after = world.take({ kind: 'called', which: 'old', tally: { ...GOOD, attempts: 10 } }, { fresh: BAD });

  expect(ask).toEqual({ kind: 'call', which: 'old', calls: 10 });
  expect(after).toBe('undoing');
});

test('a stage that nobody uses is filled up with calls when its time is over, and no errors in no requests pass nothing', () => {
  const world = new World().to('canary 5');
  const early = world.tick() && world.asks;
  world.nowMs += CANARY_MS;

  world.tick({ fresh: { ...GOOD, attempts: 93 } });
  const late = world.asks;
  const without = world.tick({ affordableCalls: 0 });
  const filled = world.take(
    { kind: 'called', which: 'fresh', tally: { ...GOOD, attempts: 7 } },
    { fresh: { ...GOOD, attempts: 93 } },
  );

  expect([early, late]).toEqual([[], [{ kind: 'call', which: 'fresh', calls: 7 }]]);
  expect([without, filled]).toEqual(['canary 5', 'canary 25']);
});

test('nothing is revoked while a gateway has not heard of it, or a request still works by what was before', () => {
  const world = new World().to('grace');
  world.take({ kind: 'finish' });

  const waits = [world.tick({ isLoaded: false, isDrained: false }), world.tick({ isDrained: false })];
  const goesOn = world.tick();

  expect(waits).toEqual(['draining', 'draining']);
  expect([goesOn, world.asks]).toEqual(['revoking', [{ kind: 'revoke' }]]);
});

test('what was seen before the keys moved says nothing of what is sent after', () => {
  const world = new World().to('grace');

  const finished = world.take({ kind: 'finish' }, { isDrained: true, isLoaded: true });
  const back = new World().to('grace');
  back.take({ kind: 'roll_back' }, { isDrained: true });

  expect(finished).toBe('draining');
  expect(back.asks).toEqual([]);
});

test('an emergency skips canary and grace, and waits two minutes for streams and no longer', () => {
  const world = new World('made', true);
  world.take({ kind: 'made' });
  const probed = world.take({ kind: 'probed' });
  const waits = world.tick({ isDrained: false });
  world.nowMs += 120_000;

  expect([probed, waits]).toEqual(['draining', 'draining']);
  expect(world.tick({ isDrained: false, isLoaded: false })).toBe('draining');
  expect(world.tick({ isDrained: false })).toBe('revoking');
});

test('one that goes on becomes an emergency wherever it stands before the end', () => {
  const ends = ['creating', 'probing', 'canary 5', 'grace'].map((stage) => {
    const world = new World();
    if (stage === 'probing') world.take({ kind: 'made' });
    else if (stage !== 'creating') world.to(stage);
    return world.take({ kind: 'emergency' });
  });

  expect(ends).toEqual(['creating', 'probing', 'draining', 'draining']);
});

test('a key that a person must bring is waited for, and asked for again every day', () => {
  const world = new World('brought');
  world.nowMs += DAY_MS;

  world.tick();

  expect(world.state.stage).toMatchObject({ kind: 'awaiting_key', reminders: 1, remindAtMs: world.nowMs + DAY_MS });
  expect(world.take({ kind: 'supplied' })).toBe('probing');
});

test('where we cannot delete the old key, a person does, and that it is refused ends it', () => {
  const world = new World('brought');
  world.seen = { hasAdmin: false, canRevoke: false };
  world.take({ kind: 'supplied' });
  world.take({ kind: 'probed' });
  while (world.stage !== 'grace') world.tick({ fresh: GOOD });
  world.take({ kind: 'finish' });
  world.tick();

  expect(world.tick()).toBe('verifying');
  expect(world.take({ kind: 'verified' })).toBe('completed');
});

test('past the point of no return nothing is taken back, hurried or extended', () => {
  const world = new World().to('grace');
  world.take({ kind: 'finish' });
  world.tick();

  const untilMs = world.nowMs + DAY_MS;
  const decided = [{ kind: 'roll_back' }, { kind: 'emergency' }, { kind: 'extend', untilMs }] as const;

  expect(decided.map((event) => world.take(event))).toEqual(['past_return', 'past_return', 'past_return']);
});

test('a wait is extended into the next thirty days', () => {
  const world = new World().to('grace');
  const at = (untilMs: number) => world.take({ kind: 'extend', untilMs });

  expect([at(world.nowMs), at(world.nowMs + LONGEST_EXTENSION_MS + 1)]).toEqual(['bad_time', 'bad_time']);
  expect(at(world.nowMs + LONGEST_EXTENSION_MS)).toBe('grace');
  world.nowMs += 5 * DAY_MS;
  expect(world.tick()).toBe('grace');
});

test('what a provider does not do is asked again after 5 s, 10 s, 20 s ... five minutes', () => {
  const world = new World();
  const waits: number[] = [];
  for (let failures = 0; failures < 8; failures += 1) {
    world.take({ kind: 'failed', why: 'HTTP 500' });
    const { stage } = world.state;
    const againAtMs = 'againAtMs' in stage ? (stage.againAtMs ?? 0) : 0;
    waits.push((againAtMs - world.nowMs) / 1_000);
    world.nowMs = againAtMs;
    world.tick();
    expect(world.asks).toEqual([{ kind: 'create' }]);
  }

  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
});

const tally = fc.record({
  attempts: fc.integer({ min: 0, max: 200 }),
  refused: fc.integer({ min: 0, max: 2 }),
  limited: fc.integer({ min: 0, max: 30 }),
  failed: fc.integer({ min: 0, max: 60 }),
});
const event: fc.Arbitrary<RotationEvent> = fc.oneof(
  fc
    .constantFrom<RotationEvent['kind']>(
      ...(['tick', 'made', 'supplied', 'probed', 'key_refused', 'revoked', 'verified', 'removed'] as const),
      ...(['finish', 'roll_back', 'emergency'] as const),
    )
    .map((kind) => ({ kind }) as RotationEvent),
  fc.constant({ kind: 'failed', why: 'HTTP 500' } as const),
  fc.record({ kind: fc.constant('called' as const), which: fc.constantFrom('fresh' as const, 'old' as const), tally }),
);
const step = fc.record({
  event,
  seen: fc.record({
    ...{ isLoaded: fc.boolean(), isDrained: fc.boolean(), fresh: tally, old: tally },
    ...{ affordableCalls: fc.constantFrom(0, 7, 500), hasAdmin: fc.boolean(), canRevoke: fc.boolean() },
  }),
  laterMs: fc.constantFrom(0, 5_000, CANARY_MS, DAY_MS),
});

test('whatever happens, requests have a key that was probed, and an old key that is given up stays so only where it was routed nowhere', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('made' as const, 'brought' as const),
      fc.array(step, { maxLength: 60 }),
      (origin, steps) => {
        const world = new World(origin);
        let wasProbed = false;
        let isPast = false;
        for (const { event: told, seen, laterMs } of steps) {
          const before = world.state;
          world.nowMs += laterMs;
          world.take(told, seen);
          wasProbed ||= told.kind === 'probed' && before.stage.kind === 'probing';
          const { old, fresh } = placesIn(world.state);
          const shares = [old, fresh].map(({ status, share }) => (status === 'active' ? share : 0));
          expect((shares[0] ?? 0) + (shares[1] ?? 0)).toBe(100);
          if (fresh.status === 'active') expect(wasProbed).toBe(true);
          if (isPast) expect(['revoking', 'verifying', 'completed']).toContain(world.state.stage.kind);
          isPast ||= world.state.stage.kind === 'revoking' || world.state.stage.kind === 'verifying';
          if (isPast && before.stage.kind === 'draining') expect(placesIn(before).old.status).toBe('disabled');
          if (hasEnded(before)) expect(world.state).toEqual(before);
        }
      },
    ),
  );
});
