// The spans that a subscription pays for, counted in months from its anchor and never from one another: chained, 31 January
// would become 28 February and stay the 28th for ever. All UTC, with the anchor's time of day; customers' time zones and
// daylight saving move no payment (billing.md 3). domain/periods.ts is about caps.

export interface Period {
  readonly anchorMs: number;
  /** Months from the anchor to the start. */
  readonly firstMonth: number;
  readonly months: 1 | 12;
}

/** The anchor's day of the month, or the last day of a month that is shorter. */
export function monthsAfter(anchorMs: number, months: number): number {
  const anchor = new Date(anchorMs);
  const [year, month, day] = [anchor.getUTCFullYear(), anchor.getUTCMonth(), anchor.getUTCDate()];
  const timeOfDayMs = anchorMs - Date.UTC(year, month, day);
  const lastDay = new Date(Date.UTC(year, month + months + 1, 0)).getUTCDate();
  return Date.UTC(year, month + months, Math.min(day, lastDay)) + timeOfDayMs;
}

export function startOf({ anchorMs, firstMonth }: Period): number {
  return monthsAfter(anchorMs, firstMonth);
}

export function endOf({ anchorMs, firstMonth, months }: Period): number {
  return monthsAfter(anchorMs, firstMonth + months);
}

/** A yearly period is paid at once and its credit comes monthly: the month of it that an instant lies in. */
export function monthOf(period: Period, atMs: number): Period {
  const { anchorMs, firstMonth, months } = period;
  const month = Math.min(Math.max(monthAt(anchorMs, atMs), firstMonth), firstMonth + months - 1);
  return { anchorMs, firstMonth: month, months: 1 };
}

function monthAt(anchorMs: number, atMs: number): number {
  const [anchor, at] = [new Date(anchorMs), new Date(atMs)];
  const calendarMonths = (at.getUTCFullYear() - anchor.getUTCFullYear()) * 12 + at.getUTCMonth() - anchor.getUTCMonth();
  return monthsAfter(anchorMs, calendarMonths) > atMs ? calendarMonths - 1 : calendarMonths;
}

export interface Following {
  readonly period: Period;
  /** Ended before anybody could ask for their money: they are recorded at nothing (M38). */
  readonly skipped: readonly Period[];
}

/** The period to pay for after this one: the next, or after an outage the one in force. */
export function following(period: Period, months: 1 | 12, nowMs: number): Following {
  const skipped: Period[] = [];
  let next: Period = { anchorMs: period.anchorMs, firstMonth: period.firstMonth + period.months, months };
  while (endOf(next) <= nowMs) {
    skipped.push(next);
    next = { ...next, firstMonth: next.firstMonth + months };
  }
  return { period: next, skipped };
}
