import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RateLimiter, type RateScope, type RateTicket } from '../../../services/limits/rate-limiter.ts';

const MINUTE_MS = 60_000;
const START_MS = 30_000_000 * MINUTE_MS;

function scope(id: string, rates: Partial<Omit<RateScope, 'id'>>): RateScope {
  return { id, requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null, ...rates };
}

function admitted(limiter: RateLimiter, scopes: readonly RateScope[], tokens: number, nowMs: number): RateTicket {
  const decision = limiter.admit(scopes, tokens, nowMs);
  if (!decision.allowed) throw new Error(`refused by ${decision.what} of ${decision.scope.id}`);
  return decision.ticket;
}

test('sixty requests a minute are sixty, and a refusal says when the next one fits', () => {
  const limiter = new RateLimiter(null);
  const key = [scope('key:a', { requestsPerMinute: 60 })];
  for (let sent = 0; sent < 60; sent += 1) admitted(limiter, key, 0, START_MS);

  const refused = limiter.admit(key, 0, START_MS);

  expect(refused).toMatchObject({ allowed: false, what: 'requests', scope: key[0] });
  const retryAtMs = START_MS + (refused.allowed ? 0 : refused.retryAfterMs);
  expect(limiter.admit(key, 0, retryAtMs - 1).allowed).toBe(false);
  expect(limiter.admit(key, 0, retryAtMs).allowed).toBe(true);
});

test('one refusing scope keeps all others untouched', () => {
  const limiter = new RateLimiter(null);
  const org = scope('org:a', { requestsPerMinute: 100, tokensPerMinute: 1_000, concurrentRequests: 10 });
  const model = scope('model:a:m', { requestsPerMinute: 1 });
  admitted(limiter, [model], 0, START_MS);
  const before = limiter.state([org], START_MS);

  expect(limiter.admit([org, model], 500, START_MS)).toMatchObject({ allowed: false, scope: model });

  expect(limiter.state([org], START_MS)).toEqual(before);
  expect(before).toMatchObject({ requests: { remaining: 100 }, tokens: { remaining: 1_000 } });
});

test('of several obstacles the one that stays longest is named', () => {
  const limiter = new RateLimiter(null);
  const key = scope('key:a', { concurrentRequests: 1 });
  const org = scope('org:a', { requestsPerMinute: 1 });
  admitted(limiter, [key, org], 0, START_MS);

  expect(limiter.admit([key, org], 0, START_MS)).toMatchObject({ scope: org, what: 'requests' });
});

test('an estimate is held from the start, and the end puts the true count in its place', () => {
  const limiter = new RateLimiter(null);
  const org = [scope('org:a', { tokensPerMinute: 1_000 })];
  const left = () => limiter.state(org, START_MS).tokens?.remaining;

  const cheap = admitted(limiter, org, 600, START_MS);
  expect(left()).toBe(400);
  expect(limiter.admit(org, 500, START_MS)).toMatchObject({ allowed: false, what: 'tokens' });

  limiter.release(cheap, 100, START_MS);
  expect(left()).toBe(900);

  const dear = admitted(limiter, org, 500, START_MS);
  limiter.release(dear, 800, START_MS);
  expect(left()).toBe(100);
});

test('an aborted request gives its estimate back, but it was a request', () => {
  const limiter = new RateLimiter(null);
  const org = [scope('org:a', { tokensPerMinute: 1_000, requestsPerMinute: 10 })];

  limiter.release(admitted(limiter, org, 600, START_MS), null, START_MS + 10);

  expect(limiter.state(org, START_MS + 10)).toMatchObject({ requests: { remaining: 9 }, tokens: { remaining: 1_000 } });
});

test('an estimate that is given back a minute later leaves nothing behind', () => {
  const limiter = new RateLimiter(null);
  const org = [scope('org:a', { tokensPerMinute: 1_000 })];
  const ticket = admitted(limiter, org, 600, START_MS);

  limiter.release(ticket, null, START_MS + MINUTE_MS);

  expect(limiter.state(org, START_MS + MINUTE_MS).tokens).toMatchObject({ remaining: 1_000, resetMs: 0 });
});

test('a second release changes nothing', () => {
  const limiter = new RateLimiter(null);
  const key = [scope('key:a', { concurrentRequests: 1, tokensPerMinute: 100 })];
  const ticket = admitted(limiter, key, 50, START_MS);

  limiter.release(ticket, 70, START_MS);
  limiter.release(ticket, null, START_MS);

  expect(limiter.state(key, START_MS).tokens?.remaining).toBe(30);
  admitted(limiter, key, 0, START_MS);
  expect(limiter.admit(key, 0, START_MS)).toMatchObject({ allowed: false, what: 'concurrency' });
});

