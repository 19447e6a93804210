// POST /v1/chat/completions. Streamed answers of n > 1 are interleaved, as they are in reality: the first finish_reason of a
// stream is not its end.
import { type Ask, inputAsked, listAsked, modelAsked, type ToolOffer, toolsAsked, wholeAsked } from './ask.ts';
import { answerStream, answerWhole, CLOSING, type Exchange, type Step } from './exchange.ts';
import { type JsonObject, listOf, objectOf, textOf } from './json-body.ts';
import type { MeteredUsage } from './meter-file.ts';
import { chatErrors, envelope, event, FINISH_REASONS, interleaved } from './openai-wire.ts';
import { joined, joinedPieces, type Plan, type PlannedAnswer, planAnswers, type Segment } from './plan.ts';
import { chatUsage, usageMember } from './stated-usage.ts';
import { frame } from './wire-style.ts';

export async function chatCompletions(exchange: Exchange): Promise<void> {
  const { body, attemptId, fault } = exchange;
  const plan = planAnswers(attemptId, readAsk(exchange), fault);
  const errors = chatErrors(exchange, 'chat.completion.chunk');
  if (body.stream === true) return answerStream(exchange, plan, errors, chatSteps(exchange, plan));
  return answerWhole(exchange, plan, errors, (usage) => ({
    ...envelope(exchange, 'chat.completion'),
    choices: plan.answers.map(wholeChoice),
    ...usageMember(chatUsage(usage), fault),
    service_tier: 'default',
  }));
}

function readAsk({ body, bodyText }: Exchange): Ask {
  const asked = modelAsked(body, 'chat');
  const messages = listAsked(body, 'messages');
  const offers = listOf(body.tools).flatMap(chatTool);
  const last = objectOf(messages.at(-1));
  return {
    model: asked,
    inputTokens: inputAsked(asked, { messages, besides: null, bodyText, hasTools: offers.length > 0 }),
    outputCap: wholeAsked(body, ['max_completion_tokens', 'max_tokens'], 1e9),
    answers: wholeAsked(body, ['n'], 128) ?? 1,
    tools: toolsAsked(offers, body.tool_choice, last?.role === 'tool'),
    parallelTools: body.parallel_tool_calls !== false,
    json: textOf(objectOf(body.response_format)?.type).startsWith('json'),
    thinks: asked.reasons,
    reasoningMeter: 'reasoning',
    writesCache: false,
  };
}

function chatTool(tool: unknown): ToolOffer[] {
  const definition = objectOf(objectOf(tool)?.function);
  if (definition === null || textOf(definition.name) === '') return [];
  return [{ name: textOf(definition.name), schema: objectOf(definition.parameters) ?? {} }];
}

function wholeChoice(answer: PlannedAnswer, index: number): JsonObject {
  const { segments } = answer;
  const reasoning = joined(segments, 'reasoning');
  const calls = segments.filter((segment) => segment.kind === 'tool');
  const content = joined(segments, 'text');
  const message = {
    role: 'assistant',
    content: calls.length > 0 ? null : content,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            id: `call_${call.callId}`,
            type: 'function',
            function: { name: call.name, arguments: joinedPieces(call) },
          })),
        }),
  };
  return { index, message, logprobs: null, finish_reason: FINISH_REASONS[answer.end] };
}

function* chatSteps(exchange: Exchange, plan: Plan): Generator<Step> {
  const { body, fault, style } = exchange;
  const asked = objectOf(body.stream_options)?.include_usage === true;
  const ends = plan.answers.length;
  let ended = 0;
  for (const delta of interleaved(plan.answers.map(deltas))) {
    if (delta.finish !== null) ended++;
    const stateUsage = asked && (style.usage === 'running' || (style.usage === 'with-finish' && ended === ends));
    yield {
      meter: delta.meter,
      outputTokens: delta.outputTokens,
      final: ended === ends,
      event: (usage) => chunk(exchange, [choice(delta)], asked ? (stateUsage ? usage : 'null') : 'absent'),
    };
  }
  if (asked && style.usage !== 'with-finish') yield { ...CLOSING, event: (usage) => chunk(exchange, [], usage) };
  if (!fault.noDone) yield { ...CLOSING, event: () => frame(null, '[DONE]', style) };
}

interface Delta {
  readonly index: number;
  readonly delta: JsonObject;
  readonly finish: string | null;
  readonly meter: Step['meter'];
  readonly outputTokens: number;
}

function* deltas(answer: PlannedAnswer, index: number): Generator<Delta> {
  const plain = { index, finish: null, meter: 'output', outputTokens: 0 } as const;
  yield { ...plain, delta: { role: 'assistant', content: '', refusal: null } };
  let toolIndex = -1;
  for (const segment of answer.segments) {
    if (segment.kind === 'tool') {
      toolIndex++;
      const opening = { index: toolIndex, id: `call_${segment.callId}`, type: 'function' };
      const named = { ...opening, function: { name: segment.name, arguments: '' } };
      yield { ...plain, outputTokens: segment.openingTokens, delta: { tool_calls: [named] } };
    }
    for (const { text, outputTokens } of segment.pieces()) {
      yield { ...plain, meter: segment.meter, outputTokens, delta: deltaOf(segment, text, toolIndex) };
    }
  }
  yield { ...plain, delta: {}, finish: FINISH_REASONS[answer.end] };
}

function deltaOf(segment: Segment, text: string, toolIndex: number): JsonObject {
  if (segment.kind === 'text') return { content: text };
  if (segment.kind === 'reasoning') return { reasoning_content: text };
  return { tool_calls: [{ index: toolIndex, function: { arguments: text } }] };
}

function choice(delta: Delta): JsonObject {
  return { index: delta.index, delta: delta.delta, logprobs: null, finish_reason: delta.finish };
}

function chunk(exchange: Exchange, choices: readonly JsonObject[], usage: MeteredUsage | 'null' | 'absent'): string {
  const member =
    usage === 'absent' ? {} : usage === 'null' ? { usage: null } : usageMember(chatUsage(usage), exchange.fault);
  return event({ ...envelope(exchange, 'chat.completion.chunk'), choices, ...member }, exchange.style);
}
