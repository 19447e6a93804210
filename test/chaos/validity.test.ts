// A campaign that proves nothing must not pass.
import { expect, test } from '@jest/globals';
import type { AnswerLine } from '../support/load-driver/exchange.ts';
import { Attribution, type Served } from './attribution.ts';
import { type Breadth, breadthOf } from './breadth.ts';
import type { KillEvent } from './kill-log.ts';
import { isSound } from './soundness.ts';
import { type Campaign, conditionsOf, type Demands } from './validity.ts';

const NOTHING: Breadth = {
  gatewaysAtOnce: 0,
  organizations: 0,
  apiKeys: 0,
  priceVersions: 0,
  refusedByKeyCap: 0,
  refusedByProjectCap: 0,
  refusedForCredit: 0,
  expiries: 0,
  failovers: 0,
  estimates: 0,
  cuts: 0,
  clientsGone: 0,
};
const DEMANDS: Demands = {
  requests: 2,
  kills: 1,
  hitsPerPoint: 0,
  inFlightAtKill: 2,
  soundPercent: 90,
  breadth: NOTHING,
  pausedSeconds: [],
  slowSeconds: [],
  silentSeconds: [],
};

test('a campaign whose gateway died among enough requests of its own is weighty', () => {
  const answers = [answer({ at: 0, ms: 100, streamed: true }), answer({ at: 50, ms: 100, requestId: 'other' })];
  const elsewhere = { pidOf: new Map([['other', 2]]) };

  expect(voidOnes({ answers, events: [kill(70)] })).toEqual([]);
  expect(voidOnes({ answers, events: [kill(120)] })).toEqual(['fewest requests in flight of a killed gateway']);
  expect(voidOnes({ answers, events: [kill(70)], ...elsewhere })).toEqual([
    'fewest requests in flight of a killed gateway',
  ]);
});

test('too few requests, kills or hits of a point, an uneven share of streams and a death of its own make it void', () => {
  const answers = [answer({ streamed: true })];
  const demands = { ...DEMANDS, hitsPerPoint: 3, inFlightAtKill: 0 };

  const names = voidOnes({ answers, unasked: ['gateway 7 (1)'] }, demands);

  expect(names).toEqual(expect.arrayContaining(['requests', 'kills', 'streamed', 'hits of in-commit']));
  expect(names).toContain('deaths nobody asked for');
});

test('a share of streams beyond a twentieth from half makes it void', () => {
  const shares = (streamed: number) =>
    Array.from({ length: 100 }, (_, index) => answer({ streamed: index < streamed }));
  const isVoid = (streamed: number) => voidOnes({ answers: shares(streamed) }).includes('streamed');

  expect([44, 45, 55, 56].map(isVoid)).toEqual([true, false, false, true]);
});

test('a pause, a slowness or a silence that did not happen, or not for so long, makes it void', () => {
  const demands = { ...DEMANDS, pausedSeconds: [20, 120], slowSeconds: [6], silentSeconds: [40] };
  const events = [lasting('SIGSTOP', 20), lasting('SIGSTOP', 119), lasting('paused', 40)];

  expect(voidOnes({ events }, demands)).toEqual(
    expect.arrayContaining(['gateway paused 120 s', 'PostgreSQL slow 6 s']),
  );
  expect(voidOnes({ events }, demands)).not.toContain('gateway paused 20 s');
  expect(voidOnes({ events }, demands)).not.toContain('PostgreSQL silent 40 s');
});

test('what has not happened even once makes it void', () => {
  const demands = { ...DEMANDS, breadth: { ...NOTHING, expiries: 1, refusedForCredit: 1, estimates: 1 } };
  const names = voidOnes({ breadth: { ...NOTHING, expiries: 1 } }, demands);

  expect(names).toEqual(expect.arrayContaining(['refusedForCredit', 'estimates']));
  expect(names).not.toContain('expiries');
});

