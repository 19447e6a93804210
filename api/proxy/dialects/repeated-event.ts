// A stream says the same around each piece of its answer: id, model, empty fields, four fifths of an event's bytes. An event that
// differs from an earlier one in that piece alone says nothing else that is new, so it need not be walked through again: comparing
// its bytes takes a tenth of the time.
import { stringEnd } from './json-cursor.ts';
import type { SseEvents } from './sse-text.ts';

/** A format that numbers its events never repeats one: after so many tries its stream is no longer compared. */
const MOST_MISSES = 8;

export class RepeatedEvent {
  /** Of the event that matched: where its text lies, quotes included. */
  textAt = 0;
  textEnd = 0;
  #name = '';
  #before = '';
  #behind = '';
  #misses = 0;

  /** Whether the event is the remembered one but for its text. */
  matches({ name, data, dataStart, dataEnd }: SseEvents): boolean {
    if (this.#before === '' || name !== this.#name || !data.startsWith(this.#before, dataStart)) return false;
    // Up to here both are the same, so the text opens where it did, and it ends where a string does.
    this.textAt = dataStart + this.#before.length - 1;
    this.textEnd = stringEnd(data, this.textAt, dataEnd);
    // To its end: what was remembered may have been cut, and must not stand for a whole event that begins like it.
    if (this.textEnd - 1 + this.#behind.length !== dataEnd || !data.startsWith(this.#behind, this.textEnd - 1))
      return false;
    this.#misses = 0;
    return true;
  }

  /** An event that was walked through, and in which nothing counted but the text between these quotes. */
  remember({ name, data, dataStart, dataEnd }: SseEvents, textAt: number, textEnd: number): void {
    if (this.#misses === MOST_MISSES) {
      this.#before = '';
      return;
    }
    this.#misses += 1;
    this.#name = copyOf(name, 0, name.length);
    this.#before = copyOf(data, dataStart, textAt + 1);
    this.#behind = copyOf(data, textEnd - 1, dataEnd);
  }
}

/** A slice would keep all of the stretch alive, as long as its stream waits for the next one. */
function copyOf(text: string, from: number, to: number): string {
  return Buffer.from(text.slice(from, to), 'latin1').toString('latin1');
}
