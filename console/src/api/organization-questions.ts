// What the pages of an organization ask about its people and its money.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { components } from '../../generated/api.d.ts';
import type { Answer } from './answers.ts';
import { api, told } from './client.ts';

type Schemas = components['schemas'];
export type OfferedModel = Answer<'/api/v1/organizations/{orgId}/models'>['data'][number];
export type Organization = Schemas['Organization'];
export type Project = Schemas['Project'];
export type Member = Schemas['Member'];
type MemberPage = Answer<'/api/v1/organizations/{orgId}/members'>;
export type MemberCap = Schemas['MemberCap'];
export type Invitation = Schemas['Invitation'];
export type OverdueInvoice = Schemas['OverdueInvoice'];
export type Subscription = Schemas['Subscription'];
export type Plan = Schemas['Plan'];
export type Pack = Schemas['Pack'];
export type Card = Schemas['Card'];
export type AutoTopUp = Schemas['AutoTopUp'];
export type Invoice = Schemas['Invoice'];
export type Payment = Schemas['Payment'];
export type BillingDetails = Schemas['BillingDetails'];
export type LedgerLine = Schemas['LedgerLine'];

const LATEST = 20;
/** As many as one answer holds. */
const MOST = 200;
const of = (orgId: string) => ({ path: { orgId } });

export const organizationQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'itself'],
    queryFn: () => told(api.GET('/api/v1/organizations/{id}', { params: { path: { id: orgId } } })),
  });

export const projectsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'projects'],
    queryFn: () => told(api.GET('/api/v1/projects', { params: { query: { orgId, limit: MOST } } })),
  });

export const overdueQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'overdue'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/overdue-invoices', { params: of(orgId) })),
  });

/** Of all that are asked of the members of an organization. */
export const membersKey = (orgId: string) => ['organization', orgId, 'members'] as const;

/** All who are here, page by page: of a part of them nobody could say who is the last owner, or how many seats are taken. */
export const membersQuery = (orgId: string) =>
  queryOptions({
    queryKey: [...membersKey(orgId), 'here'],
    queryFn: async () => [...(await membersWho(orgId, 'active')), ...(await membersWho(orgId, 'suspended'))],
  });

async function membersWho(orgId: string, status: Member['status']): Promise<Member[]> {
  const found: Member[] = [];
  let cursor: string | null = null;
  do {
    const query = { status, limit: MOST, ...(cursor === null ? {} : { cursor }) };
    const page: MemberPage = await told(
      api.GET('/api/v1/organizations/{orgId}/members', { params: { ...of(orgId), query } }),
    );
    found.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}

export type AuditEntry = Answer<'/api/v1/organizations/{orgId}/audit'>['data'][number];

/** What somebody did; '': what anybody did. */
export const auditQuery = (orgId: string, actor: string) =>
  infiniteQueryOptions({
    queryKey: ['organization', orgId, 'audit', actor],
    queryFn: ({ pageParam }) => {
      const by = actor === '' ? {} : { actor };
      const query = { limit: LATEST, ...by, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return told(api.GET('/api/v1/organizations/{orgId}/audit', { params: { ...of(orgId), query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

/** Those who left among them, newest first. */
export const everMembersQuery = (orgId: string) =>
  infiniteQueryOptions({
    queryKey: [...membersKey(orgId), 'ever'],
    queryFn: ({ pageParam }) => {
      const query = { limit: MOST, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return told(api.GET('/api/v1/organizations/{orgId}/members', { params: { ...of(orgId), query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

export type SingleSignOn = Schemas['SingleSignOn'];

export const singleSignOnQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'single sign-on'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/single-sign-on', { params: of(orgId) })),
  });

export const memberCapsQuery = (orgId: string) =>
  queryOptions({
    queryKey: [...membersKey(orgId), 'caps'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/member-caps', { params: of(orgId) })),
  });

export const invitationsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'invitations'],
    queryFn: () =>
      told(api.GET('/api/v1/organizations/{orgId}/invitations', { params: { ...of(orgId), query: { limit: MOST } } })),
  });

export const plansQuery = queryOptions({ queryKey: ['plans'], queryFn: () => told(api.GET('/api/v1/plans')) });

export const packsQuery = queryOptions({ queryKey: ['packs'], queryFn: () => told(api.GET('/api/v1/packs')) });

export const subscriptionsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'subscriptions'],
    queryFn: () =>
      told(api.GET('/api/v1/organizations/{orgId}/subscriptions', { params: { ...of(orgId), query: { limit: 1 } } })),
  });

export interface WantedPlan {
  readonly plan: 'pro' | 'team';
  readonly months: 1 | 12;
}

export const planChangeQuery = (orgId: string, { id }: Subscription, { plan, months }: WantedPlan) =>
  queryOptions({
    queryKey: ['organization', orgId, 'plan change', id, plan, months],
    queryFn: () => {
      const query = { months: months === 12 ? '12' : '1' } as const;
      const params = { path: { id, plan }, query };
      return told(api.GET('/api/v1/subscriptions/{id}/plan-changes/{plan}', { params }));
    },
    // What it costs shrinks with every day that is used.
    staleTime: 0,
  });

export const cardsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'cards'],
    queryFn: () =>
      told(api.GET('/api/v1/organizations/{orgId}/cards', { params: { ...of(orgId), query: { limit: MOST } } })),
  });

export const autoTopUpQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'auto top-up'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/auto-top-up', { params: of(orgId) })),
  });

export const billingDetailsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'billing details'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/billing-details', { params: of(orgId) })),
  });

export const invoicesQuery = (orgId: string) =>
  infiniteQueryOptions({
    queryKey: ['organization', orgId, 'invoices'],
    queryFn: ({ pageParam }) => {
      const query = { limit: LATEST, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return told(api.GET('/api/v1/organizations/{orgId}/invoices', { params: { ...of(orgId), query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

export const paymentsQuery = (orgId: string) =>
  infiniteQueryOptions({
    queryKey: ['organization', orgId, 'payments'],
    queryFn: ({ pageParam }) => {
      const query = { limit: LATEST, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return told(api.GET('/api/v1/organizations/{orgId}/payments', { params: { ...of(orgId), query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

export const ledgerQuery = (orgId: string) =>
  infiniteQueryOptions({
    queryKey: ['organization', orgId, 'ledger'],
    queryFn: ({ pageParam }) => {
      const query = { limit: LATEST, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return told(api.GET('/api/v1/organizations/{orgId}/ledger', { params: { ...of(orgId), query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

/** Which come and go seldom. */
export const modelsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'models'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/models', { params: { path: { orgId } } })),
    staleTime: 60_000,
  });
