// What a turn of a subscription has to say to the customer, as mails of the same transaction. Each event has one key, so that a step that is
// told again tells nobody again.
import type { PoolClient } from 'pg';
import { endOf, type Period, startOf } from '../../domain/billing-periods.ts';
import { CURRENCY } from '../../domain/cents.ts';
import type { Terms } from '../../domain/plans.ts';
import { type Order, openOrder, type Subscription, type SubscriptionWrite } from '../../domain/subscription.ts';
import type { SubscriptionCommand } from '../../domain/subscription-commands.ts';
import type { SubscriptionFact } from '../../domain/subscription-step.ts';
import type { Purchase, Terms as ToldTerms } from '../notifications/mails/kinds.ts';
import { queueMail } from '../notifications/outbox.ts';
import { planVersion } from '../plans/plan-versions.ts';
import { priceAhead } from '../taxes/taxes.ts';
import { invoiceIdOf, planInvoice } from './invoices-of-plans.ts';
import type { Written } from './plan-writes.ts';

export interface Told extends Written {
  readonly before: Subscription;
  readonly event: SubscriptionFact | SubscriptionCommand;
  readonly writes: readonly SubscriptionWrite[];
  readonly nowMs: number;
  readonly hasReceipt?: boolean;
}

export async function queuePlanMails(tx: PoolClient, told: Told): Promise<void> {
  for (const one of told.writes) {
    if (one.kind === 'period_begun' && told.hasReceipt !== true) await tellOfPeriod(tx, told, one);
    // Who is converted is told by his welcome.
    if (one.kind === 'plan_ended' && one.why !== 'converted') await tellOfEnd(tx, told, one.why);
  }
  if ('requestId' in told.event && told.state !== told.before) await tellOfCommand(tx, told, told.event);
  if (told.event.kind === 'charged') await tellOfDecline(tx, told, told.event);
}

/** The first period of a subscription is told of in the same words. */
export async function tellOfPeriod(
  tx: PoolClient,
  {
    orgId,
    subscriptionId,
    state,
    before,
    nowMs,
  }: Pick<Told, 'orgId' | 'subscriptionId' | 'state' | 'nowMs'> & { before: Subscription | null },
  { order, period, fromMs }: { readonly order: Order; readonly period: Period; readonly fromMs: number },
): Promise<void> {
  const invoiceId = invoiceIdOf(subscriptionId, order.invoice);
  const to = await toldTerms(tx, order.terms);
  const ends = iso(endOf(period));
  const { cardLastFour, ...charged } = await chargeOf(tx, invoiceId);
  await queueMail(tx, {
    orgId,
    kind: 'receipt',
    key: `receipt:${invoiceId}`,
    facts: {
      ...charged,
      purchase: { kind: 'plan', terms: to, from: iso(fromMs), to: ends },
      invoice: null,
      paidAt: iso(nowMs),
      cardLastFour,
      renewsAt: state.atPeriodEnd === 'renew' ? ends : null,
    },
  });
  if (
    before === null ||
    (before.terms.planVersionId === order.terms.planVersionId && before.terms.months === order.terms.months)
  )
    return;
  await queueMail(tx, {
    orgId,
    kind: 'plan_changed',
    key: `plan_changed:${invoiceId}`,
    facts: {
      from: await toldTerms(tx, before.terms),
      to,
      effectiveAt: iso(fromMs),
      charge: { ...charged, creditedCents: order.terms.priceCents - order.amountCents },
      renewal: await renewalOf(tx, orgId, state, ends),
    },
  });
}

/** Null: he has cancelled, or will pause. */
async function renewalOf(tx: PoolClient, orgId: string, { atPeriodEnd, nextTerms }: Subscription, at: string) {
  if (atPeriodEnd !== 'renew') return null;
  return { ...(await priceAhead(tx, orgId, nextTerms.priceCents)), currency: CURRENCY, at };
}

async function tellOfEnd(
  tx: PoolClient,
  { orgId, subscriptionId, state, nowMs }: Told,
  why: 'cancelled' | 'unpaid',
): Promise<void> {
  await queueMail(tx, {
    orgId,
    kind: 'plan_ended',
    key: `plan_ended:${subscriptionId}`,
    facts: { terms: await toldTerms(tx, state.terms), endedAt: iso(nowMs), why },
  });
}

