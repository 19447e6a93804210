// Writes our errors in the two families that clients parse (ecosystem.md 2.1, 2.2). People paste the message into tickets,
// so the request id is in it as well as in the headers. All text is ASCII, others escaped: these strings may go out through
// a latin1 write beside relayed bytes, or through a UTF-8 one.
import type { TollgateError } from '../../../domain/errors.ts';

export interface ErrorAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export function openaiErrorAnswer(error: TollgateError, requestId: string): ErrorAnswer {
  return openaiAnswer(error, requestId, error.kind.status);
}

/** Codex retries a 402 six times and stops at a 429 with insufficient_quota, so this surface has statuses of its own. */
export function responsesErrorAnswer(error: TollgateError, requestId: string): ErrorAnswer {
  return openaiAnswer(error, requestId, error.kind.responsesStatus ?? error.kind.status);
}

export function anthropicErrorAnswer(error: TollgateError, requestId: string): ErrorAnswer {
  return {
    status: error.details.provider?.status ?? error.kind.anthropicStatus ?? error.kind.status,
    headers: { ...errorHeaders(error, requestId), 'request-id': requestId },
    body: asciiJson(anthropicBody(error, requestId)),
  };
}

export function openaiErrorEvent(error: TollgateError, requestId: string): string {
  return `data: ${asciiJson({ error: openaiError(error, requestId) })}\n\n`;
}

/**
 * Twice, because clients of this surface listen to different events: OpenAI's SDK throws on `error`, Codex passes that
 * over and acts on the code in `response.failed`.
 */
export function responsesErrorEvent(error: TollgateError, requestId: string): string {
  const { message, type, param, code } = openaiError(error, requestId);
  const event = { type: 'error', code, message, param, error: { message, type, param, code } };
  const failed = {
    type: 'response.failed',
    response: {
      id: requestId,
      object: 'response',
      status: 'failed',
      error: { code, message },
      output: [],
      usage: null,
    },
  };
  return `event: error\ndata: ${asciiJson(event)}\n\nevent: response.failed\ndata: ${asciiJson(failed)}\n\n`;
}

export function anthropicErrorEvent(error: TollgateError, requestId: string): string {
  return `event: error\ndata: ${asciiJson(anthropicBody(error, requestId))}\n\n`;
}

function openaiAnswer(error: TollgateError, requestId: string, status: number): ErrorAnswer {
  return {
    status: error.details.provider?.status ?? status,
    headers: errorHeaders(error, requestId),
    body: asciiJson({ error: openaiError(error, requestId) }),
  };
}

function openaiError(error: TollgateError, requestId: string) {
  const { provider, param } = error.details;
  return {
    message: messageWithId(error, requestId),
    type: provider?.type ?? error.kind.openai.type,
    param: param ?? null,
    code: provider?.code ?? error.kind.openai.code,
  };
}

function anthropicBody(error: TollgateError, requestId: string) {
  return {
    type: 'error',
    error: {
      type: error.details.provider?.type ?? error.kind.anthropic.type,
      message: messageWithId(error, requestId),
    },
    request_id: requestId,
  };
}

function messageWithId(error: TollgateError, requestId: string): string {
  return `${error.details.message} (request id: ${requestId})`;
}

function errorHeaders(error: TollgateError, requestId: string): Record<string, string> {
  const { retryAfterMs, firstRequestId } = error.details;
  return {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...(retryAfterMs !== undefined && {
      'retry-after': String(Math.ceil(retryAfterMs / 1000)),
      'retry-after-ms': String(Math.ceil(retryAfterMs)),
    }),
    ...(!error.isWorthRetrying && { 'x-should-retry': 'false' }),
    ...(firstRequestId !== undefined && { 'x-tollgate-first-request-id': firstRequestId }),
  };
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
