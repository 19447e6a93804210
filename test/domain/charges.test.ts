// When a card is tried again, by what its bank said; and which time counts against the customer.
import { describe, expect, test } from '@jest/globals';
import {
  type ChargeAttempt,
  cardMayBeTried,
  nextAttemptAt,
  outcomeOfRefusal,
  timesInDoubt,
  timesUnderWay,
} from '../../domain/charges.ts';
import { classifyDecline, type Decline } from '../../domain/declines.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

function decline(declineCode: string): Decline {
  return classifyDecline({ declineCode, adviceCode: null, networkAdviceCode: null });
}

function answered(number: number, atMs: number, code: string | null): ChargeAttempt {
  const answer = { atMs, decline: code === null ? null : decline(code) };
  return { number, askedAtMs: atMs, doubtfulAtMs: null, answer };
}

const running = (afterMs: number) => afterMs;

function next(attempts: readonly ChargeAttempt[], wantedSinceMs: number | null = null): number | null {
  return nextAttemptAt({ attempts, wantedSinceMs, clock: running });
}

describe('the next attempt', () => {
  test('a soft decline is tried again on days 1, 3, 5, 7, 10 and 13, seven attempts in all', () => {
    const attempts = [answered(1, 0, 'insufficient_funds')];
    for (let dueMs = next(attempts); dueMs !== null; dueMs = next(attempts)) {
      attempts.push(answered(attempts.length + 1, dueMs, 'insufficient_funds'));
    }

    expect(attempts.map(({ askedAtMs }) => askedAtMs / DAY_MS)).toEqual([0, 1, 3, 5, 7, 10, 13]);
  });

  test.each(['stolen_card', 'expired_card', 'authentication_required'])('%s waits for the customer', (code) => {
    expect(next([answered(1, 0, code)])).toBeNull();
    expect(next([answered(1, 0, code)], 5 * HOUR_MS)).toBe(5 * HOUR_MS);
  });

  test('a decline that mostly passes has one more try after two hours', () => {
    const first = answered(1, 0, 'processing_error');
    const second = answered(2, 2 * HOUR_MS, 'processing_error');

    expect(next([first])).toBe(2 * HOUR_MS);
    expect(next([first, second])).toBe(DAY_MS);
  });

  test('after a fault, which no bank has seen, an hour passes', () => {
    expect(next([answered(1, DAY_MS, null)])).toBe(DAY_MS + HOUR_MS);
  });

  test('whoever slept through two days of the schedule tries once', () => {
    const attempts = [answered(1, 0, 'insufficient_funds')];
    const late = answered(2, 5.5 * DAY_MS, 'insufficient_funds');

    expect(next(attempts)).toBe(DAY_MS);
    expect(next([...attempts, late])).toBe(7 * DAY_MS);
  });

  test('nothing is asked while an answer is awaited, or on a clock that stands still', () => {
    const open: ChargeAttempt = { number: 1, askedAtMs: 0, doubtfulAtMs: null, answer: null };
    const soft = [answered(1, 0, 'insufficient_funds')];

    expect(next([open], 5)).toBeNull();
    expect(nextAttemptAt({ attempts: soft, wantedSinceMs: null, clock: () => null })).toBeNull();
  });

  test('an invoice is declined eight times at most, whatever card is given; faults do not count', () => {
    const declined = Array.from({ length: 8 }, (_, n) => answered(n + 1, n, 'do_not_honor'));
    const faulty = declined.map((one, n) => (n === 7 ? answered(8, 7, null) : one));

    expect(next(declined, 100)).toBeNull();
    expect(next(faulty, 100)).toBe(100);
  });

  test('a card is tried fifteen times in thirty days', () => {
    expect([cardMayBeTried(14), cardMayBeTried(15)]).toEqual([true, false]);
  });
});

test('a duplicate is an unknown outcome: the earlier payment is looked for, and nobody is called a debtor', () => {
  const codes = { adviceCode: null, networkAdviceCode: null };

  expect(outcomeOfRefusal({ declineCode: 'duplicate_transaction', ...codes })).toEqual({ kind: 'unknown' });
  expect(outcomeOfRefusal({ declineCode: 'stolen_card', ...codes }).kind).toBe('declined');
});

describe('times that no customer answers for', () => {
  test('doubt lasts from the unknown outcome to the answer of the bank', () => {
    const settled = { ...answered(1, 90, 'do_not_honor'), askedAtMs: 10, doubtfulAtMs: 30 };

    expect(timesInDoubt([settled])).toEqual([{ fromMs: 30, toMs: 90 }]);
    expect(timesUnderWay([settled])).toEqual([{ fromMs: 10, toMs: 90 }]);
  });

  test('a fault is doubt until a bank has answered, over as many attempts as that takes', () => {
    const attempts = [answered(1, 10, null), answered(2, 50, null), answered(3, 80, 'do_not_honor')];

    expect(timesInDoubt(attempts)).toEqual([{ fromMs: 10, toMs: 80 }]);
    expect(timesInDoubt(attempts.slice(0, 2))).toEqual([{ fromMs: 10, toMs: null }]);
  });

  test('an attempt that is simply declined leaves none', () => {
    expect(timesInDoubt([answered(1, 10, 'do_not_honor')])).toEqual([]);
  });
});