async function tellOfCommand(
  tx: PoolClient,
  { orgId, state, before }: Told,
  command: SubscriptionCommand,
): Promise<void> {
  const eventKey = `${command.kind}:${command.requestId}`;
  const terms = await toldTerms(tx, state.terms);
  const endsAt = iso(endOf(state.period));
  if (command.kind === 'cancel' && state.atPeriodEnd === 'cancel' && state.phase.kind === 'active') {
    await queueMail(tx, { orgId, kind: 'cancelled', key: eventKey, facts: { terms, endsAt } });
  }
  if (command.kind === 'pause' && state.atPeriodEnd === 'pause' && state.phase.kind === 'active') {
    await queueMail(tx, { orgId, kind: 'paused', key: eventKey, facts: { terms, pausesAt: endsAt } });
  }
  if (command.kind !== 'change_plan' || state.nextTerms === before.nextTerms) return;
  const renewal = await renewalOf(tx, orgId, state, endsAt);
  const to = await toldTerms(tx, state.nextTerms);
  await queueMail(tx, {
    orgId,
    kind: 'plan_changed',
    key: eventKey,
    facts: { from: terms, to, effectiveAt: endsAt, charge: null, renewal },
  });
}

/** Of what a person has just asked for. A renewal that was declined is told of by the ladder of dunning. */
async function tellOfDecline(
  tx: PoolClient,
  { orgId, subscriptionId, before, state, nowMs }: Told,
  { invoice, outcome }: SubscriptionFact & { kind: 'charged' },
): Promise<void> {
  const order = openOrder(before);
  if (outcome.kind !== 'declined' || order?.invoice !== invoice || before.phase.kind !== 'paying') return;
  const invoiceId = invoiceIdOf(subscriptionId, invoice);
  const purchase = await planPurchaseOf(tx, order, nowMs);
  const demand = { ...(await amountOf(tx, invoiceId)), purchase, invoice: null, invoiceId };
  const { decline } = outcome;
  if (decline.class === 'authenticate') {
    const untilMs = state.phase.kind === 'paying' ? state.phase.authenticateByMs : null;
    const confirmUntil = untilMs === null ? null : iso(untilMs);
    await queueMail(tx, {
      orgId,
      kind: 'payment_needs_you',
      key: `needs_you:${invoiceId}`,
      facts: { ...demand, confirmUntil },
    });
  } else if (before.phase.ifDeclined !== 'past_due') {
    const told = decline.class === 'never' || decline.class === 'needs_customer' ? decline.class : 'later';
    await queueMail(tx, {
      orgId,
      kind: 'payment_declined',
      key: `declined:${invoiceId}`,
      facts: { ...demand, decline: told, suspicious: decline.suspicious, nextAttemptAt: null },
    });
  }
}

/** A period that begins when it is paid is told of as if that were at once. */
export async function planPurchaseOf(
  tx: PoolClient,
  { terms, period }: { readonly terms: Terms; readonly period: Period | null },
  paidAtMs: number,
): Promise<Purchase> {
  const bought = period ?? { anchorMs: paidAtMs, firstMonth: 0, months: terms.months };
  return { kind: 'plan', terms: await toldTerms(tx, terms), from: iso(startOf(bought)), to: iso(endOf(bought)) };
}

/** With tax. */
async function amountOf(tx: PoolClient, invoiceId: string) {
  const { amountCents } = await planInvoice(tx, invoiceId);
  return { amountCents, currency: CURRENCY };
}

export async function toldTerms(tx: PoolClient, { planVersionId, months }: Terms): Promise<ToldTerms> {
  return { plan: (await planVersion(tx, planVersionId)).plan, months };
}

/** With tax. No card: it was paid on a page of Stripe. */
async function chargeOf(tx: PoolClient, invoiceId: string) {
  const { rows } = await tx.query<{ amountCents: number; cardLastFour: string | null }>(
    `select i.amount_cents as "amountCents",
            (select m.last4 from charge_attempts a join payments p on p.id = a.payment_id
               join payment_methods m on m.stripe_payment_method = a.payment_method
              where p.invoice_id = i.id and a.outcome = 'paid' limit 1) as "cardLastFour"
       from invoices i where i.id = $1`,
    [invoiceId],
  );
  if (rows[0] === undefined) throw new Error(`there is no invoice ${invoiceId}`);
  return { ...rows[0], currency: CURRENCY };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
