// Passes a streamed answer on, byte for byte, and reads along. The first content goes out the moment it comes; what finishes
// the answer is held back until the charge is durable. A stream that breaks never ends cleanly (ecosystem.md 0.4).
import type { ServerResponse } from 'node:http';
import type { FailureClass } from '../../domain/failures.ts';
import { crashPoint } from '../../services/platform/crash-points.ts';
import { streamHead } from './answer-head.ts';
import type { StreamedAnswer } from './attempt-end.ts';
import type { StreamReader, UpstreamError } from './dialect.ts';
import { isWholeEvent } from './dialects/whole-event.ts';
import { EventSplitter } from './event-splitter.ts';
import type { Admitted, Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';
import { ReadingOn } from './reading-on.ts';
import { StreamCredit } from './stream-credit.ts';
import { cutIfStuck, readsAgain } from './stuck-reader.ts';

/** While nothing is passed on the client hears this often that we live: load balancers cut silent connections. */
const KEEP_ALIVE_EVERY_MS = 10_000;
/** After the provider's own end it gets this long to close, for usage that comes behind [DONE]. */
const AFTER_END_MS = 1_000;

export interface RelayHost {
  pause(): void;
  resume(): void;
  /** The upstream gives an answer. What becomes of it later is another matter. */
  contentBegan(): void;
  /** Nothing went to the client yet: another upstream may be tried. */
  fail(failureClass: FailureClass, message: string, refusal: UpstreamError | null): void;
  end(end: Omit<StreamedAnswer, 'firstByteMs'>): void;
}

export class StreamRelay {
  readonly #parts: ProxyParts;
  readonly #exchange: Exchange;
  readonly #onDisconnect: 'cancel_stops_billing' | 'drain';
  readonly #host: RelayHost;
  readonly #res: ServerResponse;
  readonly #reader: StreamReader;
  readonly #splitter = new EventSplitter();
  readonly #credit: StreamCredit;
  /** Events before the first content: until it comes the attempt may still fail over. */
  #opening: Buffer[] = [];
  #held = '';
  /** Events that no credit covers yet. */
  #unpaid: Buffer[] = [];
  #deliveredBytes = 0;
  #wroteAtMs = performance.now();
  #isBlocked = false;
  #creditPaused = false;
  #completeOncePaid = false;
  #contentBegan = false;
  #endSeenAtMs: number | null = null;
  /** The client has left, and the rest is read to learn the real usage. */
  #readingOn: ReadingOn | null = null;
  #over = false;

  constructor(
    parts: ProxyParts,
    exchange: Exchange,
    admitted: Admitted,
    onDisconnect: 'cancel_stops_billing' | 'drain',
    host: RelayHost,
  ) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#onDisconnect = onDisconnect;
    this.#host = host;
    this.#res = exchange.res;
    this.#reader = exchange.dialect.newStreamReader(admitted.facts);
    this.#credit = new StreamCredit(parts.leases, admitted, {
      pause: () => this.#pauseForCredit(),
      resume: () => this.#resumeAfterCredit(),
      refused: (how) => this.#finish(how),
    });
  }

  get isPaused(): boolean {
    return this.#creditPaused || this.#isBlocked;
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    const events = this.#splitter.push(chunk);
    if (events.length === 0) return;
    const text = events.toString('latin1');
    const holdFrom = this.#reader.scan(text);
    if (this.#reader.error !== null) {
      this.#upstreamError(this.#reader.error, events.subarray(0, holdFrom));
      return;
    }
    if (this.#reader.sawContent && !this.#contentBegan) {
      this.#contentBegan = true;
      this.#host.contentBegan();
    }
    if (this.#reader.ended) this.#endSeenAtMs ??= performance.now();
    if (holdFrom < text.length) this.#held += text.slice(holdFrom);
    const isPaid = this.#credit.covers(this.#reader.contentBytes);
    if (!isPaid && this.#readingOn !== null) this.#finish('client_gone');
    else if (holdFrom > 0) {
      const passed = holdFrom === events.length ? events : events.subarray(0, holdFrom);
      if (isPaid) this.#pass(passed);
      else this.#unpaid.push(passed);
    }
  }

  upstreamEnded(): void {
    crashPoint('after-upstream-end');
    this.#readRest();
    if (this.#reader.finished) this.#finish('complete');
    else this.#broken('the stream ended before the answer was finished');
  }

  /** The connection broke, fell silent, or carried nonsense. */
  upstreamBroke(error: Error): void {
    if (this.#reader.finished) this.#finish('complete');
    else this.#broken(error.message);
  }

  clientGone(): void {
    if (this.#over || this.#readingOn !== null) return;
    if (this.#reader.finished && this.#reader.usage === null) {
      // Nothing is left to be saved, and the usage is on its way.
      this.#endSeenAtMs ??= performance.now();
      this.#unblock();
      return;
    }
    if (this.#onDisconnect === 'drain' && !this.#creditPaused) this.#readingOn = ReadingOn.begin();
    if (this.#readingOn === null) {
      this.#finish(this.#reader.finished && !this.#creditPaused ? 'complete' : 'client_gone');
      return;
    }
    this.#credit.askNoMore();
    this.#opening = [];
    this.#unblock();
  }

  stop(): void {
    if (this.#reader.finished && !this.#creditPaused) this.#finish('complete');
    else this.#finish(this.#exchange.clientGone ? 'client_gone' : 'stopped');
  }

  tick(nowMs: number): void {
    if (this.#endSeenAtMs !== null && nowMs - this.#endSeenAtMs > AFTER_END_MS) this.upstreamEnded();
    if (this.#readingOn?.isTooLong(nowMs)) this.#finish('client_gone');
    if (this.#over) return;
    this.#credit.tick(nowMs);
    if (nowMs - this.#wroteAtMs > KEEP_ALIVE_EVERY_MS) this.#keepAlive(nowMs);
  }

  /** An end without its blank line: a whole event counts, one that was cut must not reach a parser. */
  #readRest(): void {
    const rest = this.#splitter.takeRest().toString('latin1');
    if (this.#over || !isWholeEvent(rest)) return;
    this.#reader.scan(rest);
    if (this.#reader.finished) this.#held += rest;
  }

  #pass(events: Buffer): void {
    if (!this.#exchange.answering) {
      if (!this.#reader.sawContent && !this.#reader.finished) {
        this.#opening.push(events);
        return;
      }
      this.#open();
    }
    this.#write(events);
  }

  /** From here on this attempt is the answer. */
  #open(): void {
    this.#exchange.answering = true;
    this.#exchange.body = null;
    this.#beginStream();
    for (const events of this.#opening) this.#write(events);
    this.#opening = [];
  }

  #beginStream(): void {
    if (!this.#res.headersSent) this.#res.writeHead(200, streamHead(this.#parts, this.#exchange));
  }

  #write(events: Buffer): void {
    if (this.#exchange.clientGone) return;
    crashPoint('mid-stream');
    this.#deliveredBytes = this.#reader.contentBytes;
    this.#wroteAtMs = performance.now();
    if (!this.#res.write(events) && !this.#isBlocked) {
      // One 'drain' listener a pause: chunks already buffered keep arriving (hotpath.md 11).
      this.#isBlocked = true;
      this.#host.pause();
      cutIfStuck(this.#res);
      this.#res.once('drain', () => this.#unblock());
    }
  }

  #unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    readsAgain(this.#res);
    if (!this.#creditPaused && !this.#over) this.#host.resume();
  }

  #keepAlive(nowMs: number): void {
    // A provider that thinks for long sends no content. Its client hears us, and nothing of this attempt: another may still be tried (D17).
    this.#wroteAtMs = nowMs;
    if (this.#exchange.clientGone) return;
    this.#beginStream();
    this.#res.write(this.#exchange.dialect.keepAlive);
  }

  #pauseForCredit(): void {
    this.#creditPaused = true;
    this.#host.pause();
  }

  #resumeAfterCredit(): void {
    this.#creditPaused = false;
    if (this.#over) return;
    for (const events of this.#unpaid.splice(0)) this.#pass(events);
    if (this.#completeOncePaid) this.#finish('complete');
    else if (!this.#isBlocked) this.#host.resume();
  }

  /** `before`: what came together with it. Where nothing went out yet another upstream may do better, and it is dropped. */
  #upstreamError(error: UpstreamError, before: Buffer): void {
    if (!this.#exchange.answering) {
      this.#fail('overloaded', error.message, error);
      return;
    }
    if (before.length > 0 && this.#credit.covers(this.#reader.contentBytes)) this.#pass(before);
    this.#finish('cut');
  }

  #broken(why: string): void {
    if (this.#over) return;
    if (this.#exchange.answering) this.#finish('cut');
    else if (this.#readingOn !== null) this.#finish('client_gone');
    else this.#fail('protocol', why, null);
  }

  #fail(failureClass: FailureClass, message: string, refusal: UpstreamError | null): void {
    this.#end();
    this.#host.fail(failureClass, message, refusal);
  }

  #finish(how: StreamedAnswer['how']): void {
    if (this.#over) return;
    if (how === 'complete' && this.#creditPaused) {
      this.#completeOncePaid = true;
      return;
    }
    if (how === 'complete' && !this.#reader.sawContent && !this.#exchange.answering) {
      this.#fail('empty', 'the upstream gave an empty answer', null);
      return;
    }
    if (how === 'complete' && !this.#exchange.answering && !this.#exchange.clientGone) this.#open();
    this.#end();
    this.#host.end({
      kind: 'streamed',
      how,
      reader: this.#reader,
      // What is held back goes out as well, but not to who has left.
      deliveredBytes:
        how === 'complete' && !this.#exchange.clientGone ? this.#reader.contentBytes : this.#deliveredBytes,
      held: this.#held,
    });
  }

  #end(): void {
    this.#over = true;
    this.#readingOn?.end();
  }
}
