// Whose fault an upstream's answer is, which decides whether the next channel is tried, whether a key is set aside
// and whether the breaker moves. Judged by status and structured type or code, never by the message: a customer's
// prompt can put "insufficient balance" into a message (gateways.md T46).

export type FailureClass =
  | 'dead_key'
  | 'rate_limited'
  | 'overloaded'
  | 'client_fault'
  | 'misconfigured'
  | 'timeout'
  | 'unreachable'
  | 'protocol'
  | 'empty';

export interface Failure {
  readonly class: FailureClass;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** For operators and receipts; nothing is decided by it. */
  readonly message: string;
}

export interface UpstreamRefusal {
  readonly status: number;
  readonly type: string | null;
  readonly code: string | null;
  readonly message: string;
}

// These mean the same at every status: OpenAI says model_not_found with 404, and with 403 for a project without
// access to that model, whose key is sound; New API says it with 503; an unpaid account is 429 at one provider and
// 400 at the next.
const CLASS_BY_NAME: ReadonlyMap<string, FailureClass> = new Map([
  ['model_not_found', 'misconfigured'],
  ['insufficient_quota', 'dead_key'],
  ['billing_hard_limit_reached', 'dead_key'],
  ['billing_not_active', 'dead_key'],
  ['billing_error', 'dead_key'],
  ['invalid_api_key', 'dead_key'],
]);

/** Our own name, for a 2xx answer that is none. */
export const UNREADABLE_ANSWER = 'unreadable_answer';

// An error that arrives inside a 2xx stream has no status of its own; the names of both families stand in for it.
const CLASS_INSIDE_SUCCESS: ReadonlyMap<string, FailureClass> = new Map([
  ['invalid_request_error', 'client_fault'],
  ['context_length_exceeded', 'client_fault'],
  ['invalid_prompt', 'client_fault'],
  ['content_filter', 'client_fault'],
  ['content_policy_violation', 'client_fault'],
  ['request_too_large', 'client_fault'],
  ['authentication_error', 'dead_key'],
  ['permission_error', 'dead_key'],
  ['not_found_error', 'misconfigured'],
  ['rate_limit_error', 'rate_limited'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['timeout_error', 'timeout'],
  [UNREADABLE_ANSWER, 'protocol'],
]);

const NOT_FOUND_TYPES: ReadonlySet<string | null> = new Set(['not_found_error', 'NotFoundError']);

const MAX_RETRY_AFTER_MS = 86_400_000;
const SECONDS = /^\d+(\.\d+)?$/;
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

export function classify(error: UpstreamRefusal, retryAfterMs: number | null): Failure {
  return { class: classOf(error), status: error.status, retryAfterMs, message: error.message };
}

function classOf(error: UpstreamRefusal): FailureClass {
  const named = byName(CLASS_BY_NAME, error);
  if (named !== undefined) return named;
  if (error.status >= 400) return classOfStatus(error.status, error);
  if (error.status >= 300) return 'misconfigured';
  if (error.code !== null && /^[45]\d\d$/.test(error.code))
    return classOfStatus(Number.parseInt(error.code, 10), error);
  return byName(CLASS_INSIDE_SUCCESS, error) ?? 'overloaded';
}

function byName(names: ReadonlyMap<string, FailureClass>, error: UpstreamRefusal): FailureClass | undefined {
  return names.get(error.code ?? '') ?? names.get(error.type ?? '');
}

function classOfStatus(status: number, error: UpstreamRefusal): FailureClass {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return 'dead_key';
    case 404:
      return isChannelsOwnNotFound(error) ? 'misconfigured' : 'client_fault';
    case 405:
    case 410:
      return 'misconfigured';
    case 408:
      return 'timeout';
    case 429:
      return 'rate_limited';
    default:
      return status >= 500 ? 'overloaded' : 'client_fault';
  }
}

/** Anthropic and vLLM name a missing model by type alone; a 404 without structure is a base URL that leads nowhere. */
function isChannelsOwnNotFound(error: UpstreamRefusal): boolean {
  return NOT_FOUND_TYPES.has(error.type) || (error.type === null && error.code === null);
}

/**
 * Only what the upstream did wrong, because a customer could otherwise take the channel from everybody (T49).
 * misconfigured concerns one model, and Anthropic says not_found_error to a made-up file id too; an empty answer is a
 * prompt away: a stop word that the answer begins with.
 */
export function affectsBreaker(failure: Failure): boolean {
  return !BLAMELESS.has(failure.class);
}

const BLAMELESS: ReadonlySet<FailureClass> = new Set(['client_fault', 'rate_limited', 'misconfigured', 'empty']);

/** Before the first byte only, which the caller knows. The next channel would refuse the client's own mistake too. */
export function mayFailOver(failure: Failure): boolean {
  return failure.class !== 'client_fault';
}

/** Date.parse alone reads a date into almost anything ("junk 1" is January 2001), hence the strict form. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (SECONDS.test(text)) return Math.min(Math.ceil(Number(text) * 1000), MAX_RETRY_AFTER_MS);
  if (!HTTP_DATE.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.min(Math.max(atMs - nowMs, 0), MAX_RETRY_AFTER_MS);
}
