// One unpaid renewal or invoice: what is asked for, when, and what people may do about it.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChargeOutcome } from '../../domain/charges.ts';
import { classifyDecline } from '../../domain/declines.ts';
import {
  type Dunning,
  type DunningAsk,
  type DunningCommand,
  type DunningFact,
  postpaidDunning,
  renewalDunning,
  stepDunning,
} from '../../domain/dunning.ts';
import { type Notice, standingOf } from '../../domain/overdue-policy.ts';
import { PAID, refusal, UNKNOWN } from './billing-world.ts';
import { days, HOUR_MS } from './overdue-facts.ts';

type Event = DunningFact | DunningCommand;
const soft = refusal('insufficient_funds');
const FAULT: ChargeOutcome = { kind: 'fault' };
const TICK = { kind: 'tick' } as const;

function overdue(code = 'insufficient_funds'): Dunning {
  const decline = classifyDecline({ declineCode: code, adviceCode: null, networkAdviceCode: null });
  return renewalDunning('invoice', 0, { number: 1, askedAtMs: 0, doubtfulAtMs: null, answer: { atMs: 0, decline } });
}

function stepped(state: Dunning, event: Event, nowMs: number) {
  const result = stepDunning(state, event, nowMs);
  if (result.kind === 'refused') throw new Error(result.reason);
  return result;
}

function command(state: Dunning, kind: 'retry_now' | 'waive' | 'decide_stop', nowMs: number) {
  const result = stepDunning(state, { kind, requestId: `${kind} at ${nowMs}`, revision: state.revision }, nowMs);
  return result.kind === 'refused' ? result.reason : result;
}

const names = (asks: readonly DunningAsk[]): string[] =>
  asks.map((ask) => {
    if (ask.kind === 'charge') return `charge ${ask.attempt}`;
    return ask.kind === 'notify' ? ask.notice : ask.kind;
  });

test('what was asked for is asked for again until it is answered, and no second attempt beside it', () => {
  const first = stepped(overdue(), TICK, days(1));

  const again = stepped(first.state, TICK, days(1) + HOUR_MS);

  expect(names(first.asks)).toEqual(['reevaluate_enforcement', 'charge 2']);
  expect(names(again.asks)).toEqual(['reevaluate_enforcement', 'charge 2']);
  expect(again.state).toBe(first.state);
});

test('after an unknown outcome the same attempt is asked about again, ten minutes later', () => {
  const { state } = stepped(overdue(), TICK, days(1));

  const doubtful = stepped(state, { kind: 'charged', attempt: 2, outcome: UNKNOWN }, days(1));

  expect([names(doubtful.asks), doubtful.wakeAtMs]).toEqual([['reevaluate_enforcement'], days(1) + HOUR_MS / 6]);
  expect(names(stepped(doubtful.state, TICK, days(1) + HOUR_MS / 6).asks)).toContain('charge 2');
});

test('a new card is charged at once and once, also one that comes while the old one is being charged', () => {
  const stolen = overdue('stolen_card');
  const { state } = stepped(stolen, { kind: 'card_changed', card: 'second' }, days(2));
  const third = stepped(state, { kind: 'card_changed', card: 'third' }, days(2) + 1);

  const after = stepped(third.state, { kind: 'charged', attempt: 2, outcome: refusal('stolen_card') }, days(2) + 2);

  const refused = stepped(after.state, { kind: 'charged', attempt: 3, outcome: refusal('stolen_card') }, days(2) + 3);

  expect(names(third.asks)).toContain('charge 2');
  expect(names(after.asks)).toContain('charge 3');
  expect(names(refused.asks)).not.toContain('charge 4');
});

test('a person may ask for an attempt, but not with a card that was refused, nor while one is under way', () => {
  const asked = command(overdue(), 'retry_now', HOUR_MS);
  if (typeof asked === 'string') throw new Error(asked);

  expect(names(asked.asks)).toContain('charge 2');
  expect(command(asked.state, 'retry_now', HOUR_MS + 1)).toBe('payment_in_doubt');
  expect(command(overdue('expired_card'), 'retry_now', HOUR_MS)).toBe('card_refused');
  expect(command(postpaidDunning('invoice', 0), 'retry_now', HOUR_MS)).toBe('not_for_this_policy');
});

