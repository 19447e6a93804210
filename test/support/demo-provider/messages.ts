// POST /v1/messages and its count_tokens. message_start already states output: the first token, which the cumulative figure of
// message_delta contains, so whoever adds the two has counted it twice.
import { type Ask, inputAsked, listAsked, missing, modelAsked, type ToolOffer, toolsAsked, wholeAsked } from './ask.ts';
import { draw } from './chance.ts';
import {
  answerStream,
  answerWhole,
  CLOSING,
  type Exchange,
  SILENT,
  type Step,
  type SurfaceErrors,
} from './exchange.ts';
import { type JsonObject, listOf, objectOf, textOf } from './json-body.ts';
import type { MeteredUsage } from './meter-file.ts';
import { joinedPieces, type Plan, type PlannedAnswer, planAnswers, plannedUsage, type Segment } from './plan.ts';
import { messagesUsage, usageMember } from './stated-usage.ts';
import { encode, frame } from './wire-style.ts';

export async function messages(exchange: Exchange): Promise<void> {
  const { body, attemptId, fault } = exchange;
  if (body.max_tokens === undefined) throw missing('max_tokens');
  const plan = planAnswers(attemptId, readAsk(exchange), fault);
  const errors = messagesErrors(exchange);
  if (body.stream === true) return answerStream(exchange, plan, errors, steps(exchange, plan));
  return answerWhole(exchange, plan, errors, (usage) => ({
    ...message(exchange),
    content: plan.answers.flatMap((answer) => answer.segments.map(wholeBlock)),
    stop_reason: plan.answers[0] === undefined ? null : STOP_REASONS[plan.answers[0].end],
    ...usageMember(messagesUsage(usage, attemptId), fault),
  }));
}

/** Free, and not metered. */
export async function countTokens(exchange: Exchange): Promise<void> {
  const { inputTokens } = readAsk(exchange);
  const headers = { ...exchange.headers, 'content-type': 'application/json' };
  return exchange.sink.sendWhole(200, headers, encode({ input_tokens: inputTokens }, exchange.style));
}

function readAsk({ body, bodyText }: Exchange): Ask {
  const asked = modelAsked(body, 'chat');
  const turns = listAsked(body, 'messages');
  const offers = listOf(body.tools).flatMap(messagesTool);
  const choice = objectOf(body.tool_choice);
  return {
    model: asked,
    inputTokens: inputAsked(asked, { messages: turns, besides: body.system, bodyText, hasTools: offers.length > 0 }),
    outputCap: wholeAsked(body, ['max_tokens'], 1e9),
    answers: 1,
    tools: toolsAsked(offers, choice, isToolResult(turns.at(-1))),
    parallelTools: choice?.disable_parallel_tool_use !== true,
    json: false,
    thinks: ['enabled', 'adaptive'].includes(textOf(objectOf(body.thinking)?.type)),
    reasoningMeter: 'output',
    writesCache: asked.writesCache,
  };
}

function messagesTool(tool: unknown): ToolOffer[] {
  const definition = objectOf(tool);
  if (definition === null || textOf(definition.name) === '') return [];
  return [{ name: textOf(definition.name), schema: objectOf(definition.input_schema) ?? {} }];
}

function isToolResult(turn: unknown): boolean {
  return listOf(objectOf(turn)?.content).some((block) => objectOf(block)?.type === 'tool_result');
}

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tools: 'tool_use' } as const;
const SIGNATURE = Buffer.from('demo provider: signed thinking').toString('base64');

