// Chat and legacy completions report usage in a chunk of its own, before the end of the stream. We always ask for it; a
// client that did not must not see it, since many index choices[0] of every chunk without looking.
import { type Edit, inserting, replacing } from './body-splice.ts';
import { hasContent } from './json-cursor.ts';
import { membersWithin } from './json-members.ts';
import { isJsonArray, isJsonObject, parseJson } from './json-values.ts';
import { refuseValue } from './refusal.ts';
import { type RequestBody, refuseAmbiguity } from './request-body.ts';
import { flagOf } from './request-values.ts';
import { SseEvents } from './sse-text.ts';

/** Whether the client itself asked for the usage chunk of its stream. */
export function wantsUsageChunk(request: RequestBody): boolean {
  const options = request.values.stream_options;
  return isJsonObject(options) && flagOf(options, 'include_usage', 'stream_options.');
}

/** Makes the provider report usage; null where the client has asked for it already. */
export function usageEditOf(request: RequestBody): Edit | null {
  const span = request.members.spans.get('stream_options');
  if (span === undefined) return inserting(request.members.firstAt, '"stream_options":{"include_usage":true},');
  const options = request.values.stream_options;
  if (options === null) return replacing(span, '{"include_usage":true}');
  if (!isJsonObject(options)) refuseValue('stream_options', '"stream_options" must be an object.');
  const inner = membersWithin(request.text, span.start, span.end, ['include_usage']);
  refuseAmbiguity(inner, 'stream_options.');
  const flag = inner.spans.get('include_usage');
  if (flag !== undefined) return flagOf(options, 'include_usage', 'stream_options.') ? null : replacing(flag, 'true');
  return inserting(
    inner.firstAt,
    hasContent(request.text, span.start) ? '"include_usage":true,' : '"include_usage":true',
  );
}

export function withoutUsageChunk(held: string): string {
  const events = new SseEvents();
  let kept = '';
  let from = 0;
  events.open(held);
  while (events.next()) {
    if (!isUsageChunk(events)) continue;
    kept += held.slice(from, events.start);
    from = events.end;
  }
  return kept + held.slice(from);
}

function isUsageChunk({ data, dataStart, dataEnd }: SseEvents): boolean {
  const text = dataStart === -1 ? '' : data.slice(dataStart, dataEnd);
  // Every stream ends with [DONE], which is no JSON: to learn that by JSON.parse's error cost a tenth of the whole answer.
  if (!text.includes('"usage"')) return false;
  const chunk = parseJson(text);
  if (!isJsonObject(chunk) || !isJsonArray(chunk.choices)) return false;
  return chunk.choices.length === 0 && isJsonObject(chunk.usage);
}