test('while the customer pays himself nothing is asked of his card and nobody limits him; somebody looks every ten minutes', () => {
  const warned = stepped(overdue(), { kind: 'handed_over', notice: 'limit_warning' }, days(6)).state;
  const asked = stepped(warned, { kind: 'charged', attempt: 2, outcome: soft }, days(6)).state;
  const paying = stepped(asked, { kind: 'customer_pays', isUnderWay: true }, days(7) - 1);

  const looked = stepped(paying.state, TICK, days(7) + HOUR_MS);
  const still = stepped(looked.state, { kind: 'customer_pays', isUnderWay: true }, days(7) + HOUR_MS);
  const done = stepped(still.state, { kind: 'customer_pays', isUnderWay: false }, days(7) + 2 * HOUR_MS);

  expect(names(paying.asks)).toEqual(['reevaluate_enforcement']);
  expect(names(looked.asks)).toEqual(['reevaluate_enforcement', 'look_at_payment']);
  expect(standingOf(looked.state.invoice, [], days(7) + HOUR_MS).stage).toBe('none');
  expect([names(still.asks), still.wakeAtMs]).toEqual([['reevaluate_enforcement'], days(7) + HOUR_MS + HOUR_MS / 6]);
  expect(command(still.state, 'retry_now', days(7) + HOUR_MS)).toBe('payment_in_doubt');
  expect(standingOf(done.state.invoice, [], days(7) + 2 * HOUR_MS).stage).toBe('limited');
  expect(names(done.asks)).toContain('charge 3');
});

test('whoever waives a renewal ends the plan; whoever waives a debt ends the case', () => {
  const renewal = command(overdue(), 'waive', days(5));
  const debt = command(postpaidDunning('invoice', 0), 'waive', days(5));
  if (typeof renewal === 'string' || typeof debt === 'string') throw new Error('refused');

  expect(names(renewal.asks)).toEqual(['reevaluate_enforcement', 'end_plan']);
  expect(stepped(renewal.state, { kind: 'settled', how: 'void' }, days(5)).state.closed).toBe('void');
  expect([names(debt.asks), debt.state.closed]).toEqual([['reevaluate_enforcement'], 'waived']);
});

test('a decision to stop is for postpaid invoices; extending needs a day ahead; skipping goes forward only', () => {
  const about = { requestId: 'one', revision: 1 };
  const answers = [
    stepDunning(overdue(), { kind: 'decide_stop', ...about }, days(20)),
    stepDunning(overdue(), { kind: 'extend', untilMs: days(2), ...about }, days(2)),
    stepDunning(overdue(), { kind: 'skip_to', rung: 'second_reminder', ...about }, days(4)),
    stepDunning(overdue(), { kind: 'skip_to', rung: 'stop', ...about }, days(4)),
    stepDunning(overdue(), { kind: 'waive', ...about, revision: 0 }, days(4)),
    stepDunning({ ...overdue(), closed: 'paid' }, { kind: 'waive', ...about }, days(4)),
  ];

  expect(answers.map((answer) => (answer.kind === 'refused' ? answer.reason : answer.kind))).toEqual([
    'not_for_this_policy',
    'no_such_step',
    'no_such_step',
    'no_such_step',
    'stale_revision',
    'closed',
  ]);
});

test('skipped to the limit, the warning goes now and the limit comes a day later', () => {
  const skip = { kind: 'skip_to', rung: 'limit', requestId: 'one', revision: 1 } as const;
  const skipped = stepped(overdue('stolen_card'), skip, days(2));

  const told = stepped(skipped.state, { kind: 'handed_over', notice: 'limit_warning' }, days(2));

  expect(names(skipped.asks)).toContain('limit_warning');
  expect(standingOf(told.state.invoice, [], days(3)).stage).toBe('limited');
});

test('once paid nothing is asked for any more, whatever is still to come', () => {
  const { state } = stepped(overdue(), { kind: 'settled', how: 'paid' }, days(3));

  const later = stepped(state, TICK, days(30));

  expect([names(later.asks), later.wakeAtMs]).toEqual([['reevaluate_enforcement'], null]);
});

