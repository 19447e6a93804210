// How an organization becomes an enterprise: its application is written, submitted, reviewed by people of ours, and provisioned, or ends before.
// Whose turn it is decides which clock runs: while it is ours we are reminded in business time, while it is the applicant's the
// application expires. What people decide are rows that exist before they come here; what is provisioned follows the approved terms alone.
import type { EnterpriseTerms } from './enterprise-terms.ts';
import { DAY_MS, earliest } from './moments.ts';
import { type Refused, refuse, type Stepped } from './process-step.ts';
import {
  askOf,
  beginProvisioning,
  type GivenUp,
  isPastReturn,
  type Provisioning,
  type ProvisioningFact,
  provisioningStep,
  type StepAsk,
} from './provisioning.ts';

export interface Onboarding {
  readonly revision: number;
  /** Of the form: counts what was submitted. */
  readonly formRevision: number;
  readonly stage: Stage;
  readonly approved: Approved | null;
}

export interface Approved {
  readonly formRevision: number;
  readonly terms: EnterpriseTerms;
}

export type Stage =
  | { readonly kind: 'draft' }
  | InReview
  | {
      readonly kind: 'info_requested';
      readonly question: string;
      /** Null: the applicant was reminded. */
      readonly remindAtMs: number | null;
      readonly expiresAtMs: number;
    }
  | { readonly kind: 'provisioning'; readonly saga: Provisioning }
  /** Its saga goes on until the customer is welcomed. */
  | { readonly kind: 'active'; readonly saga: Provisioning }
  | { readonly kind: 'rejected' | 'withdrawn' | 'expired' };

interface InReview {
  readonly kind: 'in_review';
  /** 1: a first person. 2: another one, for a large credit line or a low price. From 3 on: what was provisioned had to be undone (`failure`). */
  readonly level: number;
  readonly failure: GivenUp | null;
  readonly reminders: number;
  readonly remindAtMs: number;
}

/** Above it a second person must agree. */
export const SECOND_PERSON_ABOVE_CENTS = 1_000_000;
/** Below it, too: a model that is sold at the least margin of the plan, 20 %, keeps less than the floor of 5 % (D111). */
export const SECOND_PERSON_BELOW_PPM = 842_106;
const ANSWER_WITHIN_MS = 14 * DAY_MS;
const REMIND_BEFORE_MS = 3 * DAY_MS;
/** Business time between two reminders of ours; the third and all that follow go to the head. */
const REMIND_EVERY_MS = DAY_MS;
const HEAD_FROM = 3;

export interface Decision {
  readonly formRevision: number;
  readonly level: number;
  readonly kind: 'approve' | 'ask' | 'reject';
  /** Of a first approval; later ones agree to the same. */
  readonly terms: EnterpriseTerms | null;
  /** What is asked, or why it is rejected. */
  readonly reason: string | null;
}

export type OnboardingEvent =
  | { readonly kind: 'tick' }
  | { readonly kind: 'submitted' }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'decided'; readonly decision: Decision }
  | ProvisioningFact;

export type OnboardingRefusal = 'wrong_state' | 'stale_revision' | 'wrong_level' | 'terms_missing' | 'terms_not_wanted';

/** What people are told, once each. */
export type OnboardingWrite =
  | { readonly kind: 'received' }
  | { readonly kind: 'asked'; readonly question: string; readonly answerByMs: number; readonly isReminder: boolean }
  | { readonly kind: 'waits'; readonly whom: 'business' | 'head'; readonly reminder: number }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'expired' };

export type OnboardingResult = Stepped<Onboarding, OnboardingWrite, StepAsk> | Refused<OnboardingRefusal>;

export interface Clock {
  readonly nowMs: number;
  /** So much business time after a moment: the calendar is the caller's. */
  readonly businessTimeAfter: (fromMs: number, spanMs: number) => number;
}

export function newOnboarding(): Onboarding {
  return { revision: 1, formRevision: 0, stage: { kind: 'draft' }, approved: null };
}

export function stepOnboarding(before: Onboarding, event: OnboardingEvent, clock: Clock): OnboardingResult {
  const told = learned(expired({ state: before, writes: [] }, clock), event, clock);
  if ('reason' in told) return told;
  const { state: after, writes } = timePassed(told, clock);
  const state = after === before ? before : { ...after, revision: before.revision + 1 };
  return {
    kind: 'stepped',
    state,
    writes,
    asks: asksOf(state, clock.nowMs),
    wakeAtMs: wakeAt(state, clock.nowMs),
  };
}

interface Course {
  readonly state: Onboarding;
  readonly writes: readonly OnboardingWrite[];
}

function entering({ state, writes }: Course, stage: Stage, ...more: readonly OnboardingWrite[]): Course {
  return { state: { ...state, stage }, writes: [...writes, ...more] };
}

/** Before anything else: an answer that comes later is none. */
function expired(course: Course, { nowMs }: Clock): Course {
  const { stage } = course.state;
  const isOver = stage.kind === 'info_requested' && stage.expiresAtMs <= nowMs;
  return isOver ? entering(course, { kind: 'expired' }, { kind: 'expired' }) : course;
}

