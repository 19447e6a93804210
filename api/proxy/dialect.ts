// The seam between the steps of a request and the wire formats. A format is one Dialect; the steps (admit, send, relay,
// settle) know none by name. Same dialect in and out: whatever is not named here passes byte for byte.
import type { IncomingHttpHeaders } from 'node:http';
import type { TollgateError } from '../../domain/errors.ts';
import type { Usage } from '../../domain/meters.ts';
import type { DialectId } from '../../services/channels/routing-table.ts';

/** What routing, admission and billing need of a request. A dialect's own facts also carry the offsets that it splices at. */
export interface RequestFacts {
  readonly modelId: string;
  readonly streamed: boolean;
  /** The cap that the client asked for; null when it asked for none. */
  readonly askedOutputTokens: number | null;
  /** A thinking budget, or a floor of the provider's, that a lowered cap must not undercut; else 1 (0 without output). */
  readonly minimumOutputTokens: number;
  /** How many answers the provider will generate, each up to the cap. */
  readonly answers: number;
  /** UTF-8 bytes of the text that the provider counts as input: system, messages, tool definitions as JSON text. No media. */
  readonly contentBytes: number;
  /** The client itself asked for the usage chunk, so it may see it. */
  readonly wantsUsageChunk: boolean;
}

export interface RewriteOrder {
  readonly upstreamModel: string;
  /** null leaves the cap as it was asked. */
  readonly outputCap: number | null;
  /** The name under which a missing cap is inserted; a cap that the client sent keeps its name. null: the dialect's own. */
  readonly outputCapField: 'max_tokens' | 'max_completion_tokens' | null;
}

export interface AnswerFacts {
  readonly usage: Usage | null;
  /** The provider's usage cannot be true (negative, fractional, a string, beyond MAX_METER): quarantine, never charge it. */
  readonly usageImplausible: boolean;
  /** Its parts do not add up to its whole, and were made to: charged, but somebody should look at that provider. */
  readonly usageRepaired: boolean;
  readonly contentBytes: number;
  /** No text, no tool call, and a plain stop: the customer owes nothing. Cut by its cap or by a filter is not empty. */
  readonly empty: boolean;
  readonly error: UpstreamError | null;
}

/** What a provider said went wrong: scrubbed of credentials and addresses, bounded, fit for a customer's eyes. */
export interface UpstreamError {
  /** The HTTP status; 200 for an error inside a 2xx answer or stream, which has only type and code. */
  readonly status: number;
  readonly type: string | null;
  readonly code: string | null;
  readonly param: string | null;
  readonly message: string;
}

/** Reads along with one streamed answer and changes nothing. Plain fields, complete from birth. */
export interface StreamReader {
  /**
   * text: complete events as bytes decoded latin1. Returns the offset from which everything must be held back until
   * settlement (text.length: nothing): the event that finishes the last answer, ends the stream, or carries the
   * upstream's error. After it once returned less, every later scan returns 0 and still reads.
   */
  scan(text: string): number;
  /** Before `finished` a running figure (Anthropic's message_start says 1 output token); the last one seen counts. */
  usage: Usage | null;
  usageImplausible: boolean;
  usageRepaired: boolean;
  /** UTF-8 bytes of answer text so far: content, reasoning, tool arguments, refusal; JSON escapes decoded. */
  contentBytes: number;
  /** Anything that makes the answer not empty (see AnswerFacts.empty). */
  sawContent: boolean;
  /** finish_reason of the last answer, stop_reason, or response.completed. */
  finished: boolean;
  /** [DONE], message_stop, or response.completed. */
  ended: boolean;
  error: UpstreamError | null;
}

export interface Dialect {
  readonly id: DialectId;
  /** Appended to the channel's base URL, which ends in /v1. */
  readonly upstreamPath: string;
  readonly errorFamily: 'openai' | 'anthropic';
  /** Throws TollgateError for everything that the caller must put right before anybody is asked. */
  readRequest(body: Buffer): RequestFacts;
  /** Splices bytes, never re-serialises; the very same Buffer when nothing changes. facts: of this dialect and this body. */
  rewriteRequest(body: Buffer, facts: RequestFacts, order: RewriteOrder): Buffer;
  /** Flat list of names and values: the credential, content-type, accept, and what the dialect forwards of the caller's. */
  upstreamHeaders(credential: string, callerHeaders: IncomingHttpHeaders): string[];
  readAnswer(body: Buffer): AnswerFacts;
  readError(status: number, body: Buffer): UpstreamError;
  newStreamReader(facts: RequestFacts): StreamReader;
  /** What of the held-back events goes to the client: all but a usage-only chunk that it did not ask for. */
  heldTail(held: string, facts: RequestFacts): string;
  /** ASCII only, as errorEvent is, so that either may be written as latin1 or UTF-8. */
  errorAnswer(
    error: TollgateError,
    requestId: string,
  ): { status: number; headers: Record<string, string>; body: string };
  /** Ends a stream that has begun. No dialect's clean end follows it. */
  errorEvent(error: TollgateError, requestId: string): string;
  /** Between two events, at any point of a stream: the family's sign of life, which its clients pass over. */
  readonly keepAlive: string;
}
