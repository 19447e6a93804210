// When a gateway was down: killed, paused, or fenced because it was silent. And when the provider was.
import type { Answer, Facts, Hit } from './facts.ts';
import type { JoinedFacts } from './joined-facts.ts';

// The kill log and the client's log are stamped by two processes of one machine, and a death is seen a little after it happened.
const SLACK_MS = 2_000;

/** @param incarnationId null: nobody knows which gateway served it, so any of the installation that it was sent to. */
export function wasHitDuring(facts: JoinedFacts, answer: Answer, incarnationId: string | null): boolean {
  const own = facts.incarnations.find(({ id }) => id === incarnationId);
  if (incarnationId !== null && own === undefined) return false;
  return gatewayHits(facts).some(
    ({ pid, ...hit }) =>
      overlaps(hit, answer) &&
      (own === undefined ? (facts.apiOfPid.get(pid) ?? answer.api) === answer.api : pid === own.pid),
  );
}

export function wasProviderHitDuring(facts: Facts, answer: Answer): boolean {
  return (facts.hits ?? []).some((hit) => hit.target === 'demo' && overlaps(hit, answer));
}

/**
 * A gateway that was fenced stopped some time after its last renewal: it was silent for 90 s, or gave up by itself at 60 s. One that
 * died by a mistake of its own is excused by this too, and is a death that nobody asked for (test/chaos/unasked-deaths.ts).
 */
function gatewayHits(facts: Facts): Omit<Hit, 'target'>[] {
  const silences = facts.incarnations.flatMap(({ pid, renewedAtMs, fencedAtMs }) =>
    fencedAtMs === null ? [] : [{ pid, fromMs: renewedAtMs, untilMs: fencedAtMs }],
  );
  return [...(facts.hits ?? []).filter(({ target }) => target === 'gateway'), ...silences];
}

function overlaps({ fromMs, untilMs }: Pick<Hit, 'fromMs' | 'untilMs'>, { atMs, durationMs }: Answer): boolean {
  return fromMs - SLACK_MS <= atMs + durationMs && untilMs + SLACK_MS >= atMs;
}
