// Organizations and their credit, as staff keeps them and their members see them.
import { z } from 'zod';
import { balanceOf } from '../../services/grants/balance.ts';
import { isBeyondOnePerson, requireOnePerson } from '../../services/grants/given-by-hand.ts';
import { issueGrant, listGrants } from '../../services/grants/grants.ts';
import {
  allowAddresses,
  changeOrganization,
  createOrganization,
  listOrganizations,
  lockedOrganization,
  organization,
} from '../../services/organizations/organizations.ts';
import { putOnPlan } from '../../services/subscriptions/plans-without-fee.ts';
import {
  addressRanges,
  caps,
  instant,
  line,
  money,
  name,
  overdueStage,
  positiveAmount,
  rate,
  reason,
  shownAddresses,
  shownCaps,
  timeZone,
  uuid,
  version,
} from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const Organization = z
  .object({
    id: uuid,
    name: z.string(),
    plan: z
      .enum(['free', 'pay_as_you_go', 'pro', 'team', 'enterprise'])
      .nullable()
      .meta({ description: 'Null: it has agreed on none, pays list price and may use every model' }),
    planVersionId: z.string().nullable(),
    rateTier: z.string(),
    rateTierByHand: z.boolean().meta({ description: 'Chosen by somebody; else it follows the plan' }),
    requestsPerMinute: z.number().nullable(),
    tokensPerMinute: z.number().nullable(),
    concurrentRequests: z.number().nullable(),
    allowedAddresses: shownAddresses.meta({
      description: 'From where its API keys may be used, beside what each says itself; null: from everywhere',
    }),
    enforcement: z.enum(['active', 'stopped']),
    enforcementReason: z.string().nullable(),
    provisioning: z.boolean().meta({ description: 'Being converted to Enterprise: no API key of it works meanwhile' }),
    overdueStage,
    enforcementSeq: z.number().meta({ description: 'How often overdueStage has changed' }),
    timeZone: z.string(),
    seats: z.int().nullable().meta({ description: 'How many members may be active; null: as many as it likes' }),
    caps: shownCaps,
    overdraftNano: money,
    overdraftFloorNano: money,
    version,
    createdAt: instant,
  })
  .meta({ id: 'Organization' });

const Grant = z
  .object({
    id: uuid,
    orgId: uuid,
    source: z.enum(['trial', 'included', 'promo', 'bonus', 'pack', 'manual', 'credit_line']),
    priority: z.int(),
    amountNano: money,
    availableNano: money,
    effectiveAt: instant,
    expiresAt: instant.nullable(),
    expired: z.boolean(),
    note: z.string().nullable(),
    createdBy: z.string(),
    createdAt: instant,
  })
  .meta({ id: 'Grant' });

const ownRate = rate.nullable().meta({ description: 'Instead of what the rate tier says; null: what it says' });
const byId = z.object({ id: uuid });
const organizations = { name: 'organizations', position: uuid, positionOf: ({ id }: { id: string }) => id };
const grants = { ...organizations, name: 'grants' };

const organizationRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/organizations',
    permission: 'organization.create',
    summary: 'Make an organization',
    params: none,
    status: 201,
    body: z.strictObject({
      name,
      rateTier: line(40).optional(),
      requestsPerMinute: ownRate.default(null),
      tokensPerMinute: ownRate.default(null),
      concurrentRequests: ownRate.default(null),
      timeZone: timeZone.default('UTC'),
      caps: caps.default([]),
    }),
    response: Organization,
    handler: ({ body }, _app, change) =>
      change(async (tx) => {
        const answer = await createOrganization(tx, body);
        return {
          answer,
          audit: { action: 'organization.created', targetKind: 'organization', targetId: answer.id, after: answer },
        };
      }),
  }),
  adminRead({
    path: '/api/v1/organizations',
    permission: 'organization.read',
    summary: 'Organizations, newest first',
    params: none,
    query: z.strictObject(pageQuery),
    response: pageOf(Organization),
    handler: ({ query }, { db }) =>
      onePage(organizations, query, (after, pageSize) => listOrganizations(db, after, pageSize)),
  }),
  adminRead({
    path: '/api/v1/organizations/{id}',
    permission: 'organization.read',
    of: ({ params }) => ({ orgId: params.id }),
    summary: 'One organization',
    query: none,
    params: byId,
    response: Organization,
    handler: ({ params }, { db }) => organization(db, params.id),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/organizations/{id}',
    permission: 'organization.change',
    twoPersons: async ({ params, body }, db) =>
      body.enforcement === 'stopped' && (await organization(db, params.id)).plan === 'enterprise'
        ? 'stopping an enterprise'
        : null,
    of: ({ params }) => ({ orgId: params.id }),
    staffFields: ['plan', 'rateTier', 'requestsPerMinute', 'tokensPerMinute', 'concurrentRequests', 'enforcement'],
    summary: 'Change an organization; enforcement needs a reason',
    ifMatch: 'required',
    params: byId,
    body: z
      .strictObject({
        name: name.optional(),
        plan: z
          .enum(['free', 'pay_as_you_go'])
          .nullable()
          .optional()
          .meta({ description: 'Of an organization without a subscription or a contract' }),
        rateTier: line(40).nullable().optional().meta({ description: 'Null: from now on as the plan has it' }),
        requestsPerMinute: ownRate.optional(),
        tokensPerMinute: ownRate.optional(),
        concurrentRequests: ownRate.optional(),
        timeZone: timeZone.optional(),
        caps: caps.optional(),
        enforcement: z.enum(['active', 'stopped']).optional(),
        reason: reason.optional(),
      })
      .refine(
        ({ enforcement, reason: why }) => enforcement !== 'stopped' || why !== undefined,
        'say in reason why it is stopped',
      ),
    response: Organization,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedOrganization(tx, params.id);
        requireSeen(ifMatch, before);
        const { enforcement, reason: why, plan, ...settings } = body;
        if (plan !== undefined) await putOnPlan(tx, before.id, plan);
        const onPlan = plan === undefined ? before : await organization(tx, before.id);
        const answer = await changeOrganization(tx, onPlan, {
          ...settings,
          ...(enforcement === undefined
            ? {}
            : { enforcement: { enforcement, reason: enforcement === 'active' ? null : (why ?? null) } }),
        });
        const what = { action: 'organization.changed', targetKind: 'organization', targetId: answer.id } as const;
        return { answer, audit: { ...what, before, after: answer, reason: why } };
      }),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/organizations/{orgId}/allowed-addresses',
    permission: 'address_list.change',
    of: ({ params }) => params,
    summary: 'Say from where the API keys of an organization may be used',
    ifMatch: 'required',
    params: z.object({ orgId: uuid }),
    body: z.strictObject({
      allowedAddresses: addressRanges.nullable().meta({
        description: 'null: from everywhere. Of API keys alone: whoever signs in may do so from any address',
      }),
    }),
    response: Organization,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedOrganization(tx, params.orgId);
        requireSeen(ifMatch, before);
        const answer = await allowAddresses(tx, before.id, body.allowedAddresses);
        const what = {
          action: 'organization.addresses_changed',
          targetKind: 'organization',
          targetId: answer.id,
        } as const;
        return { answer, audit: { ...what, before, after: answer } };
      }),
  }),
  adminRead({
    path: '/api/v1/organizations/{id}/balance',
    permission: 'organization.read',
    of: ({ params }) => ({ orgId: params.id }),
    summary: 'What an organization can spend, to the nano at the moment of reading',
    query: none,
    params: byId,
    response: z
      .object({
        balanceNano: money,
        availableNano: money,
        reservedNano: money,
        settlingNano: money,
        lockedNano: money.meta({
          description:
            'Beside the balance: credit that is locked while an invoice is overdue, or has expired and is about to be written off',
        }),
      })
      .meta({ id: 'Balance' }),
    handler: async ({ params }, { db }) => balanceOf(db, (await organization(db, params.id)).id),
  }),
];

const grantRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/grants',
    permission: 'grant.issue',
    twoPersons: async ({ body, actor }, db) =>
      (await isBeyondOnePerson(db, actor, body.amountNano)) ? 'credit above $50 in a day' : null,
    summary: 'Give credit; it first repays what the organization owes',
    params: none,
    status: 201,
    body: z.strictObject({
      orgId: uuid,
      amountNano: positiveAmount,
      source: z.enum(['trial', 'included', 'promo', 'bonus', 'pack', 'manual']).default('manual'),
      expiresAt: instant.nullable().default(null),
      note: line(500).nullable().default(null),
    }),
    response: Grant,
    handler: ({ body, actor, person }, _app, change) =>
      change(async (tx) => {
        if (person !== null) await requireOnePerson(tx, actor, body.amountNano);
        const answer = await issueGrant(tx, { ...body, actor });
        return {
          answer,
          audit: {
            action: 'grant.issued',
            targetKind: 'grant',
            targetId: answer.id,
            after: answer,
            reason: body.note ?? undefined,
          },
        };
      }),
  }),
  adminRead({
    path: '/api/v1/grants',
    permission: 'grant.read',
    of: ({ query }) => query,
    summary: 'Grants with what is left of them, newest first',
    params: none,
    query: z.strictObject({ ...pageQuery, orgId: uuid.optional() }),
    response: pageOf(Grant),
    handler: ({ query }, { db }) =>
      onePage(grants, query, (after, pageSize) => listGrants(db, query.orgId, after, pageSize)),
  }),
];

export const customerRoutes: readonly Route[] = [...organizationRoutes, ...grantRoutes];
