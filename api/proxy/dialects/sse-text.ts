// Walks over the complete events of a stretch of a stream, in place: one cursor per stream, no object per event. The text
// is bytes decoded latin1. Lines end in LF, CRLF or CR; comments, ids and unknown fields are passed over; several data
// lines are one value, joined by LF as the standard says. The last event may lack its blank line (a stream cut there).
import { codeAt } from './json-cursor.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

export class SseEvents {
  /** Where the current event starts and where the next one does. */
  start = 0;
  end = 0;
  /** The `event:` field; empty where there is none. */
  name = '';
  /** The data is data.slice(dataStart, dataEnd); dataStart is -1 for an event without any, such as a comment. */
  data = '';
  dataStart = -1;
  dataEnd = -1;
  #text = '';
  #lineBreak = '\n';

  open(text: string): void {
    this.#text = text;
    this.end = 0;
    // Mixing both in one stream is not done by anybody; a lone CR is no line end where LF is used.
    this.#lineBreak = text.includes('\n') ? '\n' : '\r';
  }

  /** Lets go of the text: a stream waits seconds between stretches, and there are thousands of streams. */
  close(): void {
    this.#text = '';
    this.data = '';
    this.name = '';
  }

  next(): boolean {
    const text = this.#text;
    let at = this.#skipBlankLines(this.end);
    if (at >= text.length) return false;
    this.start = at;
    this.name = '';
    this.data = text;
    this.dataStart = -1;
    this.dataEnd = -1;
    while (at < text.length) {
      const lineBreak = text.indexOf(this.#lineBreak, at);
      const next = lineBreak === -1 ? text.length : lineBreak + 1;
      const lineEnd = this.#withoutBreak(at, next);
      if (lineEnd === at) {
        at = next;
        break;
      }
      this.#readLine(at, lineEnd);
      at = next;
    }
    this.end = at;
    return true;
  }

  #skipBlankLines(from: number): number {
    let at = from;
    for (;;) {
      const mark = codeAt(this.#text, at);
      if (mark !== LF && mark !== CR) return at;
      at += 1;
    }
  }

  #withoutBreak(at: number, next: number): number {
    let end = next;
    if (end > at && codeAt(this.#text, end - 1) === LF) end -= 1;
    if (end > at && codeAt(this.#text, end - 1) === CR) end -= 1;
    return end;
  }

  #readLine(at: number, lineEnd: number): void {
    const text = this.#text;
    if (codeAt(text, at + 4) === COLON && text.startsWith('data', at)) {
      this.#addData(this.#valueStart(at + 5), lineEnd);
    } else if (codeAt(text, at + 5) === COLON && text.startsWith('event', at)) {
      this.name = text.slice(this.#valueStart(at + 6), lineEnd);
    }
  }

  #valueStart(at: number): number {
    return codeAt(this.#text, at) === SPACE ? at + 1 : at;
  }

  #addData(from: number, to: number): void {
    if (this.dataStart === -1) {
      this.dataStart = from;
      this.dataEnd = to;
      return;
    }
    this.data = `${this.data.slice(this.dataStart, this.dataEnd)}\n${this.#text.slice(from, to)}`;
    this.dataStart = 0;
    this.dataEnd = this.data.length;
  }
}
