// Plans and the subscriptions to them. What a person wants is a row before it is answered; what it costs is asked of the card here, beside the
// workflow, so that a change is made also while Temporal is away.

import type { PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { termsOf } from '../../domain/plans.ts';
import { type AuditEntry, writeAudit } from '../../services/audit/audit.ts';
import { lockedOrganization, organization } from '../../services/organizations/organizations.ts';
import { ownerOf } from '../../services/organizations/owners.ts';
import { settleCardAsks } from '../../services/payments/card-asks.ts';
import { openCheckout } from '../../services/payments/checkouts.ts';
import { planPurchase } from '../../services/payments/purchases.ts';
import { listPlanVersions } from '../../services/plans/plan-versions.ts';
import { newId } from '../../services/platform/ids.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { type PlanChange, planChange } from '../../services/subscriptions/plan-changes.ts';
import { listSubscriptions, subscriptionRow } from '../../services/subscriptions/subscription-rows.ts';
import {
  commandSubscription,
  type PlanCommand,
  priceOfChange,
  type SubscriptionView,
  viewOf,
} from '../../services/subscriptions/subscriptions.ts';
import { quoteTax } from '../../services/taxes/stripe-tax.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { instant, reason, uuid, version } from './field-schemas.ts';
import { openRead } from './open-route.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { deskOf } from './payment-desk.ts';
import { Checkout } from './payments.ts';
import { type IfMatch, requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const plan = z.enum(['pro', 'team']);
const months = z.union([z.literal(1), z.literal(12)]).default(1);

const Subscription = z
  .object({
    id: uuid,
    orgId: uuid,
    version,
    phase: z.enum(['active', 'paying', 'past_due', 'voiding', 'paused', 'ended']),
    plan: z.string(),
    months: z.int(),
    nextPlan: z.string().meta({ description: 'What it renews to' }),
    periodEndsAt: z.iso.datetime(),
    atPeriodEnd: z.enum(['renew', 'cancel', 'pause']),
    invoiceId: uuid.nullable().meta({ description: 'The invoice whose payment is awaited' }),
  })
  .meta({ id: 'Subscription' });

const Plan = z
  .object({
    id: z.string(),
    plan: z.string(),
    effectiveAt: instant,
    monthlyCents: z.int(),
    yearlyCents: z.int(),
    monthlyCreditCents: z.int(),
    seats: z.int().nullable(),
    models: z.enum(['basic', 'all']),
    beyondIncludedPpm: z.int(),
  })
  .meta({ id: 'Plan' });

const SUMMARIES = {
  cancel: 'No more periods: the plan ends with what is paid',
  reactivate: 'Take a cancellation back, before the plan has ended',
  pause: 'Rest from the end of the paid period on; nothing is charged until it is resumed',
  resume: 'Go on: a pause that has not begun is taken back, after one a period begins when it is paid',
} as const;

const PlanChanged = z
  .object({
    id: uuid,
    outcome: z.enum(['changed', 'at_period_end', 'declined', 'needs_authentication', 'pending', 'dropped']).meta({
      description: 'dropped: nothing came of it, a payment was in doubt or something else took its place',
    }),
    payUrl: z.url().nullable().meta({ description: 'Where the customer confirms the payment with his bank' }),
    subscription: Subscription,
  })
  .meta({ id: 'PlanChanged' });

const subscriptions = { name: 'subscriptions', position: uuid, positionOf: ({ id }: { id: string }) => id };
const byId = z.object({ id: uuid });
const ofOrganization = z.object({ orgId: uuid });

export const subscriptionRoutes: readonly Route[] = [
  openRead({
    path: '/api/v1/plans',
    summary: 'Plans as they are and were sold',
    params: none,
    query: none,
    response: z.object({ data: z.array(Plan) }),
    handler: async ({ db }) => ({
      data: (await listPlanVersions(db)).map((sold) => ({
        ...sold,
        effectiveAt: new Date(sold.effectiveAtMs),
        yearlyCents: termsOf(sold, 12).priceCents,
      })),
    }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/subscription-checkouts',
    permission: 'payment.make',
    of: ({ params }) => params,
    summary: 'Where to pay for the first period of a plan; the page that is open already, if there is one',
    params: ofOrganization,
    status: 201,
    reachesOutside: true,
    body: z.strictObject({ plan, months }),
    response: Checkout,
    handler: async ({ params, body, actor }, app, change) => {
      const { stripe, publicUrl } = deskOf(app);
      const purchase = planPurchase(params.orgId, body.plan, body.months, actor);
      const answer = await openCheckout({ db: app.db, stripe, publicUrl }, purchase);
      const audit = { action: 'checkout.opened', targetKind: 'payment', targetId: answer.paymentId } as const;
      return change(async () => ({ answer, audit: { ...audit, after: { ...params, ...body } } }));
    },
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/subscriptions',
    permission: 'subscription.read',
    of: ({ params }) => params,
    summary: 'Subscriptions of an organization, the live one first',
    params: ofOrganization,
    query: z.strictObject(pageQuery),
    response: pageOf(Subscription),
    handler: async ({ params, query }, { db }) => {
      const { id: orgId } = await organization(db, params.orgId);
      return inTransaction(db, (tx) =>
        onePage(subscriptions, query, async (after, pageSize) => {
          const data = [];
          for (const id of await listSubscriptions(tx, orgId, after, pageSize)) data.push(told(await viewOf(tx, id)));
          return data;
        }),
      );
    },
  }),
  adminRead({
    path: '/api/v1/subscriptions/{id}',
    permission: 'subscription.read',
    of: ({ params }, db) => ownerOf(db, 'subscription', params.id),
    summary: 'One subscription',
    params: byId,
    query: none,
    response: Subscription,
    handler: ({ params }, { db }) => inTransaction(db, async (tx) => told(await viewOf(tx, params.id))),
  }),
  adminRead({
    path: '/api/v1/subscriptions/{id}/plan-changes/{plan}',
    permission: 'subscription.read',
    of: ({ params }, db) => ownerOf(db, 'subscription', params.id),
    summary: 'What a change of plan would cost now, and when it would take effect',
    params: z.object({ id: uuid, plan }),
    query: z.strictObject({ months: z.enum(['1', '12']).default('1') }),
    response: z
      .object({ amountCents: z.int(), taxCents: z.int(), takesEffect: z.enum(['now', 'at_period_end']) })
      .meta({ id: 'PlanChange' }),
    handler: async ({ params, query }, app) => {
      const wanted = { plan: params.plan, months: query.months === '12' ? 12 : 1 } as const;
      const { grossCents, taxCents } = await quoted(app, params.id, wanted);
      return { amountCents: grossCents, taxCents, takesEffect: grossCents > 0 ? 'now' : 'at_period_end' } as const;
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/subscriptions/{id}/plan-changes',
    permission: 'subscription.change',
    of: ({ params }, db) => ownerOf(db, 'subscription', params.id),
    summary: 'Another plan: a dearer one now, for what is due of it; another one when the period ends',
    params: byId,
    ifMatch: 'optional',
    reachesOutside: true,
    body: z.strictObject({ plan, months, reason }),
    response: PlanChanged,
    goesOnAt: ({ id, outcome }) => (outcome === 'pending' ? `/api/v1/plan-changes/${id}` : null),
    handler: async ({ params, body, actor, author, ifMatch }, app, change) => {
      const { stripe } = deskOf(app);
      const { reason: why, ...wanted } = body;
      const command = { command: 'changePlan', ...wanted } as const;
      const telling = { id: newId(), actor, reason: why, ifMatch };
      await requireTaxable(app, params.id, wanted);
      const { view, audit } = await inTransaction(app.db, async (tx) => {
        const { view, audit } = await obeyed(tx, params.id, command, telling);
        return { view, audit: await writeAudit(tx, author, audit) };
      });
      const settled = await settleCardAsks({ db: app.db, stripe }, params.id, CARD_PATIENCE_MS);
      const { invoiceId } = settled;
      // The invoice that the change would have replaced may be being paid: it was put back.
      const isPutBack = settled.phase === 'past_due' && invoiceId === view.invoiceId;
      if (isPutBack) throw refused(params.id, command, 'payment_in_doubt');
      return change(async (tx) => ({ answer: toldOfChange(await planChange(tx, telling.id), app), audit }));
    },
  }),
  adminRead({
    path: '/api/v1/plan-changes/{id}',
    permission: 'subscription.read',
    of: ({ params }, db) => ownerOf(db, 'plan_change', params.id),
    summary: 'What has come of a change of plan that took longer than its caller waited',
    params: byId,
    query: none,
    response: PlanChanged,
    handler: ({ params }, app) =>
      inTransaction(app.db, async (tx) => toldOfChange(await planChange(tx, params.id), app)),
  }),
  ...(['cancel', 'reactivate', 'pause', 'resume'] as const).map((command) =>
    adminChange({
      method: 'post',
      path: `/api/v1/subscriptions/{id}/${command}`,
      permission: 'subscription.change',
      of: ({ params }, db) => ownerOf(db, 'subscription', params.id),
      summary: SUMMARIES[command],
      params: byId,
      ifMatch: 'optional',
      body: z.strictObject({ reason }),
      response: Subscription,
      handler: ({ params, body, actor, ifMatch }, _app, change) =>
        change(async (tx) => {
          const { view, audit } = await obeyed(
            tx,
            params.id,
            { command },
            { id: newId(), actor, reason: body.reason, ifMatch },
          );
          return { answer: told(view), audit };
        }),
    }),
  ),
];

/** What a change would cost now, with its tax. Stripe is asked where that is its word, and holds up nobody else meanwhile. */
async function quoted(app: AppDependencies, subscriptionId: string, wanted: { plan: 'pro' | 'team'; months: 1 | 12 }) {
  const { orgId, netCents } = await inTransaction(app.db, async (tx) => {
    const row = await subscriptionRow(tx, subscriptionId);
    return { orgId: row.orgId, netCents: await priceOfChange(tx, row, wanted) };
  });
  return quoteTax(app.db, () => deskOf(app).stripe, orgId, netCents);
}

/** Whose address Stripe Tax does not take is told so before anything is ordered. What is away only delays the charge. */
async function requireTaxable(app: AppDependencies, subscriptionId: string, wanted: Parameters<typeof quoted>[2]) {
  await quoted(app, subscriptionId, wanted).catch((error: unknown) => {
    if (!(error instanceof TollgateError && error.code === 'payment_provider_unavailable')) throw error;
  });
}

/** Whoever changes his plan waits no longer for a bank; what is open then goes on without him. */
const CARD_PATIENCE_MS = 15_000;

interface Telling {
  /** Of the command. */
  readonly id: string;
  readonly actor: string;
  readonly reason: string;
  readonly ifMatch: IfMatch;
}

async function obeyed(
  tx: PoolClient,
  subscriptionId: string,
  command: PlanCommand,
  { id, actor, reason: why, ifMatch }: Telling,
): Promise<{ readonly view: SubscriptionView; readonly audit: AuditEntry }> {
  const { orgId } = await subscriptionRow(tx, subscriptionId);
  await lockedOrganization(tx, orgId);
  requireSeen(ifMatch, { version: (await viewOf(tx, subscriptionId)).revision });
  const outcome = await commandSubscription(tx, subscriptionId, { ...command, actor, reason: why, requestId: id });
  if (outcome.kind === 'refused') throw refused(subscriptionId, command, outcome.why);
  if (outcome.audit === null) throw new Error('a new request was counted before');
  return { view: outcome.answer, audit: outcome.audit };
}

function refused(subscriptionId: string, { command }: PlanCommand, why: string): TollgateError {
  if (why === 'payment_in_doubt') {
    return new TollgateError('payment_in_doubt', {
      message: `A payment of subscription ${subscriptionId} is under way and its outcome is not known yet. Nothing was changed: repeat this in a minute.`,
      retryAfterMs: 60_000,
    });
  }
  return new TollgateError('conflict', {
    message: `Subscription ${subscriptionId} cannot take "${command}" as it stands now (${why}). Read it again: its phase says what is possible.`,
  });
}

function toldOfChange({ id, outcome, invoiceId, subscription }: PlanChange, { links }: Pick<AppDependencies, 'links'>) {
  const payUrl = invoiceId === null ? null : links.urlOf(invoiceId);
  return { id, outcome, payUrl, subscription: told(subscription) };
}

function told({ revision, ...view }: SubscriptionView) {
  return { ...view, version: revision };
}
