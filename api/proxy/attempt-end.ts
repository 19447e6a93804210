// How one upstream attempt can end. Everything that decides about failover, charge and the client's last bytes is in here.
import type { Failure } from '../../domain/failures.ts';
import type { AttemptOutcome } from '../../services/ledger/settlement-rows.ts';
import type { AnswerFacts, StreamReader, UpstreamError } from './dialect.ts';

export interface FailedAttempt {
  readonly kind: 'failed';
  readonly failure: Failure;
  readonly outcome: AttemptOutcome;
  /** The provider's own words, when it gave any. */
  readonly refusal: UpstreamError | null;
  /** The provider refused before it worked, or was never reached: it cost nothing. Otherwise unknown until its export. */
  readonly costFree: boolean;
}

export interface PlainAnswer {
  readonly kind: 'answered';
  readonly status: number;
  readonly body: Buffer;
  readonly facts: AnswerFacts;
  /** Content bytes that there is a client for. */
  readonly deliveredBytes: number;
}

export interface StreamedAnswer {
  readonly kind: 'streamed';
  /** complete: the provider finished. The others say who ended it before that; stopped: this gateway, which had to leave. */
  readonly how: 'complete' | 'cut' | 'client_gone' | 'credit_exhausted' | 'credit_unknown' | 'stopped';
  readonly reader: StreamReader;
  /** Content bytes handed to the client's socket. */
  readonly deliveredBytes: number;
  /** Events held back until settlement, as the provider sent them (latin1). */
  readonly held: string;
  readonly firstByteMs: number;
}

/** The client hung up on a plain answer after the provider had begun it. */
export interface AbandonedAnswer {
  readonly kind: 'abandoned';
}

/** This gateway had to leave before the provider's answer was there. */
export interface StoppedAttempt {
  readonly kind: 'stopped';
}

export type AttemptEnd = FailedAttempt | PlainAnswer | StreamedAnswer | AbandonedAnswer | StoppedAttempt;

/** Below this a key is no secret, and its letters are in every sentence. */
const SHORTEST_SECRET = 8;

/** Some providers repeat the key that they were given, and a refusal's words go on to the customer: a key of ours must not. */
export function withoutKey(end: AttemptEnd, channelKey: string): AttemptEnd {
  if (end.kind !== 'failed' || end.refusal === null || channelKey.length < SHORTEST_SECRET) return end;
  const { message, type, code, param } = end.refusal;
  const orNull = (word: string | null) => (word?.includes(channelKey) ? null : word);
  const words = { message: message.replaceAll(channelKey, '[key]'), type: orNull(type), code: orNull(code) };
  return { ...end, refusal: { ...end.refusal, ...words, param: orNull(param) } };
}
