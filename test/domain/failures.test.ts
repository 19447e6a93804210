// The class of a failure decides whether a key is dropped, a channel rests or the client is told. It never comes from a message,
// which a prompt can write.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  affectsBreaker,
  classify,
  type FailureClass,
  mayFailOver,
  parseRetryAfter,
  type UpstreamRefusal,
} from '../../domain/failures.ts';

function refusal(status: number, facts: Partial<UpstreamRefusal> = {}): UpstreamRefusal {
  return { status, type: 'some_error', code: null, message: '', ...facts };
}

const classOf = (error: UpstreamRefusal): FailureClass => classify(error, null).class;

test.each([
  [401, 'dead_key'],
  [402, 'dead_key'],
  [403, 'dead_key'],
  [429, 'rate_limited'],
  [400, 'client_fault'],
  [404, 'client_fault'],
  [413, 'client_fault'],
  [422, 'client_fault'],
  [405, 'misconfigured'],
  [307, 'misconfigured'],
  [408, 'timeout'],
  [500, 'overloaded'],
  [502, 'overloaded'],
  [503, 'overloaded'],
  [504, 'overloaded'],
  [529, 'overloaded'],
] as const)('status %i is %s', (status, expected) => {
  expect(classOf(refusal(status))).toBe(expected);
});

test.each(['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active'])(
  'a 429 with %s will not pass by waiting: the key is dead',
  (code) => {
    expect(classOf(refusal(429, { code }))).toBe('dead_key');
    expect(classOf(refusal(429, { type: code }))).toBe('dead_key');
  },
);

test('a missing model is our mapping, however the provider says it', () => {
  expect(classOf(refusal(404, { code: 'model_not_found' }))).toBe('misconfigured');
  expect(classOf(refusal(404, { type: 'not_found_error' }))).toBe('misconfigured');
  expect(classOf(refusal(404, { type: 'NotFoundError', code: '404' }))).toBe('misconfigured');
  expect(classOf(refusal(503, { code: 'model_not_found' }))).toBe('misconfigured');
});

test('a key without access to one model stays alive for the others', () => {
  expect(classOf(refusal(403, { code: 'model_not_found' }))).toBe('misconfigured');
});

test('a 404 without any structure is a wrong base URL, not the fault of the client', () => {
  expect(classOf(refusal(404, { type: null }))).toBe('misconfigured');
});

test.each([
  ['overloaded_error', null, 'overloaded'],
  ['server_error', null, 'overloaded'],
  ['never heard of', null, 'overloaded'],
  [null, null, 'overloaded'],
  [null, 'rate_limit_exceeded', 'rate_limited'],
  [null, 'invalid_prompt', 'client_fault'],
  ['invalid_request_error', 'whatever', 'client_fault'],
  ['authentication_error', null, 'dead_key'],
  ['BadRequestError', '400', 'client_fault'],
  [null, '502', 'overloaded'],
  [null, '429', 'rate_limited'],
] as const)('inside a 200 stream, type %p with code %p is %s (T54)', (type, code, expected) => {
  expect(classOf(refusal(200, { type, code }))).toBe(expected);
});

test('no message changes a class, so no prompt can switch a channel off (T46)', () => {
  const statuses = fc.constantFrom(200, 400, 401, 403, 404, 429, 500);
  const provoked = fc.constantFrom('insufficient balance', 'out of credit', 'permission denied', 'model_not_found');

  fc.assert(
    fc.property(statuses, fc.oneof(provoked, fc.string()), (status, message) => {
      expect(classOf(refusal(status, { message }))).toBe(classOf(refusal(status)));
    }),
  );
});

test('names inherited by every object are not names of failures', () => {
  expect(classOf(refusal(400, { code: 'constructor', type: '__proto__' }))).toBe('client_fault');
});

test('the facts of the refusal reach the operator', () => {
  expect(classify(refusal(429, { message: 'slow down' }), 2_000)).toEqual({
    class: 'rate_limited',
    status: 429,
    retryAfterMs: 2_000,
    message: 'slow down',
  });
});

describe('consequences', () => {
  const failure = (failureClass: FailureClass) =>
    ({ class: failureClass, status: null, retryAfterMs: null, message: '' }) as const;

  test.each(['client_fault', 'rate_limited', 'misconfigured', 'empty'] as const)(
    '%s, which a customer can bring about, leaves the breaker alone (T49)',
    (name) => {
      expect(affectsBreaker(failure(name))).toBe(false);
    },
  );

  test.each(['dead_key', 'overloaded', 'timeout', 'unreachable', 'protocol'] as const)(
    '%s moves the breaker',
    (name) => {
      expect(affectsBreaker(failure(name))).toBe(true);
    },
  );

  test("the client's own mistake is not carried to another channel, everything else may be (T39)", () => {
    expect(mayFailOver(failure('client_fault'))).toBe(false);
    for (const name of ['dead_key', 'rate_limited', 'overloaded', 'misconfigured', 'timeout', 'empty'] as const) {
      expect(mayFailOver(failure(name))).toBe(true);
    }
  });
});

describe('Retry-After (T37)', () => {
  const nowMs = Date.UTC(2026, 10, 23, 10, 0, 0);

  test.each([
    ['2', 2_000],
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7_000],
    ['0.25', 250],
    ['Mon, 23 Nov 2026 10:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 09:59:00 GMT', 0],
  ])('%p is %i ms', (header, expected) => {
    expect(parseRetryAfter(header, nowMs)).toBe(expected);
  });

  test.each([undefined, '', 'soon', '-5', '1e3', 'junk 1', '2026-11-23', 'Mon, 99 Nov 2026 10:00:30 GMT', '2, 3'])(
    '%p is junk',
    (header) => {
      expect(parseRetryAfter(header, nowMs)).toBeNull();
    },
  );

  test('no header makes us wait longer than a day', () => {
    expect(parseRetryAfter('9'.repeat(400), nowMs)).toBe(86_400_000);
    expect(parseRetryAfter('Fri, 31 Dec 9999 23:59:59 GMT', nowMs)).toBe(86_400_000);
  });

  test('any header yields null or a wait between nothing and a day', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.double().map(String),
          fc.date().map((date) => date.toUTCString()),
        ),
        (header) => {
          const waitMs = parseRetryAfter(header, nowMs) ?? 0;

          expect(waitMs >= 0 && waitMs <= 86_400_000).toBe(true);
        },
      ),
    );
  });
});
