// A rotation of an API key: until when the credential that was replaced works beside the new one, when whoever still uses it is reminded, and how
// that ends. The gateways judge the end by themselves, from the row; what happens here is told to people and brought to an end in the books (D130).
import { DAY_MS, earliestAfter, HOUR_MS } from './moments.ts';
import { type Refused, refuse, type Stepped } from './process-step.ts';

export const LONGEST_OVERLAP_HOURS = 30 * 24;

/** `over`: the overlap was. `leaked`: the replaced credential was found elsewhere, or the key that has it was frozen and rolled. */
export type RotationEnd = 'over' | 'ended_now' | 'taken_back' | 'leaked';

export interface ApiKeyRotation {
  readonly revision: number;
  readonly startedAtMs: number;
  /** From then on the replaced credential is refused. */
  readonly endsAtMs: number;
  /** Reminders whose time had come by then were sent, or had nobody to go to. */
  readonly remindedToMs: number;
  readonly ended: { readonly how: RotationEnd; readonly atMs: number } | null;
}

export type RotationEvent =
  /** Time has passed. `usedAtMs`: when the replaced credential was last used, as the gateways have told; null: not since the rotation. */
  | { readonly kind: 'tick'; readonly usedAtMs: number | null }
  /** Counted from its start. */
  | { readonly kind: 'extend'; readonly overlapHours: number }
  | { readonly kind: 'end'; readonly how: Exclude<RotationEnd, 'over'> };

/** It was used within the day, and works no longer than this. */
export interface RotationReminder {
  readonly kind: 'remind';
  readonly endsAtMs: number;
  readonly usedAtMs: number;
}

export type RotationRefusal = 'has_ended' | 'not_longer' | 'too_long';
export type RotationResult = Stepped<ApiKeyRotation, RotationReminder, never> | Refused<RotationRefusal>;

/** Before its end. Whoever takes an hour sits beside it, and is not written to. */
const REMINDERS_MS = [7 * DAY_MS, DAY_MS, HOUR_MS];
const STILL_USED_MS = DAY_MS;

export function newApiKeyRotation(overlapHours: number, nowMs: number): ApiKeyRotation {
  const endsAtMs = nowMs + overlapHours * HOUR_MS;
  const ended = overlapHours === 0 ? ({ how: 'over', atMs: nowMs } as const) : null;
  return { revision: 1, startedAtMs: nowMs, endsAtMs, remindedToMs: nowMs, ended };
}

export function stepApiKeyRotation(before: ApiKeyRotation, event: RotationEvent, nowMs: number): RotationResult {
  if (event.kind === 'tick') {
    const state = timePassed(before, nowMs);
    return stepped(before, state, remindersOf(before, state, event.usedAtMs, nowMs), nowMs);
  }
  // Nobody may have noticed yet that it is over.
  if (before.ended !== null || before.endsAtMs <= nowMs) return refuse('has_ended');
  if (event.kind === 'end') return stepped(before, { ...before, ended: { how: event.how, atMs: nowMs } }, [], nowMs);
  if (event.overlapHours > LONGEST_OVERLAP_HOURS) return refuse('too_long');
  const endsAtMs = before.startedAtMs + event.overlapHours * HOUR_MS;
  if (endsAtMs <= before.endsAtMs) return refuse('not_longer');
  return stepped(before, { ...before, endsAtMs, remindedToMs: nowMs }, [], nowMs);
}

/** When time alone changes something; null: it has ended. */
export function wakeOfRotation({ startedAtMs, endsAtMs, ended }: ApiKeyRotation, nowMs: number): number | null {
  if (ended !== null) return null;
  return earliestAfter(nowMs, [...remindersWithin(startedAtMs, endsAtMs), endsAtMs]) ?? endsAtMs;
}

function timePassed(before: ApiKeyRotation, nowMs: number): ApiKeyRotation {
  if (before.ended !== null) return before;
  if (before.endsAtMs <= nowMs) return { ...before, ended: { how: 'over', atMs: before.endsAtMs } };
  return dueReminders(before, nowMs).length === 0 ? before : { ...before, remindedToMs: nowMs };
}

/** One, however many were missed. */
function remindersOf(
  before: ApiKeyRotation,
  { ended, endsAtMs }: ApiKeyRotation,
  usedAtMs: number | null,
  nowMs: number,
): RotationReminder[] {
  const isUsed = usedAtMs !== null && usedAtMs > nowMs - STILL_USED_MS;
  if (ended !== null || !isUsed || dueReminders(before, nowMs).length === 0) return [];
  return [{ kind: 'remind', endsAtMs, usedAtMs }];
}

function dueReminders({ startedAtMs, endsAtMs, remindedToMs }: ApiKeyRotation, nowMs: number): number[] {
  return remindersWithin(startedAtMs, endsAtMs).filter((atMs) => atMs > remindedToMs && atMs <= nowMs);
}

function remindersWithin(startedAtMs: number, endsAtMs: number): number[] {
  return REMINDERS_MS.map((aheadMs) => endsAtMs - aheadMs).filter((atMs) => atMs > startedAtMs);
}

function stepped(
  before: ApiKeyRotation,
  changed: ApiKeyRotation,
  writes: readonly RotationReminder[],
  nowMs: number,
): RotationResult {
  const state = changed === before ? before : { ...changed, revision: before.revision + 1 };
  return { kind: 'stepped', state, writes, asks: [], wakeAtMs: wakeOfRotation(state, nowMs) };
}