/** After anything else: nobody is reminded of what is decided by now. */
function timePassed(course: Course, clock: Clock): Course {
  const { stage } = course.state;
  const { nowMs } = clock;
  if (stage.kind === 'in_review' && stage.remindAtMs <= nowMs) return reminded(course, stage, clock);
  if (stage.kind !== 'info_requested') return course;
  if (stage.remindAtMs === null || stage.remindAtMs > nowMs) return course;
  const { question, expiresAtMs: answerByMs } = stage;
  const again = { kind: 'asked', question, answerByMs, isReminder: true } as const;
  return entering(course, { ...stage, remindAtMs: null }, again);
}

/** Whoever comes late tells of the last one alone. */
function reminded(course: Course, stage: InReview, { nowMs, businessTimeAfter }: Clock): Course {
  let { reminders, remindAtMs } = stage;
  while (remindAtMs <= nowMs) {
    reminders += 1;
    remindAtMs = businessTimeAfter(remindAtMs, REMIND_EVERY_MS);
  }
  const whom = reminders < HEAD_FROM ? 'business' : 'head';
  return entering(course, { ...stage, reminders, remindAtMs }, { kind: 'waits', whom, reminder: reminders });
}

function learned(course: Course, event: OnboardingEvent, clock: Clock): Course | Refused<OnboardingRefusal> {
  const { state } = course;
  const { stage } = state;
  switch (event.kind) {
    case 'tick':
      return course;
    case 'submitted': {
      if (stage.kind !== 'draft' && stage.kind !== 'info_requested') return refuse('wrong_state');
      const submitted = { ...course, state: { ...state, formRevision: state.formRevision + 1, approved: null } };
      return entering(submitted, underReview(1, null, clock), { kind: 'received' });
    }
    case 'withdrawn': {
      const isOpen = stage.kind === 'draft' || stage.kind === 'in_review' || stage.kind === 'info_requested';
      return isOpen ? entering(course, { kind: 'withdrawn' }) : refuse('wrong_state');
    }
    case 'decided':
      return decided(course, event.decision, clock);
    default:
      return provisioned(course, event, clock);
  }
}

function underReview(level: number, failure: GivenUp | null, { nowMs, businessTimeAfter }: Clock): InReview {
  return { kind: 'in_review', level, failure, reminders: 0, remindAtMs: businessTimeAfter(nowMs, REMIND_EVERY_MS) };
}

function decided(course: Course, decision: Decision, clock: Clock): Course | Refused<OnboardingRefusal> {
  const { stage, formRevision } = course.state;
  if (stage.kind !== 'in_review') return refuse('wrong_state');
  if (decision.formRevision !== formRevision) return refuse('stale_revision');
  if (decision.level !== stage.level) return refuse('wrong_level');
  const reason = decision.reason ?? '';
  switch (decision.kind) {
    case 'reject':
      return entering(course, { kind: 'rejected' }, { kind: 'rejected', reason });
    case 'ask': {
      const expiresAtMs = clock.nowMs + ANSWER_WITHIN_MS;
      const asked = { kind: 'info_requested', question: reason, remindAtMs: expiresAtMs - REMIND_BEFORE_MS } as const;
      const told = { kind: 'asked', question: reason, answerByMs: expiresAtMs, isReminder: false } as const;
      return entering(course, { ...asked, expiresAtMs }, told);
    }
    case 'approve':
      return approved(course, stage, decision);
  }
}

function approved(course: Course, stage: InReview, { level, terms }: Decision): Course | Refused<OnboardingRefusal> {
  const { state } = course;
  const isFirst = level === 1;
  const agreed = isFirst ? terms : (state.approved?.terms ?? null);
  if (agreed === null) return refuse('terms_missing');
  if (!isFirst && terms !== null) return refuse('terms_not_wanted');
  const decided = { ...course, state: { ...state, approved: { formRevision: state.formRevision, terms: agreed } } };
  // The clock that reminds us goes on: for the applicant it is one wait.
  if (isFirst && takesTwo(agreed)) return entering(decided, { ...stage, level: 2 });
  return entering(decided, { kind: 'provisioning', saga: beginProvisioning(Math.max(level - 1, 1)) });
}

function takesTwo({ creditLineCents, priceOfListPpm }: EnterpriseTerms): boolean {
  return creditLineCents > SECOND_PERSON_ABOVE_CENTS || priceOfListPpm < SECOND_PERSON_BELOW_PPM;
}

/** A fact that comes late, or twice, changes nothing. */
function provisioned(course: Course, fact: ProvisioningFact, clock: Clock): Course {
  const { stage } = course.state;
  if (!('saga' in stage)) return course;
  const { saga } = stage;
  const after = provisioningStep(saga, fact, clock.nowMs);
  if (after === saga) return course;
  if (after.course === 'undone') return entering(course, underReview(2 + after.attempt, after.gaveUp, clock));
  return entering(course, { kind: isPastReturn(after) ? 'active' : 'provisioning', saga: after });
}

function asksOf({ stage }: Onboarding, nowMs: number): StepAsk[] {
  const ask = 'saga' in stage ? askOf(stage.saga, nowMs) : null;
  return ask === null ? [] : [ask];
}

function wakeAt({ stage }: Onboarding, nowMs: number): number | null {
  switch (stage.kind) {
    case 'in_review':
      return stage.remindAtMs;
    case 'info_requested':
      return earliest([stage.remindAtMs, stage.expiresAtMs]);
    case 'provisioning':
    case 'active': {
      const { retryAtMs } = stage.saga;
      return retryAtMs !== null && retryAtMs > nowMs ? retryAtMs : null;
    }
    default:
      return null;
  }
}
