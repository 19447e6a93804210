// Relays a stream the way the gateway does, cut into pieces, and says what the client would have got and what was read.
import { expect } from '@jest/globals';
import type { Dialect, RequestFacts, StreamReader } from '../../../../api/proxy/dialect.ts';
import { EventSplitter } from '../../../../api/proxy/event-splitter.ts';

export interface Relayed extends Omit<StreamReader, 'scan'> {
  /** Before settlement, and in all; both as bytes decoded latin1. */
  readonly passed: string;
  readonly delivered: string;
}

export function relay(dialect: Dialect, facts: RequestFacts, chunks: readonly Buffer[]): Relayed {
  const splitter = new EventSplitter();
  const reader = dialect.newStreamReader(facts);
  let passed = '';
  let held = '';
  const take = (events: Buffer): void => {
    const text = events.toString('latin1');
    const from = reader.scan(text);
    passed += text.slice(0, from);
    held += text.slice(from);
  };
  for (const chunk of chunks) take(splitter.push(chunk));
  take(splitter.takeRest());
  const { usage, usageImplausible, usageRepaired, contentBytes, sawContent, finished, ended, error } = reader;
  const delivered = passed + dialect.heldTail(held, facts);
  return {
    passed,
    delivered,
    usage,
    usageImplausible,
    usageRepaired,
    contentBytes,
    sawContent,
    finished,
    ended,
    error,
  };
}

/** Cut in two at every byte, and into single bytes: nothing may differ. */
export function relayAtEveryOffset(dialect: Dialect, facts: RequestFacts, stream: string): Relayed {
  const bytes = Buffer.from(stream);
  const whole = relay(dialect, facts, [bytes]);
  const expected = JSON.stringify(whole);
  for (let at = 1; at < bytes.length; at += 1) {
    const cut = JSON.stringify(relay(dialect, facts, [bytes.subarray(0, at), bytes.subarray(at)]));
    if (cut !== expected) expect({ at, cut }).toEqual({ at, cut: expected });
  }
  expect(
    relay(
      dialect,
      facts,
      Array.from(bytes, (byte) => Buffer.of(byte)),
    ),
  ).toEqual(whole);
  return whole;
}

export function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** LF is what providers send; the standard allows the other two. */
export const FRAMINGS: readonly (readonly [string, (stream: string) => string])[] = [
  ['LF', (stream) => stream],
  ['CRLF', (stream) => stream.replaceAll('\n', '\r\n')],
  ['CR', (stream) => stream.replaceAll('\n', '\r')],
];
