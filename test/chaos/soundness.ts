// Whether a request ended as it should: complete, or as its client, its money, its own fault or the fault of a part demanded, and in
// no other way.
import type { AnswerLine } from '../support/load-driver/exchange.ts';
import type { KillEvent } from './kill-log.ts';

// Faults that no failover hides: the answer has begun, every attempt meets them, or the end itself is taken away.
const SHOWS = /^(cut|end|error-mid|wrong-length|no-done)/;
const REFUSED_BY_PROVIDER = /^status=400/;
/** An error blames the upstream where that is at fault; it has other words for what is ours. */
const BLAMES_UPSTREAM = /upstream/i;
const OUT_OF_MONEY = /the balance|spending cap|cap of the|hold it at this moment/i;
const BLAMES_DATABASE = /the ledger did not answer|the database|cannot take new requests/i;
/** Breakers close again, and gateways renew their lease of life. */
const RECOVERS_WITHIN_MS = 10_000;

/** @param mayRunOut whether its key's credit or caps are meant to run out */
export function isSound(answer: AnswerLine, mayRunOut: boolean, events: readonly KillEvent[]): boolean {
  const { status, terminatorSeen, abortedByClient, faultAsked, errorCode, errorMessage } = answer;
  if (abortedByClient || (terminatorSeen && status === 200)) return true;
  if (REFUSED_BY_PROVIDER.test(faultAsked ?? '') && status === 400) return true;
  // Cut behind its finish it is whole, and only its terminator is missing.
  const isWhole = status === 200 && errorCode === null;
  if (SHOWS.test(faultAsked ?? '') && (isWhole || BLAMES_UPSTREAM.test(errorMessage ?? ''))) return true;
  if (status >= 500 && BLAMES_DATABASE.test(errorMessage ?? '')) return wasAway(answer, ['postgres', 'link'], events);
  if (status >= 500 && BLAMES_UPSTREAM.test(errorMessage ?? '')) return wasAway(answer, ['demo'], events);
  return mayRunOut && OUT_OF_MONEY.test(errorMessage ?? '');
}

function wasAway({ at, ms }: AnswerLine, parts: readonly KillEvent['target'][], events: readonly KillEvent[]): boolean {
  return events.some(
    (event) => parts.includes(event.target) && event.at <= at + ms && at <= event.untilMs + RECOVERS_WITHIN_MS,
  );
}
