// What the facts of several mails are made of: moments, money, and what was bought.
import { z } from 'zod';
import type { DeclineClass } from '../../../domain/declines.ts';
import type { PlanName } from '../../../domain/plans.ts';

/** ISO 8601 in UTC: 2026-12-01T10:00:00.000Z */
export const moment = z.iso.datetime();
export const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
export const cents = z.int().nonnegative();
export const lastFour = z.string().regex(/^\d{4}$/);

const PLANS = ['free', 'pay_as_you_go', 'pro', 'team', 'enterprise'] as const satisfies readonly PlanName[];
/** What a bank wants confirmed has a mail of its own, and a duplicate is no decline (domain/charges.ts). */
export const DECLINES = ['never', 'needs_customer', 'later'] as const satisfies readonly DeclineClass[];

export const terms = z.strictObject({ plan: z.enum(PLANS), months: z.union([z.literal(1), z.literal(12)]) });

export const purchase = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('plan'), terms, from: moment, to: moment }),
  z.strictObject({ kind: z.literal('pack'), creditCents: cents, bonusCents: cents, bonusUntil: moment.nullable() }),
  z.strictObject({ kind: z.literal('top_up'), creditCents: cents }),
  z.strictObject({ kind: z.literal('usage'), from: moment, to: moment }),
]);

export const amount = { amountCents: cents, currency: z.string().regex(/^[a-z]{3}$/) };
/** Of something that is ordered another day: `plusTax` where what tax comes on top is known only then. */
export const ahead = { ...amount, plusTax: z.boolean() };
/** invoice: the number that the customer knows it by. */
export const demand = { ...amount, purchase, invoice: z.string().nullable() };
export const application = { applicationId: z.uuid(), company: z.string() };
/** domain/enterprise-terms.ts */
export const agreed = z.strictObject({
  creditLineCents: cents,
  netDays: z.int().nonnegative(),
  priceOfListPpm: z.int().positive(),
  monthlyBudgetCents: cents.nullable(),
  allowedAddresses: z.array(z.string()).readonly(),
});
export const unpaid = { ...demand, dueAt: moment, invoiceId: z.uuid() };
/** holderId: the member's; null: it is the organization's. shape: what people know the credential by. */
export const credential = { holderId: z.uuid().nullable(), apiKeyName: z.string(), shape: z.string() };
/** Of a channel, whose key is to be changed for one that a person brings. */
export const awaitedKey = {
  channelName: z.string(),
  keyLastFour: z.string(),
  awaitedSince: moment,
  workflowId: z.string(),
};
