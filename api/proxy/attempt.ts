// One attempt at one upstream: intent first, then the bytes. Until its first byte goes to the client an attempt may fail and
// another be tried; a stream's relay decides when that is.
import { TollgateError } from '../../domain/errors.ts';
import { classify, type Failure, type FailureClass, parseRetryAfter } from '../../domain/failures.ts';
import type { Pick } from '../../services/channels/channel-health.ts';
import type { AnswerHeaders } from '../../services/egress/answer-headers.ts';
import { NoAnswer } from '../../services/egress/answer-parser.ts';
import {
  type AnswerListener,
  ListenerFailed,
  type UpstreamConnection,
} from '../../services/egress/upstream-connection.ts';
import type { UpstreamOrigin, UpstreamRequest } from '../../services/egress/upstream-origin.ts';
import type { AttemptOutcome } from '../../services/ledger/settlement-rows.ts';
import { crashPoint } from '../../services/platform/crash-points.ts';
import { SPENT_HEADER } from './attempt-budget.ts';
import { type AttemptEnd, withoutKey } from './attempt-end.ts';
import type { AnswerFacts } from './dialect.ts';
import type { Admitted, Exchange } from './exchange.ts';
import type { Flight } from './in-flight.ts';
import type { ProxyParts } from './proxy-parts.ts';
import { ReadingOn } from './reading-on.ts';
import { StreamRelay } from './stream-relay.ts';

const FIRST_BYTE_OF_STREAM_MS = 60_000;
/** Clients give a plain answer ten minutes; so do we. */
const FIRST_BYTE_OF_ANSWER_MS = 600_000;
const SILENCE_MS = 60_000;
const TOTAL_MS = 900_000;
const MOST_ERROR_BYTES = 64 * 1024;
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;

type Phase = 'waiting' | 'error' | 'plain' | 'stream' | 'over';

export class Attempt implements AnswerListener, Flight {
  readonly #parts: ProxyParts;
  readonly #exchange: Exchange;
  readonly #admitted: Admitted;
  readonly #pick: Pick;
  readonly #sentAtMs = performance.now();
  readonly ended: Promise<AttemptEnd>;
  #resolve: (end: AttemptEnd) => void = () => {};
  #phase: Phase = 'waiting';
  #connection: UpstreamConnection | null = null;
  #status = 0;
  #retryAfterMs: number | null = null;
  #heardAtMs = this.#sentAtMs;
  #first: Buffer | null = null;
  #chunks: Buffer[] | null = null;
  #bytes = 0;
  #relay: StreamRelay | null = null;
  /** Of a plain answer whose client has left. */
  #readingOn: ReadingOn | null = null;
  #upstreamIsDone = false;
  firstByteMs: number | null = null;
  place = -1;

