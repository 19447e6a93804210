// An application under events in any order: nothing is decided twice or late, nothing is undone that was activated, and whoever must act next is
// the one whose clock runs.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EnterpriseTerms } from '../../domain/enterprise-terms.ts';
import {
  type Clock,
  newOnboarding,
  type Onboarding,
  type OnboardingEvent,
  type OnboardingWrite,
  SECOND_PERSON_ABOVE_CENTS,
  SECOND_PERSON_BELOW_PPM,
  stepOnboarding,
} from '../../domain/onboarding.ts';
import {
  askOf,
  PROVISIONING_STEPS,
  type ProvisioningFact,
  type StepAsk,
  type StepDone,
} from '../../domain/provisioning.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const TERMS: EnterpriseTerms = {
  creditLineCents: SECOND_PERSON_ABOVE_CENTS,
  netDays: 30,
  priceOfListPpm: 900_000,
  monthlyBudgetCents: null,
  allowedAddresses: [],
};
const LARGE: EnterpriseTerms = { ...TERMS, creditLineCents: SECOND_PERSON_ABOVE_CENTS + 1 };

/** Every day is a business day here. */
function clockAt(nowMs: number): Clock {
  return { nowMs, businessTimeAfter: (fromMs, spanMs) => fromMs + spanMs };
}

class World {
  state: Onboarding = newOnboarding();
  nowMs = 0;
  readonly writes: OnboardingWrite[] = [];

  take(event: OnboardingEvent): string {
    const result = stepOnboarding(this.state, event, clockAt(this.nowMs));
    if (result.kind === 'refused') return result.reason;
    if (result.wakeAtMs !== null) expect(result.wakeAtMs).toBeGreaterThan(this.nowMs);
    this.state = result.state;
    this.writes.push(...result.writes);
    return this.stage;
  }

  days(count: number): string {
    this.nowMs += count * DAY_MS;
    return this.take({ kind: 'tick' });
  }

  approve(level: number, terms: EnterpriseTerms | null, formRevision = this.state.formRevision): string {
    return this.take({ kind: 'decided', decision: { formRevision, level, kind: 'approve', terms, reason: null } });
  }

  say(kind: 'ask' | 'reject', level = 1): string {
    const { formRevision } = this.state;
    return this.take({ kind: 'decided', decision: { formRevision, level, kind, terms: null, reason: 'why?' } });
  }

  get stage(): string {
    return this.state.stage.kind;
  }

  get ask(): StepAsk | null {
    const { stage } = this.state;
    return 'saga' in stage ? askOf(stage.saga, this.nowMs) : null;
  }

  /** Steps that succeed, while any is asked for. */
  provision(): string[] {
    const made: string[] = [];
    for (let ask = this.ask; ask !== null; ask = this.ask) {
      this.take(answer(ask));
      made.push(ask.kind === 'do' ? ask.step : `-${ask.done.step}`);
    }
    return made;
  }
}

function done(step: StepDone['step']): StepDone {
  switch (step) {
    case 'contract':
      return { step, contractId: 'c', planVersionIdBefore: null };
    case 'budget':
      return { step, capsBefore: [] };
    case 'activate':
      return { step, subscriptionId: null, creditedCents: 0 };
    case 'welcome':
      return { step, validUntil: '2027-01-01T00:00:00Z' };
    default:
      return { step };
  }
}

function answer(ask: StepAsk): ProvisioningFact {
  if (ask.kind === 'undo') return { kind: 'step_undone', step: ask.done.step };
  return { kind: 'step_done', done: done(ask.step) };
}

const DEFECT = { code: 'defect', detail: 'because' } as const;

function failed(ask: StepAsk, isRefused = false): ProvisioningFact {
  if (ask.kind === 'undo') return { kind: 'undo_failed', step: ask.done.step, why: DEFECT };
  return { kind: 'step_failed', step: ask.step, why: DEFECT, isRefused };
}

function submitted(): World {
  const world = new World();
  world.take({ kind: 'submitted' });
  return world;
}

test('while it is ours, business is reminded after one day and two, and the head every day from the third on', () => {
  const world = submitted();

  for (let day = 0; day < 5; day += 1) world.days(1);

  expect(world.writes).toEqual([
    { kind: 'received' },
    { kind: 'waits', whom: 'business', reminder: 1 },
    { kind: 'waits', whom: 'business', reminder: 2 },
    { kind: 'waits', whom: 'head', reminder: 3 },
    { kind: 'waits', whom: 'head', reminder: 4 },
    { kind: 'waits', whom: 'head', reminder: 5 },
  ]);
});

test('whoever looks four days late reminds once, of the last', () => {
  const world = submitted();

  world.days(4);

  expect(world.writes.slice(1)).toEqual([{ kind: 'waits', whom: 'head', reminder: 4 }]);
});

test('nobody is reminded of what is decided already, however late that is looked at', () => {
  const world = submitted();
  world.nowMs += 5 * DAY_MS;

  world.approve(1, TERMS);

  expect(world.writes).toEqual([{ kind: 'received' }]);
});

test('it expires after fourteen days in which the applicant does not answer, and never while it is ours', () => {
  const ours = submitted();
  const asked = submitted();
  ours.days(100);
  asked.days(10);
  asked.say('ask');

  const reminded = asked.days(11);
  const expired = asked.days(3);

  expect([ours.stage, reminded, expired]).toEqual(['in_review', 'info_requested', 'expired']);
  expect(asked.writes.slice(-3).map((write) => [write.kind, 'isReminder' in write && write.isReminder])).toEqual([
    ['asked', false],
    ['asked', true],
    ['expired', false],
  ]);
});

