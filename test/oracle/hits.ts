// When a gateway was down: killed, paused, or fenced because it was silent.
import type { Answer, Facts, Hit } from './facts.ts';

// The kill log and the client's log are stamped by two processes of one machine, and a death is seen a little after it happened.
const SLACK_MS = 2_000;

/** @param incarnationId null: nobody knows which gateway served it, so any will do. */
export function wasHitDuring(facts: Facts, answer: Answer, incarnationId: string | null): boolean {
  const untilMs = answer.atMs + answer.durationMs;
  const pid = facts.incarnations.find(({ id }) => id === incarnationId)?.pid;
  return hits(facts).some(
    (hit) =>
      hit.fromMs - SLACK_MS <= untilMs &&
      hit.untilMs + SLACK_MS >= answer.atMs &&
      (pid === undefined || hit.pid === pid),
  );
}

/** A gateway that was silent for 90 s stopped some time after its last renewal. */
function hits(facts: Facts): Hit[] {
  const silences = facts.incarnations.flatMap(({ pid, renewedAtMs, fencedAtMs, fencedReason }) =>
    fencedAtMs === null || fencedReason === 'process died' ? [] : [{ pid, fromMs: renewedAtMs, untilMs: fencedAtMs }],
  );
  return [...(facts.hits ?? []), ...silences];
}
