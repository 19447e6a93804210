// What makes an enterprise of an organization, step by step; from `hold` to `activate` it stands still. Until `activate` everything can be taken back, newest first, and is if a step
// cannot be made; from then on there is only forward. A step that failed is tried again; one that is refused, or fails three times while
// PostgreSQL answers, is given up. What a step must know to be undone is its result.

import type { CapPeriod } from './periods.ts';

export const PROVISIONING_STEPS = ['settle', 'hold', 'contract', 'budget', 'activate', 'welcome'] as const;
export type ProvisioningStep = (typeof PROVISIONING_STEPS)[number];

/** As plain JSON. */
export type StepDone =
  | { readonly step: 'hold' | 'settle' }
  | { readonly step: 'contract'; readonly contractId: string; readonly planVersionIdBefore: string | null }
  | {
      readonly step: 'budget';
      readonly capsBefore: readonly { readonly period: CapPeriod; readonly amountNano: string }[];
    }
  | { readonly step: 'activate'; readonly subscriptionId: string | null; readonly creditedCents: number }
  | { readonly step: 'welcome'; readonly validUntil: string };

/** Why a step is not made. What is foreseen has a code, for which our pages have words (D123). */
export const OBSTACLES = [
  'renewal_owed',
  'payment_under_way',
  'contract_in_force',
  'contract_replaced',
  'defect',
] as const;

export interface Obstacle {
  readonly code: (typeof OBSTACLES)[number];
  /** Which subscription or organization it is about; of a defect, what it says. */
  readonly detail: string;
}

/** The step that could not be made, so that all before it was taken back. */
export interface GivenUp extends Obstacle {
  readonly step: ProvisioningStep;
}

export const ATTENTIONS = ['waits', 'fails', 'undo_fails'] as const;

export interface ProvisioningAttention extends Obstacle {
  readonly kind: (typeof ATTENTIONS)[number];
  readonly step: ProvisioningStep;
}

export interface Provisioning {
  /** Of this application: what it made before was undone. */
  readonly attempt: number;
  readonly course: 'forward' | 'back' | 'undone';
  readonly done: readonly StepDone[];
  /** Of the step that it is at, in a row. */
  readonly failures: number;
  readonly retryAtMs: number | null;
  /** What it waits for, or what went wrong last, at this step. */
  readonly why: Obstacle | null;
  /** It waits for somebody's deed. */
  readonly needsPerson: boolean;
  /** Why it turned back; null: it has not. */
  readonly gaveUp: GivenUp | null;
}

export type ProvisioningFact =
  | { readonly kind: 'step_done'; readonly done: StepDone }
  /** It has to wait for something that ends by itself, or by somebody. */
  | {
      readonly kind: 'step_waits';
      readonly step: ProvisioningStep;
      readonly why: Obstacle;
      readonly needsPerson: boolean;
    }
  | {
      readonly kind: 'step_failed';
      readonly step: ProvisioningStep;
      readonly why: Obstacle;
      /** Trying again will not help. */
      readonly isRefused: boolean;
    }
  | { readonly kind: 'step_undone'; readonly step: ProvisioningStep }
  | { readonly kind: 'undo_failed'; readonly step: ProvisioningStep; readonly why: Obstacle };

export type StepAsk =
  | { readonly kind: 'do'; readonly step: ProvisioningStep; readonly attempt: number }
  | { readonly kind: 'undo'; readonly done: StepDone };

const MOST_FAILURES = 3;
const WAIT_MS = 60_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** An undo, or a welcome, that has failed so often is told to a person; it goes on all the same. */
const FAILURES_TO_TELL = 2;

export function beginProvisioning(attempt: number): Provisioning {
  const course = 'forward' as const;
  return { attempt, course, done: [], failures: 0, retryAtMs: null, why: null, needsPerson: false, gaveUp: null };
}

/** Repeated until it is answered; null: there is nothing to do, or not yet. */
export function askOf(saga: Provisioning, nowMs: number): StepAsk | null {
  if ((saga.retryAtMs ?? nowMs) > nowMs) return null;
  const { course, done, attempt } = saga;
  const last = done.at(-1);
  if (course !== 'forward') return last === undefined ? null : { kind: 'undo', done: last };
  const step = nextOf(saga);
  return step === null ? null : { kind: 'do', step, attempt };
}

/** What a person must see to; null: nothing. */
export function attentionOf(saga: Provisioning): ProvisioningAttention | null {
  const { course, failures, why, needsPerson } = saga;
  const step = nextOf(saga);
  if (why === null || step === null) return null;
  if (needsPerson) return { kind: 'waits', step, ...why };
  if (failures < FAILURES_TO_TELL) return null;
  return { kind: course === 'back' ? 'undo_fails' : 'fails', step, ...why };
}

/** What it is at; null: it has come to its end. */
export function nextOf({ course, done }: Provisioning): ProvisioningStep | null {
  if (course === 'forward') return PROVISIONING_STEPS[done.length] ?? null;
  return done.at(-1)?.step ?? null;
}

/** The customer is an enterprise: nothing of it is undone any more. */
export function isPastReturn({ done }: Provisioning): boolean {
  return done.some(({ step }) => step === 'activate');
}

export function provisioningStep(saga: Provisioning, fact: ProvisioningFact, nowMs: number): Provisioning {
  const isForward = fact.kind !== 'step_undone' && fact.kind !== 'undo_failed';
  const step = fact.kind === 'step_done' ? fact.done.step : fact.step;
  if (step !== nextOf(saga) || (saga.course === 'forward') !== isForward) return saga;
  const rested = { ...saga, failures: 0, retryAtMs: null, why: null, needsPerson: false };
  switch (fact.kind) {
    case 'step_done':
      return { ...rested, done: [...saga.done, fact.done] };
    case 'step_waits': {
      const { why, needsPerson } = fact;
      // Its keys stand still by now: whoever may take days waits while they work, before `hold`.
      const standsStill = saga.done.some((done) => done.step === 'hold');
      if (needsPerson && standsStill) return goingBack({ ...rested, gaveUp: { step, ...why } });
      return { ...rested, retryAtMs: nowMs + WAIT_MS, why, needsPerson };
    }
    case 'step_failed': {
      const failed = failing(saga, fact.why, nowMs);
      const isGivenUp = !isPastReturn(saga) && (fact.isRefused || failed.failures >= MOST_FAILURES);
      return isGivenUp ? goingBack({ ...rested, gaveUp: { step: fact.step, ...fact.why } }) : failed;
    }
    case 'step_undone':
      return goingBack({ ...rested, done: saga.done.slice(0, -1) });
    case 'undo_failed':
      return failing(saga, fact.why, nowMs);
  }
}

function goingBack(saga: Provisioning): Provisioning {
  return { ...saga, course: saga.done.length === 0 ? 'undone' : 'back' };
}

function failing(saga: Provisioning, why: Obstacle, nowMs: number): Provisioning {
  const failures = saga.failures + 1;
  const retryAtMs = nowMs + Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
  return { ...saga, failures, retryAtMs, why, needsPerson: false };
}