function message({ attemptId, body }: Exchange): JsonObject {
  return {
    id: `msg_${attemptId}`,
    type: 'message',
    role: 'assistant',
    model: body.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function wholeBlock(segment: Segment): JsonObject {
  const text = joinedPieces(segment);
  if (segment.kind === 'tool') {
    const whole = text.endsWith('}'); // cut short by the cap, the arguments are no JSON
    return {
      type: 'tool_use',
      id: `toolu_${segment.callId}`,
      name: segment.name,
      input: whole ? JSON.parse(text) : {},
    };
  }
  return segment.kind === 'text' ? { type: 'text', text } : { type: 'thinking', thinking: text, signature: SIGNATURE };
}

function* steps(exchange: Exchange, plan: Plan): Generator<Step> {
  const { attemptId, fault } = exchange;
  const opening = Math.min(1, plannedUsage(plan).output);
  const started = (usage: MeteredUsage) => usageMember(messagesUsage(usage, attemptId), fault);
  yield {
    meter: 'output',
    outputTokens: opening,
    final: false,
    event: (usage) => named(exchange, { type: 'message_start', message: { ...message(exchange), ...started(usage) } }),
  };
  yield silent(exchange, { type: 'ping' });
  const [answer] = plan.answers;
  if (answer === undefined) return;
  yield* withoutFirst(opening, blockSteps(exchange, answer));
  const delta = { stop_reason: STOP_REASONS[answer.end], stop_sequence: null };
  yield {
    ...CLOSING,
    event: (usage) =>
      named(exchange, { type: 'message_delta', delta, ...usageMember(lastUsage(usage, attemptId), fault) }),
  };
  if (!fault.noDone) yield { ...CLOSING, event: () => named(exchange, { type: 'message_stop' }) };
}

/** The same steps, less the tokens that were already generated. */
function* withoutFirst(outputTokens: number, source: Iterable<Step>): Generator<Step> {
  let generated = outputTokens;
  for (const step of source) {
    const known = Math.min(generated, step.outputTokens);
    generated -= known;
    yield { ...step, outputTokens: step.outputTokens - known };
  }
}

function* blockSteps(exchange: Exchange, answer: PlannedAnswer): Generator<Step> {
  for (const [index, segment] of answer.segments.entries()) {
    const start = { type: 'content_block_start', index, content_block: emptyBlock(segment) };
    const openingTokens = segment.kind === 'tool' ? segment.openingTokens : 0;
    yield { ...silent(exchange, start), outputTokens: openingTokens };
    for (const { text, outputTokens } of segment.pieces()) {
      const delta = { type: 'content_block_delta', index, delta: deltaOf(segment, text) };
      yield { ...silent(exchange, delta), outputTokens };
    }
    if (segment.kind === 'reasoning') {
      const signature = { type: 'signature_delta', signature: SIGNATURE };
      yield silent(exchange, { type: 'content_block_delta', index, delta: signature });
    }
    yield silent(exchange, { type: 'content_block_stop', index });
  }
}

function silent(exchange: Exchange, data: JsonObject): Step {
  return { ...SILENT, event: () => named(exchange, data) };
}

function emptyBlock(segment: Segment): JsonObject {
  if (segment.kind === 'tool')
    return { type: 'tool_use', id: `toolu_${segment.callId}`, name: segment.name, input: {} };
  return segment.kind === 'text' ? { type: 'text', text: '' } : { type: 'thinking', thinking: '', signature: '' };
}

function deltaOf(segment: Segment, text: string): JsonObject {
  if (segment.kind === 'text') return { type: 'text_delta', text };
  if (segment.kind === 'reasoning') return { type: 'thinking_delta', thinking: text };
  return { type: 'input_json_delta', partial_json: text };
}

/** The API of today repeats the input classes at the end, that of yesterday did not. */
function lastUsage(usage: MeteredUsage, attemptId: string): JsonObject {
  const full = messagesUsage(usage, attemptId);
  return draw(attemptId, 'last-usage') % 2 === 0 ? full : { output_tokens: full.output_tokens };
}

function named({ style }: Exchange, data: JsonObject): string {
  return frame(textOf(data.type), encode(data, style), style);
}

function messagesErrors(exchange: Exchange): SurfaceErrors {
  const error = { type: 'overloaded_error', message: 'Overloaded' };
  const body = { type: 'error', error, request_id: exchange.requestId };
  return { body, event: named(exchange, body), idle: { name: 'ping', data: { type: 'ping' } } };
}
