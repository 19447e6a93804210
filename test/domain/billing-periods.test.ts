// A period that starts a day off is charged a day off for years. What the calendar and an outage may do to periods, and may not.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endOf, following, monthOf, type Period, startOf } from '../../domain/billing-periods.ts';

const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString();

function periods(anchor: string, months: 1 | 12, count: number): Period[] {
  return Array.from({ length: count }, (_, n) => ({ anchorMs: at(anchor), firstMonth: n * months, months }));
}

const anchors = fc.integer({ min: at('2026-01-01'), max: at('2040-01-01') });
const lengths = fc.constantFrom<1 | 12>(1, 12);

test('M21: a plan bought on 31 January renews on the last day of shorter months and on the 31st of the others', () => {
  const starts = periods('2027-01-31T10:00:00.000Z', 1, 6).map((period) => iso(startOf(period)));

  expect(starts).toEqual([
    '2027-01-31T10:00:00.000Z',
    '2027-02-28T10:00:00.000Z',
    '2027-03-31T10:00:00.000Z',
    '2027-04-30T10:00:00.000Z',
    '2027-05-31T10:00:00.000Z',
    '2027-06-30T10:00:00.000Z',
  ]);
});

test('M22: a year bought on 29 February renews on the 28th, and on the 29th again in the next leap year', () => {
  const starts = periods('2028-02-29T00:00:00.000Z', 12, 5).map((period) => iso(startOf(period)).slice(0, 10));

  expect(starts).toEqual(['2028-02-29', '2029-02-28', '2030-02-28', '2031-02-28', '2032-02-29']);
});

test('M22: a year has twelve months of credit, which tile it', () => {
  const [year] = periods('2028-02-29T00:00:00.000Z', 12, 1) as [Period];
  const months = [];
  for (let fromMs = startOf(year); fromMs < endOf(year); fromMs = endOf(monthOf(year, fromMs))) {
    months.push(monthOf(year, fromMs));
  }

  expect(months.map(({ firstMonth }) => firstMonth)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('M23: daylight saving in New York moves no payment', () => {
  const [, second] = periods('2027-02-14T07:30:00.000Z', 1, 2) as [Period, Period];

  expect(iso(startOf(second))).toBe('2027-03-14T07:30:00.000Z');
  expect(startOf(second) - at('2027-02-14T07:30:00.000Z')).toBe(2_419_200_000);
});

test('M38: after an outage over two periods the one in force is due, and the others are skipped', () => {
  const [first] = periods('2026-12-31T00:00:00.000Z', 1, 1) as [Period];

  const { period, skipped } = following(first, 1, at('2027-04-02T00:00:00.000Z'));

  expect([iso(startOf(period)), iso(endOf(period))].map((day) => day.slice(0, 10))).toEqual([
    '2027-03-31',
    '2027-04-30',
  ]);
  expect(skipped.map((one) => iso(startOf(one)).slice(0, 10))).toEqual(['2027-01-31', '2027-02-28']);
});

test('a period that ends at this very moment is over', () => {
  const [first, second, third] = periods('2027-01-31T10:00:00.000Z', 1, 3) as [Period, Period, Period];

  expect(following(first, 1, endOf(second))).toEqual({ period: third, skipped: [second] });
  expect(following(first, 1, endOf(second) - 1)).toEqual({ period: second, skipped: [] });
});

test('whatever the anchor, a period ends where the next one starts, on the day of the anchor or the last of the month', () => {
  fc.assert(
    fc.property(anchors, lengths, fc.nat(60), (anchorMs, months, n) => {
      const period: Period = { anchorMs, firstMonth: n * months, months };
      const endMs = endOf(period);
      const { period: next, skipped } = following(period, months, endMs);

      expect(startOf(next)).toBe(endMs);
      expect(skipped).toEqual([]);
      const [day, anchorDay] = [new Date(endMs).getUTCDate(), new Date(anchorMs).getUTCDate()];
      const isLastOfMonth = new Date(endMs + 86_400_000).getUTCDate() === 1;
      expect(day === anchorDay || (day < anchorDay && isLastOfMonth)).toBe(true);
      expect(endMs % 86_400_000).toBe(anchorMs % 86_400_000);
    }),
  );
});

test('the period due after any outage holds the instant, and nothing between the two is forgotten', () => {
  fc.assert(
    fc.property(anchors, lengths, fc.nat({ max: 4_000 * 86_400_000 }), (anchorMs, months, awayMs) => {
      const first: Period = { anchorMs, firstMonth: 0, months };
      const nowMs = endOf(first) + awayMs;

      const { period, skipped } = following(first, months, nowMs);

      expect(startOf(period) <= nowMs && nowMs < endOf(period)).toBe(true);
      const all = [first, ...skipped, period];
      all.slice(1).forEach((one, position) => {
        expect(startOf(one)).toBe(endOf(all[position] as Period));
      });
    }),
  );
});

test('the month of credit holds the instant, at both ends of a yearly period too', () => {
  fc.assert(
    fc.property(anchors, fc.nat(1_000), (anchorMs, permille) => {
      const year: Period = { anchorMs, firstMonth: 12, months: 12 };
      const lastMs = endOf(year) - 1;
      const nowMs = Math.floor(startOf(year) + (permille / 1_000) * (lastMs - startOf(year)));

      const month = monthOf(year, nowMs);

      expect(startOf(month) <= nowMs && nowMs < endOf(month)).toBe(true);
      expect(endOf(monthOf(year, lastMs))).toBe(endOf(year));
    }),
  );
});
