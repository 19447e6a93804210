// How many UTF-8 bytes a JSON string holds once its escapes are decoded, counted without decoding it. The text is bytes
// decoded latin1, one character a byte, so everything but an escape already counts itself. An answer without provider
// usage is charged by this number: it must not depend on how the provider chose to escape.
import { codeAt } from './json-cursor.ts';

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
// Below this a loop is faster than a search; above it the search is bounded by a slice, which copies nothing.
const SHORT = 32;

/** at: the opening quote; end: behind the closing quote. */
export function stringBytes(text: string, at: number, end: number): number {
  const stop = end - 1;
  let bytes = stop - at - 1;
  let slash = backslashBetween(text, at + 1, stop);
  while (slash !== -1) {
    const length = escapeLength(text, slash);
    bytes -= length - decodedBytes(text, slash, length);
    slash = backslashBetween(text, slash + length, stop);
  }
  return bytes;
}

function backslashBetween(text: string, from: number, stop: number): number {
  if (stop - from > SHORT) {
    const offset = text.slice(from, stop).indexOf('\\');
    return offset === -1 ? -1 : from + offset;
  }
  for (let at = from; at < stop; at += 1) if (codeAt(text, at) === BACKSLASH) return at;
  return -1;
}

/** A surrogate pair is two \u escapes and one character. */
function escapeLength(text: string, slash: number): number {
  if (codeAt(text, slash + 1) !== LETTER_U) return 2;
  return isHigh(unitAt(text, slash)) && isLow(unitAt(text, slash + 6)) ? 12 : 6;
}

/** An unpaired surrogate becomes U+FFFD, three bytes, in every decoder. */
function decodedBytes(text: string, slash: number, length: number): number {
  if (length === 2) return 1;
  if (length === 12) return 4;
  const unit = unitAt(text, slash);
  if (unit < 0x80) return 1;
  return unit < 0x800 ? 2 : 3;
}

/** The UTF-16 unit of the \u escape at `slash`; NaN where there is none. */
function unitAt(text: string, slash: number): number {
  if (codeAt(text, slash) !== BACKSLASH || codeAt(text, slash + 1) !== LETTER_U) return Number.NaN;
  let unit = 0;
  for (let at = slash + 2; at < slash + 6; at += 1) {
    const mark = codeAt(text, at);
    unit = unit * 16 + (mark <= 0x39 ? mark - 0x30 : (mark | 0x20) - 0x57);
  }
  return unit;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
