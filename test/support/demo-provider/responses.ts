// POST /v1/responses. The whole response object travels in the first and last events; only the last one, response.completed
// or response.incomplete, has its usage.
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
import { joinedPieces, type Plan, planAnswers, type Segment } from './plan.ts';
import { closingEvents, openingEvents, outputItem, textEvent } from './response-items.ts';
import { responsesUsage, usageMember } from './stated-usage.ts';
import { encode, frame } from './wire-style.ts';

export async function responses(exchange: Exchange): Promise<void> {
  const { body, attemptId, fault } = exchange;
  const plan = planAnswers(attemptId, readAsk(exchange), fault);
  const errors = responsesErrors(exchange);
  if (body.stream === true) return answerStream(exchange, plan, errors, steps(exchange, plan));
  return answerWhole(exchange, plan, errors, (usage) => ({
    ...finished(exchange, plan),
    ...usageMember(responsesUsage(usage), fault),
  }));
}

function readAsk({ body, bodyText }: Exchange): Ask {
  const asked = modelAsked(body, 'chat');
  if (body.input === undefined) throw missing('input');
  const items = typeof body.input === 'string' ? [{ content: body.input }] : listAsked(body, 'input');
  const offers = listOf(body.tools).flatMap(responsesTool);
  const counts = { messages: items, besides: body.instructions, bodyText, hasTools: offers.length > 0 };
  return {
    model: asked,
    inputTokens: inputAsked(asked, counts),
    outputCap: wholeAsked(body, ['max_output_tokens'], 1e9),
    answers: 1,
    tools: toolsAsked(offers, body.tool_choice, objectOf(items.at(-1))?.type === 'function_call_output'),
    parallelTools: body.parallel_tool_calls !== false,
    json: textOf(objectOf(objectOf(body.text)?.format)?.type).startsWith('json'),
    thinks: asked.reasons,
    reasoningMeter: 'reasoning',
    writesCache: false,
  };
}

function responsesTool(tool: unknown): ToolOffer[] {
  const definition = objectOf(tool);
  if (definition?.type !== 'function' || textOf(definition.name) === '') return [];
  return [{ name: textOf(definition.name), schema: objectOf(definition.parameters) ?? {} }];
}

function* steps(exchange: Exchange, plan: Plan): Generator<Step> {
  const numbered = numberedEvents(exchange);
  const response = unfinished(exchange);
  yield { ...SILENT, event: () => numbered({ type: 'response.created', response }) };
  yield { ...SILENT, event: () => numbered({ type: 'response.in_progress', response }) };
  for (const [index, segment] of segmentsOf(plan).entries()) yield* itemSteps(exchange, segment, index, numbered);
  const done = finished(exchange, plan);
  const type = done.status === 'completed' ? 'response.completed' : 'response.incomplete';
  yield {
    ...CLOSING,
    event: (usage) => {
      const stated = usageMember(responsesUsage(usage), exchange.fault);
      return numbered({ type, response: { ...done, ...stated } });
    },
  };
}

function* itemSteps(exchange: Exchange, segment: Segment, index: number, numbered: NumberedEvent): Generator<Step> {
  const place = { attemptId: exchange.attemptId, segment, index };
  const openingTokens = segment.kind === 'tool' ? segment.openingTokens : 0;
  for (const [at, data] of openingEvents(place).entries()) {
    yield { ...SILENT, outputTokens: at === 0 ? openingTokens : 0, event: () => numbered(data) };
  }
  for (const { text, outputTokens } of segment.pieces()) {
    yield { meter: segment.meter, outputTokens, final: false, event: () => numbered(textEvent(place, text)) };
  }
  for (const data of closingEvents(place, joinedPieces(segment))) {
    yield { ...SILENT, event: () => numbered(data) };
  }
}

type NumberedEvent = (data: JsonObject) => string;

function numberedEvents({ style }: Exchange): NumberedEvent {
  let sequenceNumber = 0;
  return (data) => frame(textOf(data.type), encode({ ...data, sequence_number: sequenceNumber++ }, style), style);
}

function unfinished({ attemptId, body }: Exchange): JsonObject {
  return {
    id: `resp_${attemptId}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model: body.model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls !== false,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    metadata: {},
  };
}

function finished(exchange: Exchange, plan: Plan): JsonObject {
  const { attemptId } = exchange;
  const incomplete = plan.answers.some((answer) => answer.end === 'length');
  const { usage: _unstated, ...response } = unfinished(exchange);
  return {
    ...response,
    status: incomplete ? 'incomplete' : 'completed',
    incomplete_details: incomplete ? { reason: 'max_output_tokens' } : null,
    output: segmentsOf(plan).map((segment, index) => outputItem({ attemptId, segment, index }, joinedPieces(segment))),
  };
}

function segmentsOf(plan: Plan): readonly Segment[] {
  return plan.answers.flatMap((answer) => answer.segments);
}

/** A stream may fail by an event of its own or by a response that failed; real ones do both. */
function responsesErrors(exchange: Exchange): SurfaceErrors {
  const { attemptId, style } = exchange;
  const message = 'The server had an error while processing your request. Sorry about that!';
  const error = { code: 'server_error', message };
  const data: JsonObject =
    draw(attemptId, 'error') % 2 === 0
      ? { type: 'error', ...error, param: null, sequence_number: 0 }
      : { type: 'response.failed', response: { ...unfinished(exchange), status: 'failed', error }, sequence_number: 0 };
  return {
    body: { error: { message, type: 'server_error', param: null, code: 'server_error' } },
    event: frame(textOf(data.type), encode(data, style), style),
    idle: { name: 'response.in_progress', data: { type: 'response.in_progress', response: unfinished(exchange) } },
  };
}
