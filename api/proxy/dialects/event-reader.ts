// What the readers of all formats share: walking the events of each stretch, and the moment from which everything is held
// back until the answer is settled. That moment is the first event that finishes the answer, ends the stream or reports an
// error; nothing from there on may reach a client before the money is safe.
import type { Usage } from '../../../domain/meters.ts';
import type { AnswerFacts, StreamReader, UpstreamError } from '../dialect.ts';
import { isObject, isString, skipSpace, stringEnd, valueEnd } from './json-cursor.ts';
import { stringBytes } from './json-string-bytes.ts';
import { parsePart } from './json-values.ts';
import { errorFromValue, unreadableAnswer } from './provider-errors.ts';
import { RepeatedEvent } from './repeated-event.ts';
import { SseEvents } from './sse-text.ts';
import type { UsageReading } from './usage-counts.ts';

export abstract class EventReader implements StreamReader {
  usage: Usage | null = null;
  usageImplausible = false;
  usageRepaired = false;
  contentBytes = 0;
  sawContent = false;
  finished = false;
  ended = false;
  error: UpstreamError | null = null;
  readonly #events = new SseEvents();
  readonly #repeated = new RepeatedEvent();
  /** Where the last text of the event that is being read lies; -1: it has none. */
  #textAt = -1;
  #textEnd = -1;
  #textBytes = 0;
  #readUsage = false;
  #holds = false;

  scan(text: string): number {
    const events = this.#events;
    let heldFrom = this.#holds ? 0 : text.length;
    events.open(text);
    while (events.next()) {
      if (events.dataStart === -1) continue;
      this.#readNext(events);
      if (this.#holds || !(this.finished || this.ended || this.error !== null)) continue;
      this.#holds = true;
      heldFrom = events.start;
    }
    events.close();
    return heldFrom;
  }

  #readNext(events: SseEvents): void {
    const repeated = this.#repeated;
    if (repeated.matches(events)) {
      this.addContent(stringBytes(events.data, repeated.textAt, repeated.textEnd));
      return;
    }
    const { contentBytes } = this;
    this.#textAt = -1;
    this.#readUsage = false;
    this.readEvent(events);
    // Bytes of text add up, and usage replaces what came between, also where it is only half or cannot be true; whatever else an event
    // may say says nothing more when it is said again.
    if (this.#textAt === -1 || this.#readUsage || this.finished || this.ended || this.error !== null) return;
    if (this.contentBytes - contentBytes === this.#textBytes) repeated.remember(events, this.#textAt, this.#textEnd);
  }

  /** For an answer that is not streamed; the same members say the same in it. */
  readBody(body: Buffer): AnswerFacts {
    const text = body.toString('latin1');
    const start = skipSpace(text, 0);
    const isAnswer = isObject(text, start) && this.readAnswerObject(text, start, text.length) !== -1;
    return {
      usage: this.usage,
      usageImplausible: this.usageImplausible,
      usageRepaired: this.usageRepaired,
      contentBytes: this.contentBytes,
      empty: !this.sawContent,
      error: isAnswer ? this.error : unreadableAnswer(),
    };
  }

  protected abstract readEvent(events: SseEvents): void;

  /** Returns the index behind the object, -1 where it is broken. */
  protected abstract readAnswerObject(text: string, at: number, end: number): number;

  protected takeUsage(reading: UsageReading): void {
    this.#readUsage = true;
    if (reading.usage === null && !reading.implausible) return;
    this.usage = reading.usage;
    this.usageImplausible = reading.implausible;
    this.usageRepaired = reading.repaired;
  }

  protected readText(text: string, value: number, end: number): number {
    if (!isString(text, value)) return valueEnd(text, value, end);
    const behind = stringEnd(text, value, end);
    this.#textAt = value;
    this.#textEnd = behind;
    this.#textBytes = stringBytes(text, value, behind);
    this.addContent(this.#textBytes);
    return behind;
  }

  /** `"error":null` is no error. */
  protected readError(text: string, value: number, end: number): number {
    const behind = valueEnd(text, value, end);
    if (!text.startsWith('null', value)) this.error = errorFromValue(200, { error: parsePart(text, value, behind) });
    return behind;
  }

  protected addContent(bytes: number): void {
    if (bytes <= 0) return;
    this.contentBytes += bytes;
    this.sawContent = true;
  }
}
