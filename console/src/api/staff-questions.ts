// What the pages of our own people ask of the API: of what waits for them, and of a customer.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { components } from '../../generated/api.d.ts';
import type { Answer, Me } from './answers.ts';
import { api, told } from './client.ts';
import { useMe } from './questions.ts';

export type InboxItem = components['schemas']['InboxItem'];
export type ApplicationFile = components['schemas']['ApplicationFile'];
export type Decision = components['schemas']['ApplicationDecision'];
export type FoundCustomer = components['schemas']['FoundCustomer'];
export type Happening = components['schemas']['Happening'];
export type StaffMember = Answer<'/api/v1/staff'>['data'][number];
export type StaffRole = StaffMember['staffRoles'][number];
export type Proposal = components['schemas']['Proposal'];

export type Permission = Me['staffMay'][number];

/** By the roles of staff; the API asks again. */
export function useMay(): (permission: Permission) => boolean {
  const { staffMay } = useMe();
  return (permission) => staffMay.includes(permission);
}

export const findQuery = (find: string) =>
  queryOptions({
    queryKey: ['customers', find],
    queryFn: () => told(api.GET('/api/v1/customers', { params: { query: { find } } })),
  });

/** Under the name of the organization, so that what was changed of it is asked anew as a whole. */
export const customerKey = (orgId: string) => ['organization', orgId] as const;

export const contractQuery = (orgId: string) =>
  queryOptions({
    queryKey: [...customerKey(orgId), 'contract'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/contract', { params: { path: { orgId } } })),
  });

export const caseQuery = (orgId: string, id: string) =>
  queryOptions({
    queryKey: [...customerKey(orgId), 'case', id],
    queryFn: () => told(api.GET('/api/v1/invoices/{id}/dunning', { params: { path: { id } } })),
  });

export const proposalsQuery = queryOptions({
  queryKey: ['proposals', 'open'],
  queryFn: () => told(api.GET('/api/v1/proposals', { params: { query: { state: 'open', limit: 200 } } })),
});

export const timelineQuery = (orgId: string) =>
  infiniteQueryOptions({
    queryKey: [...customerKey(orgId), 'timeline'],
    queryFn: ({ pageParam: cursor }) => {
      const query = { limit: 30, ...(cursor === null ? {} : { cursor }) };
      return told(api.GET('/api/v1/organizations/{orgId}/timeline', { params: { path: { orgId }, query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

export const inboxQuery = queryOptions({
  queryKey: ['inbox'],
  queryFn: () => told(api.GET('/api/v1/inbox')),
});

export const fileQuery = (id: string) =>
  queryOptions({
    queryKey: ['application', id],
    queryFn: () => told(api.GET('/api/v1/applications/{id}', { params: { path: { id } } })),
  });

export const proposalQuery = (id: string) =>
  queryOptions({
    queryKey: ['proposal', id],
    queryFn: () => told(api.GET('/api/v1/proposals/{id}', { params: { path: { id } } })),
  });

export const staffQuery = queryOptions({
  queryKey: ['staff'],
  queryFn: () => told(api.GET('/api/v1/staff')),
  staleTime: 300_000,
});

export const personQuery = (id: string) =>
  queryOptions({
    queryKey: ['person', id],
    queryFn: () => told(api.GET('/api/v1/persons/{id}', { params: { path: { id } } })),
  });
