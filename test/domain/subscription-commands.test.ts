// What people ask of a subscription while its money is paid, under way, owed or in doubt.
import { expect, test } from '@jest/globals';
import { newSubscription, type Subscription, termsInForce } from '../../domain/subscription.ts';
import type { SubscriptionCommand } from '../../domain/subscription-commands.ts';
import { type SubscriptionFact, stepSubscription } from '../../domain/subscription-step.ts';
import { at, PAID, refusal, sold } from './billing-world.ts';
import { HOUR_MS } from './overdue-facts.ts';

const BOUGHT = at('2027-03-01T00:00:00Z');
const RENEWAL = at('2027-04-01T00:00:00Z');
const RENEWED = 'period:2027-03-01T00:00:00.000Z:1';
const UPGRADED = 'purchase:upgrade';
const declined = refusal('insufficient_funds');
const upgrade = { kind: 'change_plan', terms: sold('team'), upgradeCents: 9_000, requestId: 'upgrade' } as const;

type Kind = SubscriptionCommand['kind'];

function told(state: Subscription, nowMs: number, ...facts: readonly SubscriptionFact[]): Subscription {
  return facts.reduce((before, fact) => {
    const result = stepSubscription(before, fact, nowMs);
    if (result.kind === 'refused') throw new Error(result.reason);
    return result.state;
  }, state);
}

function obey(state: Subscription, kind: Exclude<Kind, 'change_plan'> | typeof upgrade, nowMs: number) {
  const command = typeof kind === 'string' ? { kind, requestId: kind } : kind;
  return stepSubscription(state, { ...command, revision: state.revision }, nowMs);
}

function obeyed(...[state, kind, nowMs]: Parameters<typeof obey>): Subscription {
  const result = obey(state, kind, nowMs);
  if (result.kind === 'refused') throw new Error(result.reason);
  return result.state;
}

const active = newSubscription(sold('pro'), 'first', BOUGHT);
const paying = told(active, RENEWAL, { kind: 'tick' });
const pastDue = told(paying, RENEWAL, { kind: 'charged', invoice: RENEWED, outcome: declined });
const ending = told(pastDue, RENEWAL + HOUR_MS, { kind: 'grace_over', invoice: RENEWED });
const ended = told(ending, RENEWAL + HOUR_MS, { kind: 'voided', invoice: RENEWED });
const paused = told(obeyed(active, 'pause', BOUGHT), RENEWAL, { kind: 'tick' });
const cancelled = obeyed(active, 'cancel', BOUGHT);

const commands = ['cancel', 'pause', 'reactivate', 'resume', upgrade] as const;

test.each([
  ['active', active, ['done', 'done', 'wrong_state', 'wrong_state', 'done']],
  ['cancelled', cancelled, ['done', 'done', 'done', 'wrong_state', 'done']],
  ['paying', paying, ['done', 'done', 'wrong_state', 'wrong_state', 'payment_in_doubt']],
  ['past due', pastDue, ['done', 'done', 'wrong_state', 'wrong_state', 'done']],
  ['ending unpaid', ending, ['wrong_state', 'wrong_state', 'wrong_state', 'wrong_state', 'payment_in_doubt']],
  ['paused', paused, ['done', 'wrong_state', 'wrong_state', 'done', 'wrong_state']],
  ['ended', ended, ['wrong_state', 'wrong_state', 'wrong_state', 'wrong_state', 'wrong_state']],
])('cancel, pause, reactivate, resume and upgrade when %s', (_, state, answers) => {
  const nowMs = state === active || state === cancelled ? BOUGHT : RENEWAL + HOUR_MS;
  const unasked = { ...state, requestIds: [] };

  expect(
    commands.map((kind) => {
      const result = obey(unasked, kind, nowMs);
      return result.kind === 'refused' ? result.reason : 'done';
    }),
  ).toEqual(answers);
});

test('a command counts once by its request, and not at all on what its sender has not seen', () => {
  const command = { kind: 'cancel', requestId: 'twice', revision: active.revision } as const;
  const first = stepSubscription(active, command, BOUGHT);
  if (first.kind === 'refused') throw new Error(first.reason);

  expect(stepSubscription(first.state, command, BOUGHT)).toMatchObject({ state: first.state });
  expect(stepSubscription(first.state, { ...command, requestId: 'other' }, BOUGHT)).toEqual({
    kind: 'refused',
    reason: 'stale_revision',
  });
});

test('whoever cancels what is past due ends at once, as soon as it is certain that nothing was paid', () => {
  const leaving = obey(pastDue, 'cancel', RENEWAL + HOUR_MS);
  if (leaving.kind === 'refused') throw new Error(leaving.reason);

  expect(leaving.asks).toEqual([{ kind: 'void_invoice', invoice: RENEWED }]);
  expect(told(leaving.state, RENEWAL + HOUR_MS, { kind: 'voided', invoice: RENEWED }).phase).toEqual({
    kind: 'ended',
    why: 'cancelled',
  });
  const paid = told(leaving.state, RENEWAL + HOUR_MS, { kind: 'charged', invoice: RENEWED, outcome: PAID });
  expect(paid).toMatchObject({ phase: { kind: 'active' }, atPeriodEnd: 'cancel' });
});

