// Opens a caller's body: proves that it is one JSON object in UTF-8 which every parser reads alike, and hands out both its
// values and where they lie in the bytes. What is refused here costs the caller nothing and says how to put it right.
import { isAscii, isUtf8 } from 'node:buffer';
import { isObject, MAX_DEPTH, skipSpace } from './json-cursor.ts';
import { type Members, membersOf } from './json-members.ts';
import { isJsonObject, type JsonObject } from './json-values.ts';
import { refuse, refuseValue } from './refusal.ts';

export interface RequestBody {
  readonly values: JsonObject;
  readonly members: Members;
  /** The bytes decoded latin1, so that an index is a byte offset. */
  readonly text: string;
}

/** governed: the members that routing and billing read; json-members.ts says what is refused of them. */
export function openBody(body: Buffer, governed: readonly string[]): RequestBody {
  const isPlain = isAscii(body);
  if (!isPlain && !isUtf8(body)) refuse('body_not_utf8', 'The body is not valid UTF-8. Send JSON encoded as UTF-8.');
  const text = body.toString('latin1');
  const start = skipSpace(text, 0);
  if (start === text.length) refuse('body_empty', 'The body is empty. Send a JSON object.');
  if (!isObject(text, start)) refuse('invalid_json', 'The body must be a JSON object: its first character must be {.');
  const members = membersOf(text, governed);
  // Before parsing: 32 MB of opening brackets would become gigabytes of arrays.
  if (members.isTooDeep) refuse('body_too_deep', `The body nests deeper than ${MAX_DEPTH} levels. Flatten it.`);
  const values = parseObject(isPlain ? text : body.toString());
  refuseAmbiguity(members);
  return { values, members, text };
}

/** UTF-8 bytes of a member's value as it stands in the body; 0 where it is absent. */
export function memberBytes(body: RequestBody, name: string): number {
  const span = body.members.spans.get(name);
  return span === undefined ? 0 : span.end - span.start;
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (error) {
    // V8 quotes the text around the fault; a prompt has no business in an error message or a log, so only the place is kept.
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec(String(error))?.[0] ?? 'before its end';
    refuse('invalid_json', `The body is not valid JSON: it breaks ${place}. Check quotes, commas and brackets there.`);
  }
  refuse('invalid_json', 'The body must be a JSON object.');
}

/** parent: where the members are not the body's own, the path to them, such as "stream_options.". */
export function refuseAmbiguity({ repeated, disguised }: Members, parent = ''): void {
  if (repeated !== null) refuseValue(parent + repeated, `"${parent}${repeated}" is given twice. Send it once.`);
  if (disguised !== null) {
    refuseValue(
      parent + disguised,
      `"${parent}${disguised}" is spelled unusually. Write it exactly as "${disguised}".`,
    );
  }
}
