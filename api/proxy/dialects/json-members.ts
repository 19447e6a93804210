// The top-level members of a JSON object and where their values lie, in one pass that parses nothing. A name that counts
// must be written plainly and once: of two `model` members our parser takes the last, some upstreams the first, and Go's
// decoder takes `MODEL` for `model`, so either way somebody could be billed for one model and served another.
import { codeAt, isNamed, skipSpace, valueEnd, walkMembers } from './json-cursor.ts';
import { parsePart } from './json-values.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

export class Members {
  /** Behind the opening brace. */
  readonly firstAt: number;
  /** The values of the wanted members that are there. */
  readonly spans = new Map<string, Span>();
  /** A wanted member that stands twice, or once in another spelling: an escape, another case. */
  repeated: string | null = null;
  disguised: string | null = null;
  /** Nothing behind the deep value was looked at. */
  isTooDeep = false;

  constructor(firstAt: number) {
    this.firstAt = firstAt;
  }
}

/** text: bytes decoded latin1. Broken text ends the search early and says nothing: whoever asks must parse it as well. */
export function membersOf(text: string, wanted: readonly string[]): Members {
  return membersWithin(text, skipSpace(text, 0), text.length, wanted);
}

/** The same for the object at `at`, inside a longer text. */
export function membersWithin(text: string, at: number, end: number, wanted: readonly string[]): Members {
  const members = new Members(at + 1);
  walkMembers(text, at, end, (_text, name, nameEnd, value) => {
    const stop = valueEnd(text, value, end);
    if (stop === -1) members.isTooDeep = true;
    else addMember(members, text, name, nameEnd, wanted, { start: value, end: stop });
    return stop;
  });
  return members;
}

function addMember(
  members: Members,
  text: string,
  name: number,
  nameEnd: number,
  wanted: readonly string[],
  span: Span,
): void {
  const plain = plainName(text, name, nameEnd, wanted);
  if (plain === null) members.disguised ??= disguisedName(text, name, nameEnd, wanted);
  else if (members.spans.has(plain)) members.repeated ??= plain;
  else members.spans.set(plain, span);
}

function plainName(text: string, name: number, nameEnd: number, wanted: readonly string[]): string | null {
  for (const candidate of wanted) if (isNamed(text, name, nameEnd, candidate)) return candidate;
  return null;
}

function disguisedName(text: string, name: number, nameEnd: number, wanted: readonly string[]): string | null {
  let at = name + 1;
  while (at < nameEnd - 1 && isPlain(codeAt(text, at))) at += 1;
  if (at >= nameEnd - 1) return null;
  const decoded = folded(String(parsePart(text, name, nameEnd)));
  return wanted.find((candidate) => folded(candidate) === decoded) ?? null;
}

/** Lower-case letters, digits, underscore: what every documented member name is made of. */
function isPlain(mark: number): boolean {
  return (mark >= 0x61 && mark <= 0x7a) || (mark >= 0x30 && mark <= 0x39) || mark === 0x5f;
}

/** Both ways, as Go folds: the Kelvin sign is a k in lower case only, the long s an S in upper case only. */
function folded(name: string): string {
  return name.toLowerCase().toUpperCase();
}
