// Servers that end their last event without its blank line are heard all the same; an event that was cut in the middle is not.
import { isJsonObject, parseJson } from './json-values.ts';
import { SseEvents } from './sse-text.ts';

/** `rest`: what an upstream left behind its last blank line when it closed, decoded latin1. */
export function isWholeEvent(rest: string): boolean {
  const events = new SseEvents();
  events.open(rest);
  if (!events.next() || events.dataStart === -1) return false;
  const data = events.data.slice(events.dataStart, events.dataEnd);
  return data === '[DONE]' || isJsonObject(parseJson(data));
}
