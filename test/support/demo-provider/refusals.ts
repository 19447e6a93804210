// How a real provider of each family says no: status, body and headers as they are seen in the wild. A gateway must judge
// these by status and structured type, so a 502 is the HTML page of the proxy in front of the provider.
import type { Fault, FaultStatus } from './fault-grammar.ts';

export type Family = 'openai' | 'anthropic';

/** Thrown where a request cannot be answered; the server writes it in the caller's family. */
export class Refusal extends Error {
  readonly status: FaultStatus;
  readonly code: string | null;
  readonly param: string | null;

  constructor(status: FaultStatus, message: string, code: string | null = null, param: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

export interface RefusalAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export function refusalAnswer(family: Family, refusal: Refusal, requestId: string): RefusalAnswer {
  const { status, code, param, message } = refusal;
  const body =
    family === 'openai'
      ? { error: { message, type: OPENAI[status].type, param, code } }
      : { type: 'error', error: { type: ANTHROPIC[status].type, message }, request_id: requestId };
  return { status, headers: JSON_TYPE, body: JSON.stringify(body) };
}

/** What the faults status= and quota answer with; null when the fault is another one. */
export function faultAnswer(family: Family, fault: Fault, requestId: string): RefusalAnswer | null {
  if (fault.quota) return withRetryAfter(quotaAnswer(family, requestId), fault);
  const { status } = fault;
  if (status === null) return null;
  if (status === 502)
    return withRetryAfter({ status, headers: { 'content-type': 'text/html' }, body: BAD_GATEWAY }, fault);
  const { message, code = null } = family === 'openai' ? OPENAI[status] : { ...ANTHROPIC[status] };
  const answer = refusalAnswer(family, new Refusal(status, message, code), requestId);
  const headers = status === 429 ? { ...answer.headers, ...RATE_HEADERS[family] } : answer.headers;
  return withRetryAfter({ ...answer, headers }, fault);
}

function quotaAnswer(family: Family, requestId: string): RefusalAnswer {
  if (family === 'anthropic') {
    return refusalAnswer(family, new Refusal(402, ANTHROPIC[402].message), requestId);
  }
  const error = { message: OPENAI[402].message, type: 'insufficient_quota', param: null, code: 'insufficient_quota' };
  return { status: 429, headers: JSON_TYPE, body: JSON.stringify({ error }) };
}

function withRetryAfter(answer: RefusalAnswer, fault: Fault): RefusalAnswer {
  if (fault.retryAfter === null) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': fault.retryAfter } };
}

const JSON_TYPE = { 'content-type': 'application/json' };

const BAD_GATEWAY =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n' +
  '<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n';

const RATE_HEADERS: Readonly<Record<Family, Record<string, string>>> = {
  openai: {
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '120ms',
    'x-ratelimit-limit-tokens': '200000',
    'x-ratelimit-remaining-tokens': '199000',
    'x-ratelimit-reset-tokens': '6ms',
  },
  anthropic: {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:01Z',
    'retry-after': '1',
  },
};

interface OpenAiRefusal {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
}

const OPENAI: Readonly<Record<FaultStatus, OpenAiRefusal>> = {
  400: { type: 'invalid_request_error', code: 'invalid_value', message: "Invalid value for 'messages[0].content'." },
  401: {
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message:
      'Incorrect API key provided: demo-****. You can find your API key at https://platform.openai.com/account/api-keys.',
  },
  402: {
    type: 'billing_error',
    code: 'insufficient_quota',
    message:
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, ' +
      'read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
  },
  403: {
    type: 'request_forbidden',
    code: 'unsupported_country_region_territory',
    message: 'Country, region, or territory not supported',
  },
  404: {
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: 'The model does not exist or you do not have access to it.',
  },
  413: {
    type: 'invalid_request_error',
    message: 'Maximum content size limit (26214400) exceeded (26214401 bytes read)',
  },
  422: { type: 'invalid_request_error', message: 'Unprocessable entity' },
  429: {
    type: 'requests',
    code: 'rate_limit_exceeded',
    message:
      'Rate limit reached for requests in organization org-demo on requests per min (RPM): Limit 500, Used 500, ' +
      'Requested 1. Please try again in 120ms.',
  },
  500: {
    type: 'server_error',
    message: 'The server had an error while processing your request. Sorry about that!',
  },
  502: { type: 'server_error', message: 'Bad gateway' },
  503: { type: 'server_error', message: 'The engine is currently overloaded, please try again later' },
  529: { type: 'overloaded_error', message: 'Overloaded' },
};

const ANTHROPIC: Readonly<
  Record<FaultStatus, { readonly type: string; readonly message: string; readonly code?: string }>
> = {
  400: { type: 'invalid_request_error', message: 'messages.0.content: Input should be a valid string' },
  401: { type: 'authentication_error', message: 'invalid x-api-key' },
  402: {
    type: 'billing_error',
    message:
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to purchase credits.',
  },
  403: { type: 'permission_error', message: 'Your API key does not have permission to use the specified resource.' },
  404: { type: 'not_found_error', message: 'model: not found' },
  413: { type: 'request_too_large', message: 'Request exceeds the maximum size' },
  422: { type: 'invalid_request_error', message: 'Unprocessable entity' },
  429: {
    type: 'rate_limit_error',
    message: "This request would exceed your organization's rate limit of 50 requests per minute.",
  },
  500: { type: 'api_error', message: 'Internal server error' },
  502: { type: 'api_error', message: 'Bad gateway' },
  503: { type: 'api_error', message: 'Service unavailable' },
  529: { type: 'overloaded_error', message: 'Overloaded' },
};
