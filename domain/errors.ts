// Every way in which the product says no, in one table; TollgateError is the only error class that crosses a ring.
// `retry: false` makes the edge send `x-should-retry: false`: without it agents hammer a revoked key for 40 s, and with
// it on a passing fault they give up too early, so it stands on terminal refusals only (ecosystem.md 2.3), and where the first
// request may have been charged.

export interface ErrorKind {
  readonly status: number;
  /** On /v1/responses: Codex retries a 402 six times and stops at once at a 429 insufficient_quota. */
  readonly responsesStatus?: number;
  /** On /v1/messages, where Anthropic has a status that HTTP has not. */
  readonly anthropicStatus?: number;
  readonly openai: { readonly type: OpenaiType; readonly code: string };
  readonly anthropic: { readonly type: AnthropicType };
  readonly retry: boolean;
}

type OpenaiType = 'invalid_request_error' | 'insufficient_quota' | 'rate_limit_error' | 'server_error';

type AnthropicType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'billing_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'timeout_error'
  | 'api_error'
  | 'overloaded_error';

/** The caller must change something first. OpenAI has one type for all of these and tells them apart by code. */
function terminal(status: number, code: string, anthropic: AnthropicType = 'invalid_request_error'): ErrorKind {
  return { status, openai: { type: 'invalid_request_error', code }, anthropic: { type: anthropic }, retry: false };
}

function wait(status: 409 | 429, code: string, anthropic: AnthropicType): ErrorKind {
  const type = status === 429 ? 'rate_limit_error' : 'invalid_request_error';
  return { status, openai: { type, code }, anthropic: { type: anthropic }, retry: true };
}

function ourFault(status: number, code: string, anthropic: AnthropicType = 'api_error'): ErrorKind {
  return { status, openai: { type: 'server_error', code }, anthropic: { type: anthropic }, retry: true };
}

/** Clients show their top-up advice on exactly this code. */
const UNPAID: ErrorKind = {
  status: 402,
  responsesStatus: 429,
  openai: { type: 'insufficient_quota', code: 'insufficient_quota' },
  anthropic: { type: 'billing_error' },
  retry: false,
};

