// Moves through JSON text without building values: the positions of members, elements and value ends.
// It jumps over strings with indexOf, so its cost follows the structure and not the prompt; it allocates nothing.
// Broken text never throws and never loops: a walk over it ends early, at `end` or at -1. `end` bounds the JSON inside a
// longer text, such as one event of a stream.

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
// Brackets and braces differ in this bit alone.
const CASE_BIT = 0x20;

/**
 * The character at an index, without a look at what kind of string it is: bodies are flat, slices and joined pieces, and where V8
 * has seen more than four kinds it looks `charCodeAt` up anew for every character: 6 % of a gateway's CPU (D30).
 */
export const codeAt = Function.prototype.call.bind(String.prototype.charCodeAt) as (text: string, at: number) => number;

/** R-NET-3, the outermost object included. Deeper values have no end (-1), so that nobody parses them. */
export const MAX_DEPTH = 64;

/** Gets a member's name (quotes included) and where its value starts; returns where the value ends. */
export type VisitMember = (text: string, name: number, nameEnd: number, value: number, end: number) => number;

/** Gets where an element starts; returns where it ends. */
export type VisitElement = (text: string, element: number, end: number) => number;

/** Returns the index behind the value at `at`, -1 where it is broken. What is no object has no members to visit. */
export function walkMembers(text: string, at: number, end: number, visit: VisitMember): number {
  if (codeAt(text, at) !== OPEN_BRACE) return valueEnd(text, at, end);
  let name = skipSpace(text, at + 1);
  if (codeAt(text, name) === CLOSE_BRACE) return name + 1;
  while (codeAt(text, name) === QUOTE) {
    const nameEnd = stringEnd(text, name, end);
    const colon = skipSpace(text, nameEnd);
    if (codeAt(text, colon) !== COLON) return -1;
    const valueEnd = visit(text, name, nameEnd, skipSpace(text, colon + 1), end);
    const next = skipSpace(text, valueEnd);
    const mark = codeAt(text, next);
    if (mark === CLOSE_BRACE) return next + 1;
    if (mark !== COMMA) return -1;
    name = skipSpace(text, next + 1);
  }
  return -1;
}

/** As walkMembers, for the elements of an array. */
export function walkElements(text: string, at: number, end: number, visit: VisitElement): number {
  if (codeAt(text, at) !== OPEN_BRACKET) return valueEnd(text, at, end);
  let element = skipSpace(text, at + 1);
  if (codeAt(text, element) === CLOSE_BRACKET) return element + 1;
  while (element < end) {
    const next = skipSpace(text, visit(text, element, end));
    const mark = codeAt(text, next);
    if (mark === CLOSE_BRACKET) return next + 1;
    if (mark !== COMMA) return -1;
    element = skipSpace(text, next + 1);
  }
  return -1;
}

export function isNamed(text: string, name: number, nameEnd: number, wanted: string): boolean {
  return (
    nameEnd - name === wanted.length + 2 &&
    codeAt(text, name + 1) === codeAt(wanted, 0) &&
    text.startsWith(wanted, name + 1)
  );
}

export function isString(text: string, at: number): boolean {
  return codeAt(text, at) === QUOTE;
}

export function isObject(text: string, at: number): boolean {
  return codeAt(text, at) === OPEN_BRACE;
}

/** Whether the object or array at `at` holds anything. */
export function hasContent(text: string, at: number): boolean {
  const mark = codeAt(text, at);
  if (mark !== OPEN_BRACE && mark !== OPEN_BRACKET) return false;
  return (codeAt(text, skipSpace(text, at + 1)) | CASE_BIT) !== CLOSE_BRACE;
}

export function skipSpace(text: string, at: number): number {
  let next = at;
  for (;;) {
    const mark = codeAt(text, next);
    if (mark !== 0x20 && mark !== 0x0a && mark !== 0x0d && mark !== 0x09) return next;
    next += 1;
  }
}

/** The index behind the closing quote of the string that opens at `at`. */
export function stringEnd(text: string, at: number, end: number): number {
  let quote = text.indexOf('"', at + 1);
  while (quote !== -1 && quote < end) {
    if (codeAt(text, quote - 1) !== BACKSLASH || !isEscaped(text, quote)) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return end;
}

function isEscaped(text: string, quote: number): boolean {
  let at = quote - 1;
  while (codeAt(text, at) === BACKSLASH) at -= 1;
  return (quote - at) % 2 === 0;
}

/** The index behind the value that starts at `at`; -1 where it is deeper than MAX_DEPTH. */
export function valueEnd(text: string, at: number, end: number): number {
  const mark = codeAt(text, at);
  if (mark === QUOTE) return stringEnd(text, at, end);
  if ((mark | CASE_BIT) === OPEN_BRACE) return nestedEnd(text, at, end);
  let next = at;
  while (next < end && isScalar(codeAt(text, next))) next += 1;
  return next;
}

function isScalar(mark: number): boolean {
  return mark > 0x20 && mark !== COMMA && (mark | CASE_BIT) !== CLOSE_BRACE;
}

function nestedEnd(text: string, from: number, end: number): number {
  let numbers: NumberArrays | null = null;
  let depth = 0;
  for (let at = from; at < end; at += 1) {
    const mark = codeAt(text, at);
    if (mark === QUOTE) {
      at = stringEnd(text, at, end) - 1;
    } else if ((mark | CASE_BIT) === OPEN_BRACE) {
      depth += 1;
      if (depth >= MAX_DEPTH) return -1;
      if (mark === OPEN_BRACKET && isDigitOrMinus(codeAt(text, skipSpace(text, at + 1)))) {
        numbers ??= new NumberArrays();
        at = numbers.lastIndex(text, at);
      }
    } else if ((mark | CASE_BIT) === CLOSE_BRACE) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return end;
}

function isDigitOrMinus(mark: number): boolean {
  return mark === MINUS || (mark >= 0x30 && mark <= 0x39);
}

// An embedding is an array of 1,536 floats and an answer may hold thousands of them: jumping to the bracket that closes an
// array without strings or arrays inside takes 0.6 us where reading 20 KB of digits takes 46. Each search result is kept
// until it is passed, or text that has no bracket at all would be searched to its end once per array.
class NumberArrays {
  #quote = -1;
  #open = -1;
  #close = -1;

  /** The index before the bracket that closes the array at `at`; `at` itself where the array holds more than numbers. */
  lastIndex(text: string, at: number): number {
    if (this.#quote <= at) this.#quote = indexOrEnd(text, '"', at);
    if (this.#open <= at) this.#open = indexOrEnd(text, '[', at);
    if (this.#close <= at) this.#close = indexOrEnd(text, ']', at);
    return this.#close < this.#quote && this.#close < this.#open ? this.#close - 1 : at;
  }
}

function indexOrEnd(text: string, mark: string, at: number): number {
  const index = text.indexOf(mark, at + 1);
  return index === -1 ? text.length : index;
}
