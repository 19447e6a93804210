// OpenAI's legacy text completions, which local model servers still speak.
import type { Dialect } from '../dialect.ts';
import { type SpliceableFacts, splicePoints, spliceRequest } from './body-splice.ts';
import type { JsonObject } from './json-values.ts';
import { openaiChat } from './openai-chat.ts';
import { outputCap } from './output-cap.ts';
import { promptsOf } from './prompts.ts';
import { refuseValue } from './refusal.ts';
import { openBody } from './request-body.ts';
import { answersOf, flagOf, modelIdOf, PRICED_OPTIONS, refuseUnsoldOptions } from './request-values.ts';
import { textBytes } from './text-bytes.ts';
import { usageEditOf, wantsUsageChunk } from './usage-chunk.ts';

const CAP_NAMES = ['max_tokens'];
const GOVERNED = ['model', 'prompt', 'stream', 'stream_options', ...CAP_NAMES, 'n', 'best_of', ...PRICED_OPTIONS];

export const openaiCompletions: Dialect = {
  ...openaiChat,
  id: 'openai-completions',
  upstreamPath: '/completions',
  readRequest,
  rewriteRequest: (body, facts, order) => spliceRequest(body, facts, order, 'max_tokens'),
};

function readRequest(body: Buffer): SpliceableFacts {
  const request = openBody(body, GOVERNED);
  const { values } = request;
  refuseChatShape(values);
  refuseUnsoldOptions(values);
  const cap = outputCap(request, CAP_NAMES);
  const streamed = flagOf(values, 'stream');
  const prompts = promptsOf(values, 'prompt');
  return {
    modelId: modelIdOf(values),
    streamed,
    askedOutputTokens: cap.asked,
    minimumOutputTokens: 1,
    answers: prompts.count * candidatesOf(values, streamed),
    contentBytes: prompts.bytes + textBytes(values.suffix),
    wantsUsageChunk: streamed && wantsUsageChunk(request),
    splice: splicePoints(request, cap.span, streamed ? usageEditOf(request) : null),
  };
}

/** best_of generates, and bills, more candidates than it returns. */
function candidatesOf(values: JsonObject, streamed: boolean): number {
  const returned = answersOf(values, 'n');
  const generated = answersOf(values, 'best_of');
  if (streamed && generated > returned) refuseValue('best_of', '"best_of" above "n" cannot be streamed. Leave it out.');
  return Math.max(returned, generated);
}

function refuseChatShape(values: JsonObject): void {
  if (values.prompt !== undefined || values.messages === undefined) return;
  refuseValue('prompt', 'This is a chat body ("messages" without "prompt"). Send it to POST /v1/chat/completions.');
}
