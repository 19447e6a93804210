// The items of a Responses answer (reasoning, message, function call) and the events that open, fill and close each.
import type { JsonObject } from './json-body.ts';
import type { Segment } from './plan.ts';

export interface Place {
  readonly attemptId: string;
  readonly segment: Segment;
  readonly index: number;
}

export function openingEvents(place: Place): JsonObject[] {
  const item = { ...outputItem(place, ''), status: 'in_progress', ...EMPTY[place.segment.kind] };
  const added = { type: 'response.output_item.added', output_index: place.index, item };
  if (place.segment.kind === 'tool') return [added];
  const part = { ...at(place), part: partOf(place.segment, '') };
  return [added, { type: PART_EVENTS[place.segment.kind].added, ...part }];
}

export function textEvent(place: Place, delta: string): JsonObject {
  return { type: TEXT_EVENTS[place.segment.kind].delta, ...at(place), delta };
}

export function closingEvents(place: Place, text: string): JsonObject[] {
  const { segment, index } = place;
  const done = { type: 'response.output_item.done', output_index: index, item: outputItem(place, text) };
  const whole = segment.kind === 'tool' ? { arguments: text, name: segment.name } : { text };
  const filled = { type: TEXT_EVENTS[segment.kind].done, ...at(place), ...whole };
  if (segment.kind === 'tool') return [filled, done];
  return [filled, { type: PART_EVENTS[segment.kind].done, ...at(place), part: partOf(segment, text) }, done];
}

export function outputItem(place: Place, text: string): JsonObject {
  const { segment } = place;
  const id = itemId(place);
  if (segment.kind === 'tool') {
    const call = { call_id: `call_${segment.callId}`, name: segment.name, arguments: text };
    return { id, type: 'function_call', status: 'completed', ...call };
  }
  if (segment.kind === 'reasoning') return { id, type: 'reasoning', summary: [partOf(segment, text)] };
  return { id, type: 'message', status: 'completed', role: 'assistant', content: [partOf(segment, text)] };
}

const EMPTY = { reasoning: { summary: [] }, text: { content: [] }, tool: {} } as const;

const PART_EVENTS = {
  reasoning: { added: 'response.reasoning_summary_part.added', done: 'response.reasoning_summary_part.done' },
  text: { added: 'response.content_part.added', done: 'response.content_part.done' },
} as const;

const TEXT_EVENTS = {
  reasoning: { delta: 'response.reasoning_summary_text.delta', done: 'response.reasoning_summary_text.done' },
  text: { delta: 'response.output_text.delta', done: 'response.output_text.done' },
  tool: { delta: 'response.function_call_arguments.delta', done: 'response.function_call_arguments.done' },
} as const;

function itemId({ attemptId, segment, index }: Place): string {
  return `${{ reasoning: 'rs', text: 'msg', tool: 'fc' }[segment.kind]}_${index}_${attemptId}`;
}

function at(place: Place): JsonObject {
  const { segment, index } = place;
  const item = { item_id: itemId(place), output_index: index };
  if (segment.kind === 'tool') return item;
  return segment.kind === 'text' ? { ...item, content_index: 0 } : { ...item, summary_index: 0 };
}

function partOf(segment: Segment, text: string): JsonObject {
  return segment.kind === 'text'
    ? { type: 'output_text', text, annotations: [], logprobs: [] }
    : { type: 'summary_text', text };
}
