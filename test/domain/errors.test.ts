// Clients decide by status, type and x-should-retry whether to try again: a wrong pair makes agents hammer or give up.
import { expect, test } from '@jest/globals';
import { ERRORS, type ErrorKind, TollgateError } from '../../domain/errors.ts';

const kinds: [string, ErrorKind][] = Object.entries(ERRORS);

// Anthropic's SDK picks its error class by status and shows the type, so the two must agree (ecosystem.md 2.2).
const ANTHROPIC_STATUS: Readonly<Record<string, (status: number) => boolean>> = {
  invalid_request_error: (status) => status >= 400 && status < 500,
  authentication_error: (status) => status === 401,
  billing_error: (status) => status === 402,
  permission_error: (status) => status === 403,
  not_found_error: (status) => status === 404,
  request_too_large: (status) => status === 413,
  rate_limit_error: (status) => status === 429,
  timeout_error: (status) => status === 504,
  api_error: (status) => status >= 500,
  overloaded_error: (status) => status === 529,
};

test.each(kinds)('%s: the status and the Anthropic type say the same', (_code, kind) => {
  expect(ANTHROPIC_STATUS[kind.anthropic.type]?.(kind.anthropicStatus ?? kind.status)).toBe(true);
});

test.each(kinds)(
  '%s: a client is told to stop exactly when trying again cannot help, or may cost twice',
  (code, kind) => {
    const isMissing = kind.status === 501; // until somebody configures it
    const mayPass =
      (kind.status >= 500 && !isMissing) || kind.status === 408 || kind.openai.type === 'rate_limit_error';
    const mayCostTwice = code === 'settlement_unknown';

    if (kind.status !== 409) expect(kind.retry).toBe(mayPass && !mayCostTwice);
  },
);

test('of the conflicts only what is still under way is worth asking for again', () => {
  const conflicts = kinds.filter(([, kind]) => kind.status === 409 && kind.retry).map(([code]) => code);

  expect(conflicts).toEqual(['organization_provisioning', 'payment_in_doubt', 'request_in_progress']);
});

test.each(kinds.filter(([, kind]) => kind.status === 402))(
  '%s: every refusal for lack of money reads insufficient_quota and stops Codex, which retries a 402',
  (_code, kind) => {
    expect(kind.openai.code).toBe('insufficient_quota');
    expect(kind.anthropic.type).toBe('billing_error');
    expect(kind.responsesStatus).toBe(429);
    expect(kind.retry).toBe(false);
  },
);

test('money that is merely held is not a lack of money: the client waits and asks again', () => {
  expect(ERRORS.credit_in_use).toMatchObject({ status: 429, retry: true, openai: { type: 'rate_limit_error' } });
});

test('an error carries its code, its facts and its cause across a ring', () => {
  const cause = new Error('connection refused');
  const error = new TollgateError('service_unavailable', {
    message: 'The billing database is not reachable; try again in 2 s.',
    retryAfterMs: 2_000,
    cause,
  });

  expect(error).toBeInstanceOf(Error);
  expect(error.message).toBe('The billing database is not reachable; try again in 2 s.');
  expect(error.cause).toBe(cause);
  expect(error.kind).toBe(ERRORS.service_unavailable);
  expect(String(error)).toMatch(/^TollgateError: /);
});

test('an error without a cause does not pretend to have one', () => {
  expect('cause' in new TollgateError('body_empty', { message: 'Send a JSON object.' })).toBe(false);
});
