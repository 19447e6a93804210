// Buying credit through Stripe, and what Stripe tells us of it.
import { z } from 'zod';
import { PACK_IDS, PACKS } from '../../domain/plans.ts';
import { organization } from '../../services/organizations/organizations.ts';
import { ownerOf } from '../../services/organizations/owners.ts';
import { openCheckout } from '../../services/payments/checkouts.ts';
import { listPayments, payment } from '../../services/payments/payments.ts';
import { packPurchase } from '../../services/payments/purchases.ts';
import { refundUnusedPack, sendRefunds } from '../../services/payments/refunds.ts';
import { instant, money, reason, uuid } from './field-schemas.ts';
import { openRead, signedHook } from './open-route.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { deskOf } from './payment-desk.ts';
import { JSON_TYPE } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

export const Checkout = z
  .object({
    url: z.url().meta({ description: 'A page of Stripe; whoever opens it can pay' }),
    expiresAt: instant,
    paymentId: uuid,
  })
  .meta({ id: 'Checkout' });

const Pack = z
  .object({
    id: z.enum(PACK_IDS),
    paidCents: z.int().meta({ description: 'Without tax; as much credit, which does not expire' }),
    bonusCents: z.int().meta({ description: 'Credit on top of it, for twelve months' }),
  })
  .meta({ id: 'Pack' });

const Payment = z
  .object({
    id: uuid,
    orgId: uuid,
    purpose: z.enum(['pack', 'invoice', 'top_up', 'second_capture']),
    pack: z.string().nullable(),
    invoiceId: uuid.nullable(),
    state: z.enum(['open', 'paid', 'expired']),
    amountCents: z.int(),
    taxCents: z.int().meta({ description: 'Of the amount; that of usage stands on its invoice' }),
    awaitsTax: z.boolean().meta({ description: 'The amount is net: Stripe says the tax before anybody is asked' }),
    currency: z.string(),
    creditNano: money,
    bonusNano: money,
    refundedCents: z.int(),
    stripePaymentIntent: z.string().nullable(),
    requestedBy: z.string(),
    createdAt: instant,
    paidAt: instant.nullable(),
  })
  .meta({ id: 'Payment' });

const Refund = z
  .object({ id: uuid, paymentId: uuid, amountCents: z.int(), state: z.enum(['submitted', 'succeeded', 'failed']) })
  .meta({ id: 'Refund' });

const ofOrganization = z.object({ orgId: uuid });
const payments = { name: 'payments', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const paymentRoutes: readonly Route[] = [
  openRead({
    path: '/api/v1/packs',
    summary: 'Packs of credit as they are sold',
    params: none,
    query: none,
    response: z.object({ data: z.array(Pack) }),
    handler: async () => ({ data: PACK_IDS.map((id) => ({ id, ...PACKS[id] })) }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/checkouts',
    permission: 'payment.make',
    of: ({ params }) => params,
    summary: 'Where to pay for a pack of credit; the page that is open already, if there is one',
    params: ofOrganization,
    status: 201,
    reachesOutside: true,
    body: z.strictObject({ pack: z.enum(PACK_IDS) }),
    response: Checkout,
    handler: async ({ params, body, actor }, app, change) => {
      const { stripe, publicUrl } = deskOf(app);
      const purchase = packPurchase(params.orgId, body.pack, actor);
      const answer = await openCheckout({ db: app.db, stripe, publicUrl }, purchase);
      return change(async () => ({
        answer,
        audit: {
          action: 'checkout.opened',
          targetKind: 'payment',
          targetId: answer.paymentId,
          after: { ...params, ...body },
        },
      }));
    },
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/payments',
    permission: 'payment.read',
    of: ({ params }) => params,
    summary: 'Payments of an organization, newest first',
    params: ofOrganization,
    query: z.strictObject(pageQuery),
    response: pageOf(Payment),
    handler: async ({ params, query }, { db }) => {
      const { id } = await organization(db, params.orgId);
      return onePage(payments, query, (after, pageSize) => listPayments(db, id, after, pageSize));
    },
  }),
  adminRead({
    path: '/api/v1/payments/{id}',
    permission: 'payment.read',
    of: ({ params }, db) => ownerOf(db, 'payment', params.id),
    summary: 'One payment',
    query: none,
    params: z.object({ id: uuid }),
    response: Payment,
    handler: ({ params }, { db }) => payment(db, params.id),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/payments/{id}/refunds',
    permission: 'payment.refund',
    summary:
      'Refund what is unused of a pack, within 14 days; its credit and bonus go at once, and come back should the refund fail',
    params: z.object({ id: uuid }),
    status: 201,
    reachesOutside: true,
    body: z.strictObject({
      reason,
      ignoresWindow: z.boolean().default(false).meta({ description: 'Also later than 14 days after the payment' }),
    }),
    response: Refund,
    handler: async ({ params, body, actor }, app, change) => {
      const { stripe } = deskOf(app);
      let refundId: string | null = null;
      const committed = await change(async (tx) => {
        const answer = await refundUnusedPack(tx, params.id, actor, body.ignoresWindow);
        refundId = answer.id;
        const audit = {
          action: 'refund.requested',
          targetKind: 'payment',
          targetId: params.id,
          after: { ...answer, ignoresWindow: body.ignoresWindow },
        } as const;
        return { answer, audit: { ...audit, reason: body.reason } };
      });
      // What Stripe does not take now, the caretaker sends again.
      await sendRefunds(app.db, stripe, refundId).catch((error: unknown) =>
        app.log.warn({ err: error }, 'refund_waiting'),
      );
      return committed;
    },
  }),
  signedHook({
    path: '/webhooks/stripe',
    summary: 'For Stripe: an event, signed',
    body: z.looseObject({ id: z.string(), type: z.string() }).meta({ description: 'An Event of Stripe' }),
    response: z.object({ received: z.boolean() }),
    handler: async (bytes, headers, app) => {
      const { stripe, inbox } = deskOf(app);
      const event = stripe.readWebhook(bytes, String(headers['stripe-signature'] ?? ''), Date.now());
      if (event !== null && (await inbox.store(event))) inbox.wake();
      return { status: 200, headers: { 'content-type': JSON_TYPE }, text: JSON.stringify({ received: true }) };
    },
  }),
];
