// OpenAI chat completions, and the many servers that speak the same.
import type { Dialect } from '../dialect.ts';
import { type SpliceableFacts, splicePoints, spliceRequest } from './body-splice.ts';
import { openaiErrorAnswer, openaiErrorEvent } from './error-answers.ts';
import { isJsonArray, type JsonObject } from './json-values.ts';
import { ChunkReader } from './openai-chunk-reader.ts';
import { openaiHeaders } from './openai-headers.ts';
import { outputCap } from './output-cap.ts';
import { errorFromBody } from './provider-errors.ts';
import { refuseValue } from './refusal.ts';
import { memberBytes, openBody } from './request-body.ts';
import { answersOf, flagOf, modelIdOf, PRICED_OPTIONS, refuseUnsoldOptions, thinkingFloor } from './request-values.ts';
import { textBytes } from './text-bytes.ts';
import { usageEditOf, wantsUsageChunk, withoutUsageChunk } from './usage-chunk.ts';

const CAP_NAMES = ['max_tokens', 'max_completion_tokens'];
const GOVERNED = [
  'model',
  'messages',
  'stream',
  'stream_options',
  ...CAP_NAMES,
  'n',
  'thinking',
  'tools',
  'functions',
  ...PRICED_OPTIONS,
];

export const openaiChat: Dialect = {
  id: 'openai-chat',
  upstreamPath: '/chat/completions',
  errorFamily: 'openai',
  readRequest,
  rewriteRequest: (body, facts, order) => spliceRequest(body, facts, order, order.outputCapField ?? 'max_tokens'),
  upstreamHeaders: (credential) => openaiHeaders(credential),
  readAnswer: (body) => new ChunkReader(1).readBody(body),
  readError: errorFromBody,
  newStreamReader: (facts) => new ChunkReader(facts.answers),
  heldTail: (held, facts) => (facts.wantsUsageChunk ? held : withoutUsageChunk(held)),
  errorAnswer: openaiErrorAnswer,
  errorEvent: openaiErrorEvent,
  keepAlive: ': keep-alive\n\n',
};

function readRequest(body: Buffer): SpliceableFacts {
  const request = openBody(body, GOVERNED);
  const { values } = request;
  refuseOtherSurfaces(values);
  refuseUnsoldOptions(values);
  const cap = outputCap(request, CAP_NAMES);
  const streamed = flagOf(values, 'stream');
  return {
    modelId: modelIdOf(values),
    streamed,
    askedOutputTokens: cap.asked,
    minimumOutputTokens: thinkingFloor(values, cap.asked),
    answers: answersOf(values, 'n'),
    contentBytes: textBytes(values.messages) + memberBytes(request, 'tools') + memberBytes(request, 'functions'),
    wantsUsageChunk: streamed && wantsUsageChunk(request),
    splice: splicePoints(request, cap.span, streamed ? usageEditOf(request) : null),
  };
}

function refuseOtherSurfaces(values: JsonObject): void {
  if (isJsonArray(values.messages) && values.messages.length > 0) return;
  if (values.messages === undefined && values.input !== undefined) {
    refuseValue(
      'messages',
      'This is a body of the Responses API ("input" without "messages"). Send it to POST /v1/responses, or send "messages".',
    );
  }
  refuseValue('messages', '"messages" must be an array of at least one message.');
}
