// OpenAI's Responses API, stateless: what would leave state or a running job at the provider is refused, because the next
// request may go to another channel, and because all customers of a channel share one account there.
import type { Dialect } from '../dialect.ts';
import { type SpliceableFacts, splicePoints, spliceRequest } from './body-splice.ts';
import { responsesErrorAnswer, responsesErrorEvent } from './error-answers.ts';
import { isJsonArray, isJsonObject, type JsonObject } from './json-values.ts';
import { openaiHeaders } from './openai-headers.ts';
import { ResponseReader } from './openai-response-reader.ts';
import { outputCap } from './output-cap.ts';
import { errorFromBody } from './provider-errors.ts';
import { refuseValue } from './refusal.ts';
import { memberBytes, openBody } from './request-body.ts';
import { flagOf, modelIdOf, PRICED_OPTIONS, refuseUnsoldOptions } from './request-values.ts';
import { textBytes } from './text-bytes.ts';

const CAP_NAME = 'max_output_tokens';
// OpenAI refuses a smaller cap, so lowering to less would turn a request that fits into the provider's 400.
const SMALLEST_CAP = 16;
const STATE = ['previous_response_id', 'conversation'];
const GOVERNED = ['model', 'input', 'stream', CAP_NAME, 'tools', 'background', ...STATE, ...PRICED_OPTIONS];

export const openaiResponses: Dialect = {
  id: 'openai-responses',
  upstreamPath: '/responses',
  errorFamily: 'openai',
  readRequest,
  rewriteRequest: (body, facts, order) => spliceRequest(body, facts, order, CAP_NAME),
  upstreamHeaders: (credential) => openaiHeaders(credential),
  readAnswer: (body) => new ResponseReader().readBody(body),
  readError: errorFromBody,
  newStreamReader: () => new ResponseReader(),
  heldTail: (held) => held,
  errorAnswer: responsesErrorAnswer,
  errorEvent: responsesErrorEvent,
  keepAlive: ': keep-alive\n\n',
};

function readRequest(body: Buffer): SpliceableFacts {
  const request = openBody(body, GOVERNED);
  const { values } = request;
  refuseChatShape(values);
  refuseState(values);
  refuseUnsoldOptions(values);
  const cap = outputCap(request, [CAP_NAME]);
  return {
    modelId: modelIdOf(values),
    streamed: flagOf(values, 'stream'),
    askedOutputTokens: cap.asked,
    minimumOutputTokens: Math.min(SMALLEST_CAP, cap.asked ?? SMALLEST_CAP),
    answers: 1,
    contentBytes: textBytes(values.instructions) + textBytes(values.input) + memberBytes(request, 'tools'),
    wantsUsageChunk: false,
    splice: splicePoints(request, cap.span, null),
  };
}

function refuseChatShape(values: JsonObject): void {
  const { input } = values;
  if (typeof input === 'string' || (isJsonArray(input) && input.length > 0)) return;
  // A prompt that is stored at the provider may be all there is.
  if (input === undefined && isJsonObject(values.prompt)) return;
  if (input === undefined && values.messages !== undefined) {
    refuseValue(
      'input',
      'This is a chat body ("messages" without "input"). Send it to POST /v1/chat/completions, or send "input".',
    );
  }
  refuseValue('input', '"input" must be a text, or an array of at least one item.');
}

function refuseState(values: JsonObject): void {
  if (flagOf(values, 'background')) {
    refuseValue(
      'background',
      'Background responses are not offered. Leave "background" out and read the answer at once.',
    );
  }
  for (const name of STATE) {
    if ((values[name] ?? null) === null) continue;
    refuseValue(name, `"${name}" is not offered: no conversation is kept. Leave it out and send all items in "input".`);
  }
}
