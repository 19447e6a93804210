// Customers as our staff meets them: found by whatever somebody can name, what one went through, and looked at with its owner's eyes.
import { z } from 'zod';
import { FOUND_BY, findCustomers } from '../../services/customers/search.ts';
import { HAPPENING_KINDS, type PlacedHappening, timeline } from '../../services/customers/timeline.ts';
import { viewAudit, viewEnds } from '../../services/customers/views.ts';
import { organization } from '../../services/organizations/organizations.ts';
import { instant, money, overdueStage, reason, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const FoundCustomer = z
  .object({
    orgId: uuid,
    orgName: z.string(),
    plan: z.enum(['free', 'pay_as_you_go', 'pro', 'team', 'enterprise']).nullable(),
    enforcement: z.enum(['active', 'stopped']),
    overdueStage,
    foundBy: z.enum(FOUND_BY),
    what: z.string().meta({ description: 'What of it was found' }),
  })
  .meta({ id: 'FoundCustomer' });

const Happening = z
  .object({
    at: instant.meta({ description: 'In the time of billing' }),
    kind: z.enum(HAPPENING_KINDS),
    id: z.string().meta({ description: 'Of its kind' }),
    what: z.string().meta({ description: 'Purpose, outcome, kind of mail, action of the audit log' }),
    state: z.string().nullable().meta({ description: 'As it stands now; of an attempt the class of its decline' }),
    detail: z.string().nullable(),
    amountNano: money.nullable(),
    actor: z.string().nullable(),
    actorName: z.string().nullable().meta({ description: 'Of the persons among them' }),
    reason: z.string().nullable(),
    paymentId: uuid.nullable(),
    invoiceId: uuid.nullable(),
    subscriptionId: uuid.nullable(),
    targetKind: z.string().nullable(),
    targetId: z.string().nullable(),
    workflowId: z.string().nullable().meta({ description: 'Of the process that did it, or that it is about' }),
  })
  .meta({ id: 'Happening' });

const ofOrganization = z.object({ orgId: uuid });

const EXACT = z.iso.datetime({ precision: 6 });
const KIND = z.enum(HAPPENING_KINDS);
/** `2026-12-01T10:00:00.000000Z payment 0193…`: all that orders it. */
const happenings = {
  name: 'timeline',
  position: z
    .string()
    .max(300)
    .refine((text) => EXACT.safeParse(placeIn(text).at).success && KIND.safeParse(placeIn(text).kind).success),
  positionOf: ({ place }: PlacedHappening) => `${place.at} ${place.kind} ${place.id}`,
};

export const staffCustomerRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/customers',
    permission: 'customer.read',
    summary:
      'Organizations by the beginning of their name or of a member’s mail address, by an API key’s prefix, or by the id of a request, an invoice, a payment',
    params: none,
    query: z.strictObject({ find: z.string().max(254).default('') }),
    response: z.object({
      data: z.array(FoundCustomer).readonly(),
      hasMore: z.boolean().meta({ description: 'Type more of it to see the others' }),
    }),
    handler: ({ query }, { db }) => findCustomers(db, query.find),
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/timeline',
    permission: 'timeline.read',
    summary: 'What an organization went through, newest first',
    params: ofOrganization,
    query: z.strictObject(pageQuery),
    response: pageOf(Happening),
    handler: async ({ params, query }, { db }) => {
      const { id } = await organization(db, params.orgId);
      return onePage(happenings, query, (after, pageSize) =>
        timeline(db, id, after === null ? null : placeIn(after), pageSize),
      );
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/views',
    permission: 'customer.view',
    summary: 'Look at an organization as its owner sees it: for an hour, by the header tollgate-view, and reading only',
    params: ofOrganization,
    status: 201,
    body: z.strictObject({ reason }),
    response: z.object({ orgId: uuid, validUntil: instant }).meta({ id: 'CustomerView' }),
    handler: ({ params, body }, _app, change) =>
      change(async (tx) => {
        const { id: orgId } = await organization(tx, params.orgId);
        const validUntil = await viewEnds(tx);
        return { answer: { orgId, validUntil }, audit: viewAudit(orgId, validUntil, body.reason) };
      }),
  }),
];

function placeIn(text: string) {
  const [at = '', kind = '', ...rest] = text.split(' ');
  return { at, kind, id: rest.join(' ') };
}
