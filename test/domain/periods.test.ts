// A cap counts by period: a gap between two periods would be free, an overlap would be counted twice.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CapPeriod, nextPeriodStart, periodStart } from '../../domain/periods.ts';

const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number | null): string => (ms === null ? 'never' : new Date(ms).toISOString());

function around(period: CapPeriod, instant: string): [string, string] {
  return [iso(periodStart(period, at(instant))), iso(nextPeriodStart(period, at(instant)))];
}

test.each([
  ['day', '2027-02-28T23:59:59.999Z', '2027-02-28T00:00:00.000Z', '2027-03-01T00:00:00.000Z'],
  ['day', '2028-02-28T12:00:00.000Z', '2028-02-28T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
  ['day', '2026-12-31T23:00:00.000Z', '2026-12-31T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  ['week', '2026-11-23T00:00:00.000Z', '2026-11-23T00:00:00.000Z', '2026-11-30T00:00:00.000Z'],
  ['week', '2026-11-29T23:59:59.999Z', '2026-11-23T00:00:00.000Z', '2026-11-30T00:00:00.000Z'],
  ['week', '2027-01-01T10:00:00.000Z', '2026-12-28T00:00:00.000Z', '2027-01-04T00:00:00.000Z'],
  ['month', '2027-01-31T10:00:00.000Z', '2027-01-01T00:00:00.000Z', '2027-02-01T00:00:00.000Z'],
  ['month', '2027-02-28T10:00:00.000Z', '2027-02-01T00:00:00.000Z', '2027-03-01T00:00:00.000Z'],
  ['month', '2028-02-29T23:59:59.999Z', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
  ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
] as const)('the %s of %s runs from %s to %s', (period, instant, start, end) => {
  expect(around(period, instant)).toEqual([start, end]);
});

test('a total has neither a beginning nor a reset', () => {
  expect(around('total', '2027-01-31T10:00:00.000Z')).toEqual(['never', 'never']);
});

test('every instant lies in exactly one period, and the next one follows without a gap', () => {
  const instants = fc.integer({ min: at('2020-01-01'), max: at('2060-01-01') });

  fc.assert(
    fc.property(fc.constantFrom('day', 'week', 'month'), instants, (period, nowMs) => {
      const start = periodStart(period, nowMs);
      const next = nextPeriodStart(period, nowMs);
      if (start === null || next === null) throw new Error('only a total never begins');

      expect(start <= nowMs && nowMs < next).toBe(true);
      expect(periodStart(period, next)).toBe(next);
      expect(periodStart(period, next - 1)).toBe(start);
    }),
  );
});