test('the books and the refusals say what a campaign has met', () => {
  const sale = { orgId: 'o', apiKeyId: 'k', modelId: 'm', usageSource: 'provider', outcome: 'complete' } as const;
  const books = {
    usageRecords: [
      { ...sale, priceVersionId: 'old' },
      { ...sale, priceVersionId: 'new', outcome: 'cut', apiKeyId: 'l' },
    ],
    attempts: [{ outcome: 'failed_over' }],
    transactions: [{ kind: 'expiry' }, { kind: 'grant' }],
    incarnations: [
      { startedAtMs: 0, renewedAtMs: 10 },
      { startedAtMs: 10, renewedAtMs: 30 },
      { startedAtMs: 20, renewedAtMs: 40 },
    ],
  };
  const refused = (errorMessage: string) => answer({ status: 402, errorMessage });
  const answers = [refused('the total cap of the api key (1 USD) leaves 0'), refused('and the balance is 0 USD')];

  expect(breadthOf(books, answers)).toEqual({
    ...NOTHING,
    gatewaysAtOnce: 2,
    organizations: 1,
    apiKeys: 2,
    priceVersions: 2,
    refusedByKeyCap: 1,
    refusedForCredit: 1,
    expiries: 1,
    failovers: 1,
    cuts: 1,
  });
});

test('a request is sound when it ended complete, or as its client, its money or its fault demanded', () => {
  const refused = { status: 503, errorMessage: 'All upstreams for this model failed or are overloaded.' };
  const ours = { status: 500, errorMessage: 'Something went wrong in the gateway; it has been logged.' };
  const unpaid = { status: 429, errorMessage: 'and the balance is 0 USD. Top up.' };
  const sound = (what: Partial<AnswerLine>, mayRunOut = false) => isSound(answer(what), mayRunOut, []);

  expect(sound({})).toBe(true);
  expect(sound(refused)).toBe(false);
  expect(sound({ ...refused, faultAsked: 'status=503,first' })).toBe(false);
  expect(sound({ ...refused, faultAsked: 'cut=1500' })).toBe(true);
  expect(sound({ ...ours, faultAsked: 'cut=1500' })).toBe(false);
  expect(sound({ terminatorSeen: false, faultAsked: 'no-done' })).toBe(true);
  expect(sound({ terminatorSeen: false, errorCode: 'ECONNRESET', faultAsked: 'no-done' })).toBe(false);
  expect(sound({ ...ours, status: 400, faultAsked: 'status=400' })).toBe(true);
  expect(sound({ terminatorSeen: false, abortedByClient: true })).toBe(true);
  expect([sound(unpaid), sound(unpaid, true)]).toEqual([false, true]);
  expect(sound({ status: 429, errorMessage: 'Too many requests in the last minute.' }, true)).toBe(false);
});

test('an error that blames the database or the upstream is sound while that was away, and not long after', () => {
  const silent = { ...lasting('paused', 40), at: 1_000 };
  const killed = { ...kill(1_000), target: 'demo' } as const;
  const sound = (errorMessage: string, at: number) =>
    isSound(answer({ status: 503, errorMessage, at }), false, [silent, killed]);

  expect([0, 30_000, 49_000, 51_000].map((at) => sound('The ledger did not answer', at))).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect([0, 9_000, 12_000].map((at) => sound('No upstream is available', at))).toEqual([false, true, false]);
  expect(sound('Something went wrong in the gateway', 2_000)).toBe(false);
});

test('a request is hit by the death of its own gateway, or of one of its installation when nobody knows which was its own', () => {
  const pidOf = new Map([
    ['mine', 1],
    ['other', 2],
  ]);
  const settled = [answer({ requestId: 'mine', api: 'a', ms: 100 }), answer({ requestId: 'other', api: 'b', ms: 100 })];
  const attribution = new Attribution(served({ answers: settled, events: [kill(70)], pidOf }));
  const lost = (api: string, at: number) => attribution.wasHit(answer({ requestId: null, api, at, ms: 100 }));

  expect(settled.map((one) => attribution.wasHit(one))).toEqual([true, false]);
  expect([lost('a', 0), lost('b', 0), lost('a', 5_000)]).toEqual([true, false, false]);
});

function voidOnes(what: Partial<Campaign>, demands = DEMANDS): string[] {
  return conditionsOf({ ...served(what), mayRunOut: [], unasked: [], breadth: NOTHING, ...what }, demands)
    .filter(({ met }) => !met)
    .map(({ name }) => name);
}

function served(what: Partial<Served>): Served {
  return { answers: [], events: [], pidOf: new Map(), ...what };
}

function kill(at: number): KillEvent {
  return { at, untilMs: at, target: 'gateway', what: 'SIGKILL', pid: 1, point: null };
}

function lasting(what: KillEvent['what'], seconds: number): KillEvent {
  return { ...kill(0), what, target: what === 'SIGSTOP' ? 'gateway' : 'link', untilMs: seconds * 1_000 };
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