  constructor(parts: ProxyParts, exchange: Exchange, admitted: Admitted, pick: Pick) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#admitted = admitted;
    this.#pick = pick;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Sends the request. Its intent is in the journal already. */
  send(upstream: UpstreamOrigin, request: UpstreamRequest): void {
    crashPoint('before-send');
    this.#connection = upstream.post(request, this);
    this.#parts.openAttempts.add(this);
    this.#exchange.onClientGone = () => this.#clientGone();
    if (this.#exchange.clientGone) this.#clientGone();
  }

  /** No connection may be made to where the channel points to. */
  refusedByEgress(error: Error): void {
    this.#failWith('misconfigured', error.message, true);
  }

  answerBegan(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#heardAtMs = performance.now();
    this.firstByteMs = Math.round(this.#heardAtMs - this.#sentAtMs);
    this.#exchange.budget.spentBelow(headers.get(SPENT_HEADER));
    if (status >= 300) {
      this.#phase = 'error';
      this.#retryAfterMs = parseRetryAfter(headers.get('retry-after'), this.#parts.incarnation.realTimeMs());
    } else if (isEncoded(headers.get('content-encoding'))) {
      this.#failWith('protocol', 'the upstream compressed its answer although it was told not to');
    } else if (!this.#admitted.facts.streamed) {
      this.#phase = 'plain';
    } else if (headers.get('content-type')?.startsWith('text/event-stream')) {
      this.#phase = 'stream';
      this.#relay = this.#newRelay();
    } else {
      this.#failWith('protocol', 'the upstream answered a streamed request without an event stream');
    }
  }

  answerData(chunk: Buffer): void {
    this.#heardAtMs = performance.now();
    if (this.#phase === 'stream') this.#relay?.data(chunk);
    else if (this.#phase === 'plain' || this.#phase === 'error') this.#collect(chunk);
  }

  answerEnded(): void {
    this.#upstreamIsDone = true;
    switch (this.#phase) {
      case 'stream':
        this.#relay?.upstreamEnded();
        break;
      case 'plain':
        this.#readPlain(this.#collected());
        break;
      case 'error':
        this.#readRefusal(this.#collected());
        break;
      default:
    }
  }

  answerFailed(error: Error, isNeverSent: boolean): void {
    this.#upstreamIsDone = true;
    if (this.#phase === 'over') return;
    if (isDefect(error)) {
      this.#parts.log.error({ requestId: this.#exchange.requestId, err: error.cause }, 'request_failed');
      this.stop(); // of ours: the channel is not to blame
    } else if (this.#phase === 'stream') this.#relay?.upstreamBroke(error);
    else if (this.#phase === 'error') this.#readRefusal(this.#collected());
    else if (this.#phase === 'plain') this.#failWith('protocol', `the answer broke off: ${error.message}`);
    else if (error instanceof NoAnswer) this.#failWith('protocol', `the upstream sent ${error.message}`);
    else this.#failWith('unreachable', `no connection to the upstream: ${wordsOf(error)}`, isNeverSent);
  }

  tick(nowMs: number): void {
    if (this.#phase === 'stream') this.#relay?.tick(nowMs);
    else if (this.#readingOn?.isTooLong(nowMs)) this.#end({ kind: 'abandoned' });
    const patienceMs =
      this.#phase !== 'waiting'
        ? SILENCE_MS
        : this.#admitted.facts.streamed
          ? FIRST_BYTE_OF_STREAM_MS
          : FIRST_BYTE_OF_ANSWER_MS;
    const paused = this.#relay?.isPaused ?? false;
    if ((nowMs - this.#heardAtMs > patienceMs && !paused) || nowMs - this.#exchange.startedAtMs > TOTAL_MS)
      this.#timedOut();
  }

  stop(): void {
    if (this.#phase === 'stream') this.#relay?.stop();
    else this.#end(this.#exchange.clientGone ? { kind: 'abandoned' } : { kind: 'stopped' });
  }

  #newRelay(): StreamRelay {
    return new StreamRelay(this.#parts, this.#exchange, this.#admitted, this.#pick.route.channel.onDisconnect, {
      pause: () => this.#connection?.pause(this),
      resume: () => {
        this.#heardAtMs = performance.now(); // while we did not listen nobody could be heard
        this.#connection?.resume(this);
      },
      contentBegan: () => {
        // Everybody waits for a probe: its verdict must not take as long as its stream.
        if (this.#pick.isProbe) this.#parts.health.succeeded(this.#pick);
      },
      fail: (failureClass, message, refusal) =>
        refusal === null
          ? this.#failWith(failureClass, message)
          : this.#end({
              kind: 'failed',
              failure: classify(refusal, null),
              outcome: 'failed_over',
              refusal,
              costFree: false,
            }),
      end: (end) => this.#end({ ...end, firstByteMs: this.firstByteMs ?? 0 }),
    });
  }

  #collect(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > (this.#phase === 'error' ? MOST_ERROR_BYTES : MOST_ANSWER_BYTES)) {
      if (this.#phase === 'error') this.#readRefusal(this.#collected());
      else this.#failWith('protocol', `the answer is larger than ${MOST_ANSWER_BYTES} bytes`);
    } else if (this.#first === null) this.#first = chunk;
    else if (this.#chunks === null) this.#chunks = [this.#first, chunk];
    else this.#chunks.push(chunk);
  }

  #collected(): Buffer {
    return this.#chunks === null ? (this.#first ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
  }

  #readPlain(body: Buffer): void {
    let facts: AnswerFacts;
    try {
      facts = this.#exchange.dialect.readAnswer(body);
    } catch {
      this.#failWith('protocol', 'the upstream answered with something that is no JSON answer');
      return;
    }
    if (facts.error !== null) {
      this.#end({
        kind: 'failed',
        failure: classify(facts.error, null),
        outcome: 'failed_over',
        refusal: facts.error,
        costFree: false,
      });
    } else if (facts.empty) this.#failWith('empty', 'the upstream gave an empty answer');
    else {
      const deliveredBytes = this.#exchange.clientGone ? 0 : facts.contentBytes;
      this.#end({ kind: 'answered', status: this.#status, body, facts, deliveredBytes });
    }
  }

  #readRefusal(body: Buffer): void {
    const refusal = this.#exchange.dialect.readError(this.#status, body);
    const failure = classify(refusal, this.#retryAfterMs);
    this.#end({
      kind: 'failed',
      failure,
      outcome: failure.class === 'client_fault' ? 'refused' : 'failed_over',
      refusal,
      costFree: true,
    });
  }

  #clientGone(): void {
    if (this.#phase === 'stream') this.#relay?.clientGone();
    else if (this.#phase === 'plain') {
      if (this.#pick.route.channel.onDisconnect === 'drain') this.#readingOn ??= ReadingOn.begin();
      if (this.#readingOn === null) this.#end({ kind: 'abandoned' });
    } else if (this.#phase === 'waiting' || this.#phase === 'error') {
      const failure: Failure = {
        class: 'client_fault',
        status: null,
        retryAfterMs: null,
        message: 'the client hung up before an answer',
      };
      this.#end({ kind: 'failed', failure, outcome: 'client_gone', refusal: null, costFree: false });
    }
  }

  #timedOut(): void {
    if (this.#phase === 'stream') this.#relay?.upstreamBroke(new Error('the upstream fell silent'));
    else this.#failWith('timeout', 'the upstream did not answer in time');
  }

  #failWith(failureClass: FailureClass, message: string, costFree = false): void {
    const outcome: AttemptOutcome =
      failureClass === 'timeout' ? 'timed_out' : failureClass === 'empty' ? 'empty' : 'failed_over';
    this.#end({
      kind: 'failed',
      failure: { class: failureClass, status: this.#status || null, retryAfterMs: null, message },
      outcome,
      refusal: null,
      costFree,
    });
  }

  #end(end: AttemptEnd): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#parts.openAttempts.remove(this);
    this.#exchange.onClientGone = null;
    this.#readingOn?.end();
    // An upstream that said all and does not close would keep its socket for ever: nothing else ends it.
    if (!this.#upstreamIsDone) this.#connection?.abort(this);
    this.#resolve(withoutKey(end, this.#pick.channelKey.credential));
  }
}

/** A TollgateError says what is wrong with the answer; anything else that our own code throws is a mistake in it. */
function isDefect(error: Error): boolean {
  return error instanceof ListenerFailed && !(error.cause instanceof TollgateError);
}

/** Several refused addresses are an AggregateError without words. */
function wordsOf(error: Error): string {
  return error.message || String('code' in error ? error.code : error.name);
}

function isEncoded(encoding: string | undefined): boolean {
  return encoding !== undefined && encoding !== 'identity';
}
