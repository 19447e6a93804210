// How meter.jsonl is read back: in pieces, so that a file of any size costs no memory. It is only ever appended to, and holds
// nothing but ASCII, so a position in it stays true for good: the cursor of the usage export is such a position.
import { createReadStream } from 'node:fs';

/** Disjoint classes, cumulative for one call. */
export interface MeteredUsage {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
}

/** One line of the file. A client that sends an attempt id twice has made two calls, and is metered for both. */
export interface MeterLine {
  /** Unique among the calls that are open at a time: a restart ends all of them and counts from 1 again. */
  readonly call: number;
  readonly attemptId: string;
  readonly model: string;
  readonly usage: MeteredUsage;
  readonly at: number;
  readonly ended: boolean;
}

export interface StoredLine {
  readonly text: string;
  /** The position behind its line end. */
  readonly end: number;
}

/** The complete lines between two positions; a torn one at the end is left out. */
export async function* storedLines(path: string, from: number, to: number): AsyncGenerator<StoredLine> {
  if (from >= to) return;
  let rest = '';
  let position = from;
  for await (const chunk of createReadStream(path, { start: from, end: to - 1, encoding: 'latin1' })) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      position += text.length + 1;
      yield { text, end: position };
    }
  }
}

export function isEndLine(text: string): boolean {
  return text.endsWith('"ended":true}');
}

export function readLine(text: string): MeterLine {
  return JSON.parse(text);
}
