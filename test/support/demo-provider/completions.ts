// POST /v1/completions, the legacy surface: a prompt, and text.
import { type Ask, inputAsked, missing, modelAsked, wholeAsked } from './ask.ts';
import { answerStream, answerWhole, CLOSING, type Exchange, type Step } from './exchange.ts';
import { type JsonObject, objectOf } from './json-body.ts';
import { chatErrors, envelope, event, FINISH_REASONS, interleaved } from './openai-wire.ts';
import { joined, type Plan, type PlannedAnswer, planAnswers } from './plan.ts';
import { chatUsage, usageMember } from './stated-usage.ts';
import { frame } from './wire-style.ts';

export async function completions(exchange: Exchange): Promise<void> {
  const { body, attemptId, fault } = exchange;
  const plan = planAnswers(attemptId, readAsk(exchange), fault);
  const errors = chatErrors(exchange, 'text_completion');
  if (body.stream === true) return answerStream(exchange, plan, errors, steps(exchange, plan));
  return answerWhole(exchange, plan, errors, (usage) => ({
    ...envelope(exchange, 'text_completion'),
    choices: plan.answers.map((answer, index) =>
      choice(index, joined(answer.segments, 'text'), FINISH_REASONS[answer.end]),
    ),
    ...usageMember(chatUsage(usage), fault),
  }));
}

function readAsk({ body, bodyText }: Exchange): Ask {
  const asked = modelAsked(body, 'chat');
  if (body.prompt === undefined) throw missing('prompt');
  return {
    model: asked,
    inputTokens: inputAsked(asked, { messages: [], besides: body.prompt, bodyText, hasTools: false }),
    outputCap: wholeAsked(body, ['max_tokens'], 1e9),
    answers: wholeAsked(body, ['n'], 128) ?? 1,
    tools: [],
    parallelTools: false,
    json: false,
    thinks: false,
    reasoningMeter: 'reasoning',
    writesCache: false,
  };
}

function choice(index: number, text: string, finishReason: string | null): JsonObject {
  return { index, text, logprobs: null, finish_reason: finishReason };
}

function* steps(exchange: Exchange, plan: Plan): Generator<Step> {
  const { body, fault, style } = exchange;
  const asked = objectOf(body.stream_options)?.include_usage === true;
  const head = envelope(exchange, 'text_completion');
  const without = asked ? { usage: null } : {};
  let ended = 0;
  for (const part of interleaved(plan.answers.map(parts))) {
    if (part.choice.finish_reason !== null) ended++;
    const { outputTokens } = part;
    const final = ended === plan.answers.length;
    yield {
      meter: 'output',
      outputTokens,
      final,
      event: () => event({ ...head, choices: [part.choice], ...without }, style),
    };
  }
  if (asked) {
    yield {
      ...CLOSING,
      event: (usage) => event({ ...head, choices: [], ...usageMember(chatUsage(usage), fault) }, style),
    };
  }
  if (!fault.noDone) yield { ...CLOSING, event: () => frame(null, '[DONE]', style) };
}

interface Part {
  readonly choice: JsonObject;
  readonly outputTokens: number;
}

function* parts(answer: PlannedAnswer, index: number): Generator<Part> {
  for (const segment of answer.segments) {
    for (const { text, outputTokens } of segment.pieces()) {
      yield { choice: choice(index, text, null), outputTokens };
    }
  }
  yield { choice: choice(index, '', FINISH_REASONS[answer.end]), outputTokens: 0 };
}