test('facts of one moment may come in any order: the standing that follows is the same', () => {
  const notices: readonly Notice[] = ['first_reminder', 'second_reminder', 'limit_warning'];
  const facts: DunningFact[] = [
    ...notices.map((notice) => ({ kind: 'handed_over', notice }) as const),
    { kind: 'incidents_changed', incidents: [{ fromMs: days(1), toMs: days(2) }] },
    { kind: 'card_changed', card: 'new' },
    { kind: 'charged', attempt: 2, outcome: UNKNOWN },
  ];
  const open = stepped(overdue(), TICK, days(1)).state;
  const tell = (order: readonly DunningFact[]) =>
    order.reduce((state, fact) => stepped(state, fact, days(7)).state, open);

  fc.assert(
    fc.property(fc.shuffledSubarray(facts, { minLength: facts.length }), fc.nat(30), (order, later) => {
      const [shuffled, plain] = [tell(order), tell(facts)];

      expect(standingOf(shuffled.invoice, shuffled.incidents, days(7 + later))).toEqual(
        standingOf(plain.invoice, plain.incidents, days(7 + later)),
      );
    }),
  );
});

type Act = (state: Dunning, nowMs: number) => Event;
const outcomes = fc.constantFrom(soft, soft, refusal('stolen_card'), refusal('processing_error'), UNKNOWN, FAULT, PAID);
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.constant<Act>(() => TICK),
  outcomes.map(
    (outcome): Act =>
      ({ invoice }) => ({ kind: 'charged', attempt: invoice.attempts.length, outcome }),
  ),
  fc.nat(5).map(
    (n): Act =>
      () => ({ kind: 'card_changed', card: `card ${n}` }),
  ),
  fc.boolean().map(
    (isUnderWay): Act =>
      () => ({ kind: 'customer_pays', isUnderWay }),
  ),
  fc.constantFrom<Notice>('limit_warning', 'plan_end_warning').map(
    (notice): Act =>
      () => ({ kind: 'handed_over', notice }),
  ),
  fc.tuple(fc.constantFrom('retry_now', 'decide_stop', 'retry_now'), fc.uuid()).map(
    ([kind, requestId]): Act =>
      ({ revision }) => ({ kind, requestId, revision }),
  ),
  fc.uuid().map(
    (requestId): Act =>
      ({ revision }, nowMs) => ({ kind: 'extend', untilMs: nowMs + days(1), requestId, revision }),
  ),
);
const stories = fc.array(fc.tuple(acts, fc.nat(40)), { maxLength: 60, size: 'max' });

/** What went wrong on the way, if anything. */
function lived(story: readonly (readonly [Act, number])[]): string[] {
  const broken = new Set<string>();
  let [state, nowMs] = [overdue(), 0];
  for (const [act, hours] of story) {
    nowMs += hours * HOUR_MS;
    const event = act(state, nowMs);
    const result = stepDunning(state, event, nowMs);
    if (result.kind === 'refused') continue;
    const again = stepped(result.state, event, nowMs);
    const wasClosed = state.closed !== null;
    state = result.state;
    const { attempts } = state.invoice;
    const asks = names(result.asks);
    const isOpen = attempts.at(-1)?.answer === null;
    if (again.state !== state) broken.add('a repeated event changed something');
    if (result.wakeAtMs !== null && result.wakeAtMs <= nowMs) broken.add('woken for the past');
    if (attempts.slice(0, -1).some(({ answer }) => answer === null)) broken.add('two attempts at once');
    if (attempts.some(({ number }, n) => number !== n + 1)) broken.add('an attempt without its number');
    if (attempts.filter(({ answer }) => answer?.decline).length > 8) broken.add('declined more than eight times');
    if (wasClosed && asks.some((ask) => ask !== 'reevaluate_enforcement')) broken.add('asked for after its end');
    if (isOpen && asks.includes('end_plan')) broken.add('ended while a charge was under way');
  }
  return [...broken];
}

test('in any order of events: one attempt at a time, eight declines at most, and a repeated event changes nothing', () => {
  fc.assert(
    fc.property(stories, (story) => {
      expect(lived(story)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