test('an answer begins another revision, under which what was decided before counts no more', () => {
  const world = submitted();
  world.say('ask');
  world.days(13);
  world.take({ kind: 'submitted' });

  const stale = world.approve(1, TERMS, 1);
  const fresh = world.approve(1, TERMS, 2);

  expect([stale, fresh]).toEqual(['stale_revision', 'provisioning']);
});

test('a credit line above the limit, or a price that is low, needs a second person, who agrees to the same terms', () => {
  const small = submitted();
  const large = submitted();

  const alone = small.approve(1, TERMS);
  const first = large.approve(1, LARGE);
  const again = large.approve(1, LARGE);
  const other = large.approve(2, TERMS);
  const second = large.approve(2, null);

  expect([alone, first, again, other, second]).toEqual([
    'provisioning',
    'in_review',
    'wrong_level',
    'terms_not_wanted',
    'provisioning',
  ]);
  expect(large.state.approved).toEqual({ formRevision: 1, terms: LARGE });
  const at = (priceOfListPpm: number) => submitted().approve(1, { ...TERMS, priceOfListPpm });
  expect([at(SECOND_PERSON_BELOW_PPM - 1), at(SECOND_PERSON_BELOW_PPM)]).toEqual(['in_review', 'provisioning']);
});

test.each(PROVISIONING_STEPS.slice(0, 5))(
  'what cannot do %s takes back all before it, newest first, and is decided anew',
  (failing) => {
    const world = submitted();
    world.approve(1, TERMS);
    for (let ask = world.ask; ask?.kind === 'do' && ask.step !== failing; ask = world.ask) world.take(answer(ask));

    world.take(failed(world.ask as StepAsk, true));
    const undone = world.provision();
    const again = world.approve(3, null);
    const made = world.provision();

    const before = PROVISIONING_STEPS.slice(0, PROVISIONING_STEPS.indexOf(failing));
    expect(undone).toEqual(before.toReversed().map((step) => `-${step}`));
    expect([again, made, world.stage]).toEqual(['provisioning', [...PROVISIONING_STEPS], 'active']);
  },
);

test('a step that fails is tried three times; an undo, or a welcome, until it is made', () => {
  const tries = (world: World) => {
    let count = 0;
    for (const first = JSON.stringify(world.ask); JSON.stringify(world.ask) === first && count < 20; count += 1) {
      world.take(failed(world.ask as StepAsk));
      world.nowMs += 6 * MINUTE_MS;
    }
    return count;
  };
  const world = submitted();
  world.approve(1, TERMS);
  world.take(answer(world.ask as StepAsk));

  const forward = tries(world);
  const back = tries(world);

  expect([forward, back]).toEqual([3, 20]);
});

const facts = fc.constantFrom('answer', 'fail', 'refuse', 'wait', 'late');
const events = fc.oneof(
  fc.record({ kind: fc.constant('days' as const), count: fc.integer({ min: 0, max: 15 }) }),
  fc.record({ kind: fc.constantFrom('submitted' as const, 'withdrawn' as const) }),
  fc.record({
    kind: fc.constant('decided' as const),
    how: fc.constantFrom('approve' as const, 'ask' as const, 'reject' as const),
    level: fc.integer({ min: 1, max: 5 }),
    isStale: fc.boolean(),
    terms: fc.constantFrom(null, TERMS, LARGE),
  }),
  fc.record({ kind: fc.constant('saga' as const), fact: facts }),
);
const ENDS = ['rejected', 'withdrawn', 'expired'];

test('whatever comes in whatever order, ends are ends, what is active stays, and what is undone was made last', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 60 }), (course) => {
      const world = new World();
      const made: string[] = [];
      for (const one of course) {
        const before = world.state;
        const ask = world.ask;
        if (one.kind === 'days') world.days(one.count);
        else if (one.kind === 'decided') {
          const formRevision = before.formRevision - (one.isStale ? 1 : 0);
          const decision = { formRevision, level: one.level, kind: one.how, terms: one.terms, reason: 'why' };
          const outcome = world.take({ kind: 'decided', decision });
          if (one.isStale) expect(outcome).toMatch(/^(wrong_state|stale_revision)$/);
        } else if (one.kind === 'saga') {
          world.nowMs += MINUTE_MS;
          if (one.fact === 'late') world.take({ kind: 'step_done', done: done('activate') });
          else if (ask !== null) follow(world, ask, one.fact, made);
        } else world.take({ kind: one.kind });

        if (ENDS.includes(before.stage.kind)) expect(world.state).toBe(before);
        if (before.stage.kind === 'active') expect(world.stage).toBe('active');
        expect(world.state.formRevision).toBeGreaterThanOrEqual(before.formRevision);
        if (world.state !== before) expect(world.state.revision).toBe(before.revision + 1);
        if (world.stage === 'active') expect(world.state.approved?.formRevision).toBe(world.state.formRevision);
      }
      const { stage } = world.state;
      if ('saga' in stage) expect(stage.saga.done.map(({ step }) => step)).toEqual(made);
      else expect(made).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

function follow(world: World, ask: StepAsk, how: string, made: string[]): void {
  if (world.ask === null) return;
  if (how === 'answer') {
    world.take(answer(ask));
    if (ask.kind === 'do') made.push(ask.step);
    else expect(made.pop()).toBe(ask.done.step);
  } else if (how === 'wait' && ask.kind === 'do') {
    world.take({ kind: 'step_waits', step: ask.step, why: DEFECT, needsPerson: false });
  } else world.take(failed(ask, how === 'refuse'));
}