test('whoever cancels while a declined upgrade is taken back keeps what he has paid', () => {
  const upgrading = obeyed(active, upgrade, BOUGHT);
  const takenBack = told(upgrading, BOUGHT, { kind: 'charged', invoice: UPGRADED, outcome: declined });

  const after = told(obeyed(takenBack, 'cancel', BOUGHT), BOUGHT, { kind: 'voided', invoice: UPGRADED });

  expect(after).toMatchObject({ phase: { kind: 'active' }, atPeriodEnd: 'cancel' });
});

test('whoever cancels while his renewal is charged keeps the period that it buys, and no other', () => {
  const leaving = obeyed(paying, 'cancel', RENEWAL);

  expect(told(leaving, RENEWAL, { kind: 'charged', invoice: RENEWED, outcome: PAID })).toMatchObject({
    phase: { kind: 'active' },
    atPeriodEnd: 'cancel',
  });
  expect(told(leaving, RENEWAL, { kind: 'charged', invoice: RENEWED, outcome: declined }).phase).toMatchObject({
    kind: 'voiding',
    afterwards: { kind: 'end', why: 'cancelled' },
  });
});

test('an upgrade whose old invoice is in doubt is not made, and nothing has changed', () => {
  const changing = obeyed(pastDue, upgrade, RENEWAL + HOUR_MS);

  const after = told(changing, RENEWAL + HOUR_MS, { kind: 'void_in_doubt', invoice: RENEWED });

  expect(after.phase).toEqual(pastDue.phase);
  expect(after.terms).toEqual(pastDue.terms);
});

test('an upgrade that needs its customer waits a day for him, is not charged meanwhile, and is then given up', () => {
  const upgrading = obeyed(active, upgrade, BOUGHT);
  const outcome = refusal('authentication_required');

  const waiting = stepSubscription(upgrading, { kind: 'charged', invoice: UPGRADED, outcome }, BOUGHT);

  expect(waiting).toMatchObject({ asks: [], wakeAtMs: BOUGHT + 24 * HOUR_MS });
  if (waiting.kind === 'refused') throw new Error(waiting.reason);
  expect(told(waiting.state, BOUGHT + 5, { kind: 'charged', invoice: UPGRADED, outcome: PAID })).toMatchObject({
    phase: { kind: 'active' },
    terms: { planVersionId: 'team-1' },
  });
  const givenUp = told(waiting.state, BOUGHT + 24 * HOUR_MS, { kind: 'tick' });
  expect(told(givenUp, BOUGHT + 24 * HOUR_MS, { kind: 'voided', invoice: UPGRADED }).phase).toEqual({ kind: 'active' });
});

test('a payment that comes after the end of its period buys one from now', () => {
  const lateMs = at('2027-05-09T00:00:00Z');

  const { period } = told(paying, lateMs, { kind: 'charged', invoice: RENEWED, outcome: PAID });

  expect(period).toEqual({ anchorMs: lateMs, firstMonth: 0, months: 1 });
});

test('a period that passed unpaid is skipped, and the one in force is ordered, overdue since the first decline', () => {
  const overMs = at('2027-05-02T00:00:00Z');
  const passed = told(pastDue, overMs, { kind: 'tick' });

  const { phase } = told(passed, overMs, { kind: 'voided', invoice: RENEWED });

  expect(phase).toMatchObject({
    kind: 'paying',
    overdueSinceMs: RENEWAL,
    order: { invoice: 'period:2027-03-01T00:00:00.000Z:2' },
  });
});

test('money that arrives for a void invoice is given back once', () => {
  const late = { kind: 'charged', invoice: RENEWED, outcome: PAID } as const;
  const owing = stepSubscription(ended, late, RENEWAL + HOUR_MS);
  if (owing.kind === 'refused') throw new Error(owing.reason);

  expect(owing.asks).toEqual([{ kind: 'refund', invoice: RENEWED }]);
  const even = told(owing.state, RENEWAL + HOUR_MS, { kind: 'refunded', invoice: RENEWED });
  expect(stepSubscription(even, late, RENEWAL + HOUR_MS)).toMatchObject({ state: even, asks: [] });
});

test('whose terms count: those that are paid, in grace no better ones, and none while it is paused or ended', () => {
  const laterMs = RENEWAL + HOUR_MS;
  const toTeam = told(obeyed(pastDue, upgrade, laterMs), laterMs, { kind: 'voided', invoice: RENEWED });
  const resuming = obeyed(paused, 'resume', laterMs);
  const declinedResume = told(resuming, laterMs, { kind: 'charged', invoice: 'purchase:resume', outcome: declined });
  const states = [active, paying, pastDue, toTeam, paused, resuming, declinedResume, ended];

  expect(states.map((state) => termsInForce(state, laterMs)?.planVersionId ?? null)).toEqual([
    'pro-1',
    'pro-1',
    'pro-1',
    'pro-1',
    null,
    null,
    null,
    null,
  ]);
});
