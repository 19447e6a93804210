// Anthropic messages. The caller's API version and beta flags go upstream as they came: they change what the bytes mean.
import type { IncomingHttpHeaders } from 'node:http';
import type { Dialect } from '../dialect.ts';
import { MessageReader } from './anthropic-message-reader.ts';
import { type SpliceableFacts, splicePoints, spliceRequest } from './body-splice.ts';
import { anthropicErrorAnswer, anthropicErrorEvent } from './error-answers.ts';
import { isJsonArray, isJsonObject, type JsonObject } from './json-values.ts';
import { outputCap } from './output-cap.ts';
import { errorFromBody } from './provider-errors.ts';
import { refuseValue } from './refusal.ts';
import { memberBytes, openBody, type RequestBody } from './request-body.ts';
import { flagOf, modelIdOf, PRICED_OPTIONS, refuseUnsoldOptions, thinkingFloor } from './request-values.ts';
import { textBytes } from './text-bytes.ts';

const CAP_NAME = 'max_tokens';
const GOVERNED = ['model', 'messages', 'system', 'stream', CAP_NAME, 'thinking', 'tools', ...PRICED_OPTIONS];
const OLDEST_VERSION = '2023-06-01';
const OPENAI_ROLES: readonly unknown[] = ['tool', 'function', 'developer'];
const OPENAI_MEMBERS = ['max_completion_tokens', 'stream_options', 'response_format'];

export const anthropicMessages: Dialect = {
  id: 'anthropic-messages',
  upstreamPath: '/messages',
  errorFamily: 'anthropic',
  readRequest,
  rewriteRequest: (body, facts, order) => spliceRequest(body, facts, order, CAP_NAME),
  upstreamHeaders,
  readAnswer: (body) => new MessageReader().readBody(body),
  readError: errorFromBody,
  newStreamReader: () => new MessageReader(),
  heldTail: (held) => held,
  errorAnswer: anthropicErrorAnswer,
  errorEvent: anthropicErrorEvent,
  keepAlive: 'event: ping\ndata: {"type": "ping"}\n\n',
};

function readRequest(body: Buffer): SpliceableFacts {
  const request = openMessages(body);
  const { values } = request;
  const cap = outputCap(request, [CAP_NAME]);
  if (cap.asked === null) refuseValue(CAP_NAME, '"max_tokens" is required: the most tokens the answer may have.');
  return {
    modelId: modelIdOf(values),
    streamed: flagOf(values, 'stream'),
    askedOutputTokens: cap.asked,
    minimumOutputTokens: thinkingFloor(values, cap.asked),
    answers: 1,
    contentBytes: promptBytes(request),
    wantsUsageChunk: false,
    splice: splicePoints(request, cap.span, null),
  };
}

/** A body of the shape that messages and their counting share. */
export function openMessages(body: Buffer): RequestBody {
  const request = openBody(body, GOVERNED);
  refuseOpenaiShape(request.values);
  refuseUnsoldOptions(request.values);
  return request;
}

export function promptBytes(request: RequestBody): number {
  const { system, messages } = request.values;
  return textBytes(system) + textBytes(messages) + memberBytes(request, 'tools');
}

function upstreamHeaders(credential: string, callerHeaders: IncomingHttpHeaders): string[] {
  const beta = headerOf(callerHeaders, 'anthropic-beta');
  return [
    'x-api-key',
    credential,
    'anthropic-version',
    headerOf(callerHeaders, 'anthropic-version') ?? OLDEST_VERSION,
    ...(beta === null ? [] : ['anthropic-beta', beta]),
    'content-type',
    'application/json',
    'accept',
    'application/json, text/event-stream',
    // As for OpenAI: a compressed stream cannot be read along with.
    'accept-encoding',
    'identity',
  ];
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}

function refuseOpenaiShape(values: JsonObject): void {
  const { messages, tools } = values;
  const member = OPENAI_MEMBERS.find((name) => values[name] !== undefined);
  if (member !== undefined) refuseMismatch(member, `"${member}"`);
  if (messages === undefined && values.input !== undefined) {
    refuseValue(
      'messages',
      'This is a body of the Responses API ("input" without "messages"). Send it to POST /v1/responses.',
    );
  }
  if (!isJsonArray(messages) || messages.length === 0) {
    refuseValue('messages', '"messages" must be an array of at least one message.');
  }
  if (messages.some(isOpenaiMessage)) refuseMismatch('messages', 'a message with an OpenAI role or "tool_calls"');
  if (isJsonArray(tools) && tools.some((tool) => isJsonObject(tool) && isJsonObject(tool.function))) {
    refuseMismatch('tools', 'a tool with "function"');
  }
}

function isOpenaiMessage(message: unknown): boolean {
  return isJsonObject(message) && (OPENAI_ROLES.includes(message.role) || message.tool_calls !== undefined);
}

function refuseMismatch(param: string, sign: string): never {
  refuseValue(
    param,
    `This is an OpenAI chat body (it has ${sign}), and this is the Anthropic surface. Send it to POST /v1/chat/completions.`,
  );
}
