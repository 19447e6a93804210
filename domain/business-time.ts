// Time that passes on business days alone. A reminder after 24 hours of it comes at the same time of the next business day, and one that
// began on a weekend begins on Monday. Days are those of the calendar's zone, 23 or 25 hours long where its clocks change.
import { DAY_MS } from './moments.ts';

export interface BusinessCalendar {
  /** Of the IANA list. */
  readonly timeZone: string;
  /** Days off beside Saturdays and Sundays, as 2027-01-01. */
  readonly holidays: readonly string[];
  /** Saturdays and Sundays that are business days all the same, as China makes up for its long holidays. */
  readonly workdays: readonly string[];
}

/** The moment at which so much business time has passed. */
export function afterBusinessTime(calendar: BusinessCalendar, fromMs: number, spanMs: number): number {
  let atMs = fromMs;
  let leftMs = spanMs;
  for (;;) {
    const day = localDay(calendar.timeZone, atMs);
    const endMs = endOfDay(calendar.timeZone, day);
    if (isBusinessDay(calendar, day)) {
      if (leftMs < endMs - atMs) return atMs + leftMs;
      leftMs -= endMs - atMs;
    }
    atMs = endMs;
  }
}

function isBusinessDay({ holidays, workdays }: BusinessCalendar, day: string): boolean {
  if (holidays.includes(day)) return false;
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return (weekday !== 0 && weekday !== 6) || workdays.includes(day);
}

/** By zone: making one takes longer than using it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>();

function localTime(timeZone: string, atMs: number): string {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23' });
  formats.set(timeZone, format);
  return format.format(atMs);
}

/** As 2027-01-01. */
function localDay(timeZone: string, atMs: number): string {
  return localTime(timeZone, atMs).slice(0, 10);
}

/** The first moment of the next day, also where clocks are changed at midnight. */
function endOfDay(timeZone: string, day: string): number {
  const midnightMs = Date.parse(`${day}T00:00:00Z`) + DAY_MS;
  const candidates = [midnightMs - DAY_MS, midnightMs + DAY_MS].map((atMs) => midnightMs - offsetMs(timeZone, atMs));
  return Math.min(...candidates.filter((atMs) => localDay(timeZone, atMs) > day));
}

/** How far its clocks are ahead of UTC then. */
function offsetMs(timeZone: string, wholeSecondMs: number): number {
  return Date.parse(`${localTime(timeZone, wholeSecondMs).replace(' ', 'T')}Z`) - wholeSecondMs;
}
