// What the pages of our own people ask of the API.
import { queryOptions } from '@tanstack/react-query';
import type { components } from '../../generated/api.d.ts';
import { api, told } from './client.ts';

export type InboxItem = components['schemas']['InboxItem'];
export type ApplicationFile = components['schemas']['ApplicationFile'];
export type Decision = components['schemas']['ApplicationDecision'];
export type Proposal = components['schemas']['Proposal'];

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

export const organizationQuery = (id: string) =>
  queryOptions({
    queryKey: ['organization', id],
    queryFn: () => told(api.GET('/api/v1/organizations/{id}', { params: { path: { id } } })),
    staleTime: 60_000,
  });
