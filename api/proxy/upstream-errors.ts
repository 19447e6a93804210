// What the client is told when no upstream gave an answer. Ours to solve is never shown as the customer's fault: a dead key of
// ours is 502, not 401. A provider's refusal of the request itself is passed on in the caller's format.
import { type ErrorCode, type ProviderTerms, TollgateError } from '../../domain/errors.ts';
import type { FailureClass } from '../../domain/failures.ts';
import type { AttemptEnd, FailedAttempt, StreamedAnswer } from './attempt-end.ts';
import type { UpstreamError } from './dialect.ts';

const CODE_OF_CLASS: { readonly [C in FailureClass]: ErrorCode } = {
  client_fault: 'upstream_refused_request',
  dead_key: 'upstream_unavailable',
  misconfigured: 'upstream_unavailable',
  rate_limited: 'upstream_overloaded',
  overloaded: 'upstream_overloaded',
  timeout: 'upstream_timeout',
  unreachable: 'upstream_unavailable',
  protocol: 'upstream_unavailable',
  empty: 'upstream_unavailable',
};

const SENTENCE_OF_CLASS: { readonly [C in Exclude<FailureClass, 'client_fault'>]: string } = {
  dead_key: 'The upstream refused our account',
  misconfigured: 'The upstream does not serve this model as configured',
  rate_limited: 'All upstreams for this model are at their rate limit',
  overloaded: 'All upstreams for this model failed or are overloaded',
  timeout: 'The upstream did not answer in time',
  unreachable: 'The upstream could not be reached',
  protocol: 'The upstream sent an answer that could not be read',
  empty: 'The upstream gave an empty answer',
};

export function errorOfEnd(end: AttemptEnd): TollgateError {
  if (end.kind === 'failed') return errorOfFailure(end);
  if (end.kind === 'streamed') return errorOfStream(end.how);
  if (end.kind === 'stopped') return leaving('Nothing was charged');
  return new TollgateError('stream_interrupted', { message: 'The client hung up.' });
}

function errorOfFailure({ failure, refusal }: FailedAttempt): TollgateError {
  if (failure.class === 'client_fault') {
    const tooLong = refusal?.code === 'context_length_exceeded';
    return new TollgateError(tooLong ? 'context_length_exceeded' : 'upstream_refused_request', {
      message: refusal?.message ?? 'The upstream refused the request.',
      ...(refusal?.param ? { param: refusal.param } : {}),
      ...(refusal === null ? {} : { provider: fitForCustomer(refusal) }),
    });
  }
  return new TollgateError(CODE_OF_CLASS[failure.class], {
    message: `${SENTENCE_OF_CLASS[failure.class]}. Nothing was charged; try again, or use another model.`,
    retryAfterMs: Math.min(failure.retryAfterMs ?? 2_000, 60_000),
  });
}

/** What these say is about an account, and the provider's customer is us: the gateway's own customer has no part in it. */
const OUR_STATUSES: ReadonlySet<number> = new Set([401, 402, 403, 407, 408, 429]);
const OUR_NAMES = /auth|permission|billing|quota|api_key|rate_limit|organization|project|account/i;

function fitForCustomer({ status, type, code }: UpstreamError): ProviderTerms {
  const name = (text: string | null) => (text === null || OUR_NAMES.test(text) ? null : text);
  const isAboutRequest = status >= 400 && status < 500 && !OUR_STATUSES.has(status);
  return { status: isAboutRequest ? status : null, type: name(type), code: name(code) };
}

function errorOfStream(how: StreamedAnswer['how']): TollgateError {
  if (how === 'credit_exhausted') {
    return new TollgateError('credit_exhausted_mid_stream', {
      message:
        'The credit for this answer ended while it was streaming. What was delivered is charged. GET /v1/key says what is left, and whether an overdue invoice locks it.',
    });
  }
  if (how === 'credit_unknown') {
    return new TollgateError('service_unavailable', {
      message:
        'The ledger did not answer while this answer needed more credit. What was delivered is charged; try again.',
      retryAfterMs: 2_000,
    });
  }
  if (how === 'stopped') return leaving('What was delivered is charged');
  return new TollgateError('stream_interrupted', {
    message:
      'The upstream broke off this answer. What was delivered is charged; the rest was not generated. Try again.',
    retryAfterMs: 1_000,
  });
}

function leaving(charged: string): TollgateError {
  return new TollgateError('service_unavailable', {
    message: `This gateway has to leave and ended the answer. ${charged}; try again, another gateway is there.`,
    retryAfterMs: 1_000,
  });
}
