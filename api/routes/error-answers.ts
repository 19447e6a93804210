// Errors, each told once, in the form that the caller reads: problem details (RFC 9457) on the management API, and to
// customers the error of their own SDK. What we did not foresee is logged with the request id, and its text stays here.
import type { ErrorRequestHandler, Request } from 'express';
import { TollgateError } from '../../domain/errors.ts';
import { pageHeaders } from '../pages/page-frame.ts';
import { payTroublePage } from '../pages/pay-page.ts';
import { languageOf } from '../pages/pay-words.ts';
import { errorAnswerFor } from '../proxy/surface-errors.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { speaksGemini } from './callers.ts';
import { InvalidInput } from './invalid-input.ts';
import { MOST_BODY_BYTES } from './json-body.ts';
import type { Reply } from './reply.ts';
import { requestIdOf } from './request-ids.ts';

const OPERATIONS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

/** What follows is the authority to pay or to make an API key, or the proof of an address: it stands in no log. */
const PAGE = /^\/(pay|verify|welcome)\/.*/;
/** Nor does the link by which somebody was invited. */
const INVITED = /^(\/api\/v1\/invitations)\/[^/]*/;

function pathTold(path: string): string {
  return path.replace(PAGE, '/$1/').replace(INVITED, '$1/');
}

export function speaksProblems(path: string): boolean {
  return /^\/(api\/v1|webhooks)\//.test(path) || OPERATIONS.has(path);
}

export function errorsTold(app: AppDependencies): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    const error = asTold(thrown);
    const requestId = requestIdOf(res);
    if (error.code === 'internal_error')
      app.log.error({ requestId, path: pathTold(req.path), err: thrown }, 'request_failed');
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const reply = replyFor(req, error, requestId);
    res.status(reply.status).set(reply.headers).end(reply.text);
  };
}

export function replyFor(
  req: Pick<Request, 'path' | 'originalUrl' | 'headers'>,
  error: TollgateError,
  requestId: string,
): Reply {
  if (PAGE.test(req.path)) return troublePage(req, error, requestId);
  if (speaksProblems(req.path)) return problemOf(error, requestId);
  if (speaksGemini(req.headers, req.originalUrl)) return geminiError(error, requestId);
  const { status, headers, body } = errorAnswerFor(req.headers, req.path, error, requestId);
  return { status, headers, text: body };
}

function troublePage({ headers }: Pick<Request, 'headers'>, error: TollgateError, requestId: string): Reply {
  const { status } = error.kind;
  return {
    status,
    headers: { ...pageHeaders(), ...retryHeaders(error) },
    text: payTroublePage(status === 404, requestId, languageOf(headers['accept-language'])),
  };
}

/** `type` names the code; the detail says how to go on. */
export function problemOf(error: TollgateError, requestId: string): Reply {
  const { status } = error.kind;
  const { param, message } = error.details;
  const ofParam = param === undefined ? [] : [{ field: param, message }];
  const errors = error instanceof InvalidInput ? error.problems : ofParam;
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...retryHeaders(error),
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="tollgate management"' } : {}),
    },
    text: JSON.stringify({
      type: `urn:tollgate:error:${error.code}`,
      title: error.code.replaceAll('_', ' '),
      status,
      code: error.code,
      detail: message,
      instance: requestId,
      ...(errors.length === 0 ? {} : { errors }),
    }),
  };
}

/** Google's names of states; what has none of its own is said by the status. */
const GOOGLE_STATES: ReadonlyMap<number, string> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [402, 'RESOURCE_EXHAUSTED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [429, 'RESOURCE_EXHAUSTED'],
  [500, 'INTERNAL'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);

function geminiError(error: TollgateError, requestId: string): Reply {
  const code = error.kind.status;
  const state = GOOGLE_STATES.get(code) ?? (code < 500 ? 'FAILED_PRECONDITION' : 'INTERNAL');
  const message = `${error.details.message} (request id: ${requestId})`;
  return {
    status: code,
    headers: { 'content-type': 'application/json', ...retryHeaders(error) },
    text: JSON.stringify({ error: { code, message, status: state } }),
  };
}

function retryHeaders({ isWorthRetrying, details: { retryAfterMs } }: TollgateError): Record<string, string> {
  return {
    ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    ...(isWorthRetrying ? {} : { 'x-should-retry': 'false' }),
  };
}

function asTold(thrown: unknown): TollgateError {
  if (thrown instanceof TollgateError) return thrown;
  const refusedRequest = refusedByExpress(thrown);
  if (refusedRequest !== null) return refusedRequest;
  if (isDatabaseSilence(thrown)) {
    return new TollgateError('service_unavailable', {
      message:
        'The database does not answer at the moment. Try again in a second; a change sent with an Idempotency-Key is made once.',
      retryAfterMs: 1_000,
      cause: thrown,
    });
  }
  return new TollgateError('internal_error', {
    message: 'Something went wrong here; it has been logged under the request id. A change was not made.',
    cause: thrown,
  });
}

/** Express and its body reader say what they refuse by a status. */
function refusedByExpress(thrown: unknown): TollgateError | null {
  const status = property(thrown, 'status');
  if (status === 413) {
    const message = `The body is larger than ${MOST_BODY_BYTES} bytes, the most that the management API takes.`;
    return new TollgateError('body_too_large', { message });
  }
  if (status === 415) {
    const message = 'Compressed bodies are not accepted: send the JSON as it is.';
    return new TollgateError('unsupported_content_type', { message });
  }
  if (status !== 400) return null;
  const message = 'The request ended early, or its path cannot be decoded: send it again.';
  return new TollgateError('invalid_value', { message });
}

// Classes 08 (connection), 53 (resources), 57 (operator intervention, statement timeout), deadlocks and serialization; Node's
// codes of a connection that cannot be had; and what pg says without any code.
const SILENT_STATES = /^(08|53|57)|^40(001|P01)$|^E(CONN|PIPE|HOST|NET|TIMEDOUT)/;
const SILENT_WORDS = /timeout|Connection terminated|connection error/i;

function isDatabaseSilence(thrown: unknown): boolean {
  const several = property(thrown, 'errors');
  if (Array.isArray(several)) return several.some(isDatabaseSilence);
  const code = property(thrown, 'code');
  return typeof code === 'string' ? SILENT_STATES.test(code) : SILENT_WORDS.test(String(property(thrown, 'message')));
}

/** Not by `instanceof`: what was thrown may come from anywhere, also from another realm. */
function property(thrown: unknown, name: string): unknown {
  return typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined;
}