export const ERRORS = {
  missing_api_key: terminal(401, 'missing_api_key', 'authentication_error'),
  invalid_api_key: terminal(401, 'invalid_api_key', 'authentication_error'),
  api_key_expired: terminal(401, 'api_key_expired', 'authentication_error'),
  api_key_disabled: terminal(401, 'api_key_disabled', 'authentication_error'),
  api_key_frozen: terminal(401, 'api_key_frozen', 'authentication_error'),
  api_key_in_wrong_header: terminal(401, 'api_key_in_wrong_header', 'authentication_error'),
  ip_not_allowed: terminal(403, 'ip_not_allowed', 'permission_error'),
  model_not_found: terminal(404, 'model_not_found', 'not_found_error'),
  model_not_allowed: terminal(403, 'model_not_allowed', 'permission_error'),

  invalid_json: terminal(400, 'invalid_json'),
  body_empty: terminal(400, 'body_empty'),
  body_too_large: terminal(413, 'body_too_large', 'request_too_large'),
  body_too_deep: terminal(400, 'body_too_deep'),
  body_not_utf8: terminal(400, 'body_not_utf8'),
  unsupported_content_type: terminal(415, 'unsupported_content_type'),
  invalid_value: terminal(400, 'invalid_value'),
  context_length_exceeded: terminal(400, 'context_length_exceeded'),
  upstream_refused_request: terminal(400, 'upstream_refused_request'),

  insufficient_credit: UNPAID,
  cap_reached: UNPAID,
  organization_stopped: UNPAID,
  credit_exhausted_mid_stream: UNPAID,
  organization_provisioning: wait(409, 'organization_provisioning', 'invalid_request_error'),
  credit_in_use: wait(429, 'credit_in_use', 'rate_limit_error'),
  rate_limit_exceeded: wait(429, 'rate_limit_exceeded', 'rate_limit_error'),
  concurrency_exceeded: wait(429, 'rate_limit_exceeded', 'rate_limit_error'),
  request_beyond_rate: terminal(429, 'rate_limit_exceeded', 'rate_limit_error'),

  no_channel: ourFault(503, 'no_channel'),
  upstream_unavailable: ourFault(502, 'upstream_unavailable'),
  upstream_timeout: ourFault(504, 'upstream_timeout', 'timeout_error'),
  upstream_overloaded: { ...ourFault(503, 'overloaded', 'overloaded_error'), anthropicStatus: 529 },
  stream_interrupted: ourFault(502, 'stream_interrupted'),
  settlement_failed: ourFault(503, 'settlement_failed'),
  // Charged or not, nobody knows yet (D12).
  settlement_unknown: { ...ourFault(500, 'settlement_unknown'), retry: false },
  service_unavailable: ourFault(503, 'service_unavailable'),
  internal_error: ourFault(500, 'internal_error'),

  // Where payments are taken (Stripe).
  payments_not_configured: terminal(501, 'payments_not_configured', 'api_error'),
  payment_in_doubt: wait(409, 'payment_in_doubt', 'invalid_request_error'),
  payment_provider_unavailable: ourFault(503, 'payment_provider_unavailable'),
  invalid_signature: terminal(400, 'invalid_signature'),
  no_card_on_file: terminal(409, 'no_card_on_file'),
  tax_address_invalid: terminal(409, 'tax_address_invalid'),
  amount_above_cap: terminal(422, 'amount_above_cap'),
  refund_window_over: terminal(409, 'refund_window_over'),

  // Where scanners of other people's repositories report what they found.
  secret_scanning_not_configured: terminal(501, 'secret_scanning_not_configured', 'api_error'),

  // Where the clock of billing is moved, for demos.
  demo_clock_disabled: terminal(501, 'demo_clock_disabled', 'api_error'),
  // Repeated, it would move the clock by the whole span again.
  clock_not_at_rest: terminal(409, 'clock_not_at_rest'),

  request_in_progress: wait(409, 'request_in_progress', 'invalid_request_error'),
  already_charged: terminal(409, 'already_charged'),
  idempotency_mismatch: terminal(409, 'idempotency_mismatch'),
  route_not_found: terminal(404, 'route_not_found', 'not_found_error'),
  method_not_allowed: terminal(405, 'method_not_allowed'),

  // Refused by its head, or before there was a request at all (api/bad-http.ts).
  malformed_http: terminal(400, 'malformed_http'),
  request_too_slow: { ...terminal(408, 'request_too_slow'), retry: true },
  url_too_long: terminal(414, 'url_too_long'),
  headers_too_large: terminal(431, 'headers_too_large'),

  // Where people sign in.
  wrong_credentials: terminal(401, 'wrong_credentials', 'authentication_error'),
  account_closed: terminal(403, 'account_closed', 'permission_error'),
  wrong_password: terminal(422, 'wrong_password'),
  wrong_code: terminal(422, 'wrong_code'),
  // Also a right one: it has to be begun anew.
  code_over: terminal(422, 'code_over'),
  code_used: terminal(422, 'code_used'),
  // Of a link that was mailed, to whoever has it.
  link_unknown: terminal(422, 'link_unknown'),
  link_used: terminal(422, 'link_used'),
  link_expired: terminal(422, 'link_expired'),
  wrong_passkey: terminal(422, 'wrong_passkey'),
  known_password: terminal(422, 'known_password'),
  no_single_sign_on: terminal(422, 'no_single_sign_on'),
  single_sign_on_failed: terminal(422, 'single_sign_on_failed'),
  single_sign_on_unproved: terminal(422, 'single_sign_on_unproved'),
  single_sign_on_refused: terminal(403, 'single_sign_on_refused', 'permission_error'),
  single_sign_on_required: terminal(403, 'single_sign_on_required', 'permission_error'),
  single_sign_on_confined: terminal(403, 'single_sign_on_confined', 'permission_error'),
  single_sign_on_unavailable: ourFault(503, 'single_sign_on_unavailable'),
  too_many_attempts: wait(429, 'too_many_attempts', 'rate_limit_error'),
  cross_site_request: terminal(403, 'cross_site_request', 'permission_error'),

  // The management API alone; it answers in problem details (RFC 9457) and reads only the status.
  unauthorized: terminal(401, 'unauthorized', 'authentication_error'),
  forbidden: terminal(403, 'forbidden', 'permission_error'),
  not_found: terminal(404, 'not_found', 'not_found_error'),
  precondition_required: terminal(428, 'precondition_required'),
  precondition_failed: terminal(412, 'precondition_failed'),
  conflict: terminal(409, 'conflict'),
  seats_used_up: terminal(409, 'seats_used_up'),
  // Conflicts in which reading again helps nobody.
  known_member: terminal(409, 'known_member'),
  invitation_over: terminal(409, 'invitation_over'),
  last_way_in: terminal(409, 'last_way_in'),
  no_verified_owner: terminal(409, 'no_verified_owner'),
  invalid_body: terminal(422, 'invalid_body'),
} as const satisfies Record<string, ErrorKind>;

/** SDKs pass over a longer wait and come again at once (ecosystem.md 2.1): they are told not to, and people read how long it is. */
const LONGEST_HEEDED_WAIT_MS = 60_000;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** The customer reads this: what happened, to which thing, how much of it, and how to put it right. */
  readonly message: string;
  readonly param?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  readonly firstRequestId?: string;
  /** A provider's refusal of the request itself goes on in the provider's own terms. */
  readonly provider?: ProviderTerms;
}

/** Null: the provider named none, and ours stands in. */
export interface ProviderTerms {
  readonly status: number | null;
  readonly type: string | null;
  readonly code: string | null;
}

export class TollgateError extends Error {
  override readonly name = 'TollgateError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details);
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return ERRORS[this.code];
  }

  /** Whether the client's own retry may succeed. */
  get isWorthRetrying(): boolean {
    return this.kind.retry && (this.details.retryAfterMs ?? 0) <= LONGEST_HEEDED_WAIT_MS;
  }
}
