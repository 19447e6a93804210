// When a cap begins again, for display and tests. Periods are those of the calendar, not thirty days and not counted
// from the day the cap was made; weeks begin on Monday, as in Postgres' date_trunc. Here they are UTC: the SQL that
// enforces caps knows the organization's time zone, and it decides.

export type CapPeriod = 'total' | 'day' | 'week' | 'month';

/** null: a total has no beginning. */
export function periodStart(period: CapPeriod, atMs: number): number | null {
  return boundary(period, atMs, 0);
}

/** The first instant of the following period; null: a total never begins again. */
export function nextPeriodStart(period: CapPeriod, atMs: number): number | null {
  return boundary(period, atMs, 1);
}

function boundary(period: CapPeriod, atMs: number, periodsAhead: number): number | null {
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (period) {
    case 'total':
      return null;
    case 'day':
      return Date.UTC(year, month, day + periodsAhead);
    case 'week':
      return Date.UTC(year, month, day - daysSinceMonday(at) + 7 * periodsAhead);
    case 'month':
      return Date.UTC(year, month + periodsAhead, 1);
  }
}

function daysSinceMonday(at: Date): number {
  return (at.getUTCDay() + 6) % 7;
}
