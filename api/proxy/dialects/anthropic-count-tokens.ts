// Anthropic's token counting: the request of a message without its cap, an answer with one number. Providers do it for
// nothing, and so do we: its usage is an explicit zero.
import type { AnswerFacts, Dialect } from '../dialect.ts';
import { anthropicMessages, openMessages, promptBytes } from './anthropic-messages.ts';
import { type SpliceableFacts, splicePoints, spliceRequest } from './body-splice.ts';
import { modelIdOf } from './request-values.ts';

/** Routed to channels that speak anthropic-messages, hence the same id. */
export const anthropicCountTokens: Dialect = {
  ...anthropicMessages,
  upstreamPath: '/messages/count_tokens',
  readRequest,
  rewriteRequest: (body, facts, order) => spliceRequest(body, facts, { ...order, outputCap: null }, 'max_tokens'),
  readAnswer,
};

function readRequest(body: Buffer): SpliceableFacts {
  const request = openMessages(body);
  return {
    modelId: modelIdOf(request.values),
    streamed: false,
    askedOutputTokens: null,
    minimumOutputTokens: 0,
    answers: 1,
    contentBytes: promptBytes(request),
    wantsUsageChunk: false,
    splice: splicePoints(request, null, null),
  };
}

function readAnswer(body: Buffer): AnswerFacts {
  const facts = anthropicMessages.readAnswer(body);
  return facts.error === null ? { ...facts, usage: { input: 0, output: 0 }, empty: false } : facts;
}
