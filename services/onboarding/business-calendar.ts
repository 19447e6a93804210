// In whose days we are reminded, as rows: a zone, days off, and weekends on which people work.
import { afterBusinessTime, type BusinessCalendar } from '../../domain/business-time.ts';
import type { Clock } from '../../domain/onboarding.ts';
import type { Queryable } from '../platform/postgres.ts';

export async function businessCalendar(db: Queryable): Promise<BusinessCalendar> {
  const { rows } = await db.query<BusinessCalendar>(
    `select c.time_zone as "timeZone", array(select day::text from business_holidays where not is_workday) as holidays,
            array(select day::text from business_holidays where is_workday) as workdays
       from business_calendars c`,
  );
  if (rows[0] === undefined) throw new Error('business_calendars has no row: which days are business days?');
  return rows[0];
}

export async function clockAt(db: Queryable, nowMs: number): Promise<Clock> {
  const calendar = await businessCalendar(db);
  return { nowMs, businessTimeAfter: (fromMs, spanMs) => afterBusinessTime(calendar, fromMs, spanMs) };
}
