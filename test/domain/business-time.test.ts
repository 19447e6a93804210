// A span of business time ends on a business day, however weekends, holidays and changes of clocks lie in between.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { afterBusinessTime, type BusinessCalendar } from '../../domain/business-time.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const UTC: BusinessCalendar = { timeZone: 'UTC', holidays: [], workdays: [] };

function after(calendar: BusinessCalendar, from: string, hours: number): string {
  return new Date(afterBusinessTime(calendar, Date.parse(from), hours * HOUR_MS)).toISOString().slice(0, 16);
}

test.each([
  ['within a week', UTC, '2027-01-04T09:00Z', 24, '2027-01-05T09:00'],
  ['over a weekend', UTC, '2027-01-08T15:00Z', 24, '2027-01-11T15:00'],
  ['begun on a Saturday', UTC, '2027-01-09T15:00Z', 24, '2027-01-12T00:00'],
  ['to the end of a Friday, which is Monday', UTC, '2027-01-07T00:00Z', 48, '2027-01-11T00:00'],
  ['over a holiday', { ...UTC, holidays: ['2027-01-06'] }, '2027-01-05T10:00Z', 24, '2027-01-07T10:00'],
  ['on a Sunday that people work', { ...UTC, workdays: ['2027-01-10'] }, '2027-01-08T15:00Z', 24, '2027-01-10T15:00'],
  [
    'in Shanghai, whose Monday begins on our Sunday',
    { ...UTC, timeZone: 'Asia/Shanghai' },
    '2027-01-10T16:00Z',
    24,
    '2027-01-11T16:00',
  ],
  // Saturday, 27 March 2027: the Sunday after it has 23 hours in Berlin.
  ['over clocks that go forward', { ...UTC, timeZone: 'Europe/Berlin' }, '2027-03-26T12:00Z', 24, '2027-03-29T11:00'],
  // Cairo's clocks go forward at midnight: Friday, 30 April 2027 begins at 1 o'clock and has 23 hours.
  [
    'from a day that has no midnight',
    { ...UTC, timeZone: 'Africa/Cairo' },
    '2027-04-29T21:00Z',
    25,
    '2027-05-02T22:00',
  ],
] as const)('%s', (_, calendar, from, hours, expected) => {
  expect(after(calendar, from, hours)).toBe(expected);
});

const calendars = fc.record({
  timeZone: fc.constantFrom(
    'UTC',
    'Asia/Shanghai',
    'America/Los_Angeles',
    'Africa/Cairo',
    'America/Sao_Paulo',
    'Australia/Lord_Howe',
  ),
  holidays: fc.array(
    fc.integer({ min: 0, max: 400 }).map((day) => new Date(Date.UTC(2027, 0, 1 + day)).toISOString().slice(0, 10)),
  ),
  workdays: fc.constant([]),
});
const moments = fc.integer({ min: Date.UTC(2027, 0, 1), max: Date.UTC(2028, 0, 1) });
const spans = fc.integer({ min: 1, max: 10 * DAY_MS });

test('a span in two parts ends where the whole does, and never sooner than by the wall', () => {
  fc.assert(
    fc.property(calendars, moments, spans, spans, (calendar, fromMs, oneMs, otherMs) => {
      const inParts = afterBusinessTime(calendar, afterBusinessTime(calendar, fromMs, oneMs), otherMs);

      expect(inParts).toBe(afterBusinessTime(calendar, fromMs, oneMs + otherMs));
      expect(inParts).toBeGreaterThanOrEqual(fromMs + oneMs + otherMs);
    }),
    { numRuns: 300 },
  );
});