test('a slot is held as long as its request lasts, even for hours', () => {
  const limiter = new RateLimiter(null);
  const key = [scope('key:a', { concurrentRequests: 1 })];
  const ticket = admitted(limiter, key, 0, START_MS);
  const laterMs = START_MS + 300 * MINUTE_MS;
  for (let other = 0; other < 10; other += 1) limiter.admit([scope(`key:${other}`, {})], 0, laterMs);

  expect(limiter.admit(key, 0, laterMs)).toMatchObject({ allowed: false, what: 'concurrency' });
  limiter.release(ticket, null, laterMs);
  expect(limiter.admit(key, 0, laterMs).allowed).toBe(true);
});

test('a request larger than the whole rate passes when nothing else was used, instead of never', () => {
  const limiter = new RateLimiter(null);
  const org = [scope('org:a', { tokensPerMinute: 1_000 })];

  const giant = limiter.admit(org, 50_000, START_MS);

  expect(giant.allowed).toBe(true);
  expect(limiter.admit(org, 1, START_MS).allowed).toBe(false);
});

test('headers show the tightest of all scopes', () => {
  const limiter = new RateLimiter(null);
  const key = scope('key:a', { requestsPerMinute: 10, tokensPerMinute: 9_000 });
  const org = scope('org:a', { requestsPerMinute: 600, tokensPerMinute: 5_000 });
  admitted(limiter, [org], 4_500, START_MS);

  expect(limiter.state([key, org], START_MS)).toEqual({
    requests: { limit: 10, remaining: 10, resetMs: 0 },
    tokens: { limit: 5_000, remaining: 500, resetMs: 2 * MINUTE_MS },
  });
  expect(limiter.state([scope('key:b', {})], START_MS)).toEqual({ requests: null, tokens: null });
});

test('whatever the order of admissions, ends and refusals, nothing is lost and no ceiling is passed', () => {
  const scopes = [
    scope('key:a', { requestsPerMinute: 7, tokensPerMinute: 300, concurrentRequests: 3 }),
    scope('org:a', { requestsPerMinute: 20, tokensPerMinute: 500, concurrentRequests: 5 }),
    scope('org:b', { requestsPerMinute: 5, concurrentRequests: 2 }),
  ];
  const step = fc.record({
    chosen: fc.subarray(scopes, { minLength: 1 }),
    tokens: fc.nat(200),
    actual: fc.option(fc.nat(400)),
    ends: fc.nat(10),
    passes: fc.nat(9_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const limiter = new RateLimiter(null);
      const open: RateTicket[] = [];
      const inMinute = new Map<string, number>();
      let nowMs = START_MS;
      for (const { chosen, tokens, actual, ends, passes } of steps) {
        nowMs += passes;
        const ending = open[ends];
        if (ending !== undefined) limiter.release(ending, actual, nowMs);
        if (ending !== undefined) open.splice(ends, 1);
        const before = limiter.state(scopes, nowMs);
        const decision = limiter.admit(chosen, tokens, nowMs);
        if (decision.allowed) open.push(decision.ticket);
        else expect(limiter.state(scopes, nowMs)).toEqual(before);
        for (const { id, requestsPerMinute, concurrentRequests } of decision.allowed ? chosen : []) {
          const minute = `${id} ${Math.floor(nowMs / MINUTE_MS)}`;
          inMinute.set(minute, (inMinute.get(minute) ?? 0) + 1);
          expect(inMinute.get(minute)).toBeLessThanOrEqual(requestsPerMinute ?? 0);
          const held = open.filter((ticket) => ticket.scopes.some((other) => other.id === id)).length;
          expect(held).toBeLessThanOrEqual(concurrentRequests ?? 0);
        }
      }
      for (const ticket of open) limiter.release(ticket, null, nowMs);
      const laterMs = nowMs + 2 * MINUTE_MS;
      for (const { id, concurrentRequests } of scopes) {
        const slots = [scope(id, { concurrentRequests })];
        for (let taken = 0; taken < (concurrentRequests ?? 0); taken += 1) admitted(limiter, slots, 0, laterMs);
      }
    }),
    { numRuns: 500 },
  );
});
