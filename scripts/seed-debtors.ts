// Customers who owe, one in every stage of both ladders, so that a first look at a demo finds each. They come to it as customers do, and that
// takes months: a new installation's clock of billing is moved once, by 49 to 79 days, and stays there (D71). Whoever is there by his name
// was made before, so a start that was interrupted goes on where it was.
import { z } from 'zod';
import { buyPlan, emptyCard } from './buying.ts';
import { advanceTo, billingNow, DAY_MS } from './demo-clock.ts';
import type { Endpoints } from './endpoints.ts';
import { lendCredit, openUsageInvoice, useCredit } from './enterprises.ts';
import type { Staff } from './staff.ts';

export interface Demo extends Pick<Endpoints, 'apiBaseUrl' | 'stripe' | 'models'> {
  readonly staff: Staff;
  /** An organization of this name, made by `begin` unless it is there. */
  known(name: string, begin: (orgId: string) => Promise<void>): Promise<string>;
}

/** All are invoiced on one day, and shown so many days later. Each is overdue by what is left of them. */
const SHOWN_AFTER_DAYS = 48;
const ENTERPRISES = {
  stopped: { name: 'Demo enterprise stopped', netDays: 15 },
  limited: { name: 'Demo enterprise limited', netDays: 30 },
  reminded: { name: 'Demo enterprise reminded', netDays: 45 },
} as const;
/** A month of Pro, so many days before; then its card pays nothing. Past due since 16 to 19, 9 to 12, and 2 to 5 days. */
const SUBSCRIBERS = [
  { name: 'Demo pro plan ended', daysBefore: 47 },
  { name: 'Demo pro limited', daysBefore: 40 },
  { name: 'Demo pro reminded', daysBefore: 33 },
] as const;

export const DEBTORS: readonly string[] = [...Object.values(ENTERPRISES), ...SUBSCRIBERS].map(({ name }) => name);

export async function seedDebtors(demo: Demo): Promise<void> {
  const { staff } = demo;
  const stopped = await enterpriseThatOwes(demo, ENTERPRISES.stopped);
  await enterpriseThatOwes(demo, ENTERPRISES.limited);
  const last = await enterpriseThatOwes(demo, ENTERPRISES.reminded);
  const shownMs = (await invoiceDay(staff, last)) + SHOWN_AFTER_DAYS * DAY_MS;
  for (const { name, daysBefore } of SUBSCRIBERS) {
    await advanceTo(staff, shownMs - daysBefore * DAY_MS);
    await demo.known(name, async (orgId) => {
      await buyPlan(staff, orgId, 'pro');
      await emptyCard(demo.stripe, staff, orgId);
    });
  }
  // Nobody is stopped by silence.
  await advanceTo(staff, shownMs - 2 * DAY_MS);
  const debt = await openUsageInvoice(staff, stopped);
  if (debt !== null) await staff.ask(`/invoices/${debt.id}/dunning/decide-stop`, { reason: 'he does not answer' }, Any);
  await advanceTo(staff, shownMs);
}

const Any = z.looseObject({});

function enterpriseThatOwes(
  demo: Demo,
  { name, netDays }: { readonly name: string; readonly netDays: number },
): Promise<string> {
  return demo.known(name, async (orgId) => {
    await lendCredit(demo.staff, orgId, netDays);
    await useCredit(demo.staff, demo, orgId);
  });
}

/** Moves on to it. */
async function invoiceDay(staff: Staff, orgId: string): Promise<number> {
  const now = await billingNow(staff);
  if ((await openUsageInvoice(staff, orgId)) === null) {
    await advanceTo(staff, Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  }
  const invoice = await openUsageInvoice(staff, orgId);
  if (invoice === null) throw new Error(`organization ${orgId} was not invoiced for what it used`);
  return Date.parse(invoice.issuedAt);
}
