// A campaign that proves nothing must not pass.
import { expect, test } from '@jest/globals';
import type { AnswerLine } from '../support/load-driver/exchange.ts';
import type { KillEvent } from './kill-log.ts';
import { type Campaign, conditionsOf, type Demands, isSound, wasHit } from './validity.ts';

const DEMANDS: Demands = { requests: 2, kills: 1, hitsPerPoint: 0, inFlightAtKill: 2, soundPercent: 90 };

test('a campaign whose gateway died among enough requests that were under way is weighty', () => {
  const answers = [answer({ at: 0, ms: 100, streamed: true }), answer({ at: 50, ms: 100 })];

  expect(voidOnes({ answers, events: [kill(70)] })).toEqual([]);
  expect(voidOnes({ answers, events: [kill(120)] })).toEqual(['fewest requests in flight at a gateway kill']);
});

test('too few requests, kills or hits of a point, an uneven share of streams and a death of its own make it void', () => {
  const answers = [answer({ streamed: true })];
  const demands = { ...DEMANDS, hitsPerPoint: 3, inFlightAtKill: 0 };

  const names = conditionsOf(campaign({ answers, unasked: ['gateway 7 (1)'] }), demands)
    .filter(({ met }) => !met)
    .map(({ name }) => name);

  expect(names).toEqual(expect.arrayContaining(['requests', 'kills', 'streamed', 'hits of in-commit']));
  expect(names).toContain('deaths nobody asked for');
});

test('a request is sound when it ended complete, or as its client, its key or its fault demanded', () => {
  const refused = { status: 503, terminatorSeen: true };
  const sound = (what: Partial<AnswerLine>) => isSound(campaign({ mayRunOut: [false, true] }), answer(what));

  expect(sound({})).toBe(true);
  expect(sound(refused)).toBe(false);
  expect(sound({ ...refused, faultAsked: 'status=503,first' })).toBe(false);
  expect(sound({ ...refused, faultAsked: 'cut=1500' })).toBe(true);
  expect(sound({ terminatorSeen: false, abortedByClient: true })).toBe(true);
  expect(sound({ status: 402, keyIndex: 0 })).toBe(false);
  expect(sound({ status: 402, keyIndex: 1 })).toBe(true);
});

test('a request is hit by the death of its own gateway, or of any when nobody knows which was its own', () => {
  const known = campaign({
    events: [kill(70)],
    pidOf: new Map([
      ['mine', 1],
      ['other', 2],
    ]),
  });

  expect(wasHit(known, answer({ requestId: 'mine', at: 0, ms: 100 }))).toBe(true);
  expect(wasHit(known, answer({ requestId: 'other', at: 0, ms: 100 }))).toBe(false);
  expect(wasHit(known, answer({ requestId: null, at: 0, ms: 100 }))).toBe(true);
  expect(wasHit(known, answer({ requestId: null, at: 5_000, ms: 100 }))).toBe(false);
});

function voidOnes(what: Partial<Campaign>): string[] {
  return conditionsOf(campaign(what), DEMANDS)
    .filter(({ met }) => !met)
    .map(({ name }) => name);
}

function campaign(what: Partial<Campaign>): Campaign {
  return { answers: [], events: [], mayRunOut: [], pidOf: new Map(), unasked: [], ...what };
}

function kill(at: number): KillEvent {
  return { at, untilMs: at, target: 'gateway', what: 'SIGKILL', pid: 1, point: null };
}

function answer(what: Partial<AnswerLine>): AnswerLine {
  return {
    at: 0,
    keyIndex: 0,
    api: '',
    model: 'demo-chat',
    surface: 'chat',
    streamed: false,
    requestId: 'some',
    status: 200,
    bytes: 0,
    promptBytes: 0,
    contentBytes: 0,
    terminatorSeen: true,
    errorCode: null,
    errorMessage: null,
    abortedByClient: false,
    faultAsked: null,
    retryAfterMs: null,
    ms: 0,
    ...what,
  };
}
