// What the pages ask of the API, each question in one place with its name in the cache.
import { infiniteQueryOptions, type QueryClient, queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import type { components } from '../../generated/api.d.ts';
import { beginningOfBurn } from '../burn-rate.ts';
import { whose } from '../rights.ts';
import type { Answer, Me } from './answers.ts';
import { api, told } from './client.ts';

export type Session = Answer<'/api/v1/me/sessions'>['data'][number];
export type Passkey = components['schemas']['Passkey'];
export type Identity = components['schemas']['Identity'];
export type ApiKey = components['schemas']['ApiKey'];
export type NewApiKey = components['schemas']['NewApiKey'];
export type Grant = components['schemas']['Grant'];
export type ClosingOutlook = components['schemas']['ClosingOutlook'];
export type RequestLine = components['schemas']['RequestLine'];
export type Application = components['schemas']['Application'];
export type EnterpriseTerms = NonNullable<components['schemas']['EnterpriseTerms']>;

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => told(api.GET('/api/v1/me')),
  staleTime: 60_000,
  meta: { asksWhoWeAre: true },
});

export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

async function asked(client: QueryClient, orgId: string): Promise<ReturnType<typeof whose>> {
  return whose(await client.ensureQueryData(meQuery), orgId);
}

export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: () => told(api.GET('/api/v1/me/sessions')),
});

export const passkeysQuery = queryOptions({
  queryKey: ['passkeys'],
  queryFn: () => told(api.GET('/api/v1/me/passkeys')),
});

export const identitiesQuery = queryOptions({
  queryKey: ['identities'],
  queryFn: () => told(api.GET('/api/v1/me/identities')),
});

export const closingQuery = queryOptions({
  queryKey: ['closing'],
  queryFn: () => told(api.GET('/api/v1/me/closing')),
  staleTime: 0,
});

/** Of all that are asked of the keys of an organization. */
export const keysKey = (orgId: string) => ['organization', orgId, 'keys'] as const;

/** Of one member. */
export const ownKeysQuery = (orgId: string, memberId: string) =>
  queryOptions({
    queryKey: [...keysKey(orgId), 'of', memberId],
    queryFn: () => told(api.GET('/api/v1/api-keys', { params: { query: { orgId, memberId, limit: 200 } } })),
  });

export const balanceQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'balance'],
    queryFn: () => told(api.GET('/api/v1/organizations/{id}/balance', { params: { path: { id: orgId } } })),
  });

export const grantsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'grants'],
    queryFn: () => told(api.GET('/api/v1/grants', { params: { query: { orgId, limit: 200 } } })),
  });

export const requestsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'requests'],
    queryFn: async ({ client }) => {
      const query = { ...(await asked(client, orgId)), limit: 10 };
      return told(api.GET('/api/v1/requests', { params: { query } }));
    },
  });

/** As many as one answer holds. */
export const burnQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'burn'],
    queryFn: async ({ client }) => {
      const query = { ...(await asked(client, orgId)), from: beginningOfBurn(Date.now()), limit: 200 };
      return told(api.GET('/api/v1/requests', { params: { query } }));
    },
  });

/** Newest first. */
export const keysQuery = (orgId: string) =>
  infiniteQueryOptions({
    queryKey: [...keysKey(orgId), 'all'],
    queryFn: async ({ client, pageParam }) => {
      const page = { limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return told(api.GET('/api/v1/api-keys', { params: { query: { ...(await asked(client, orgId)), ...page } } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });

export const frozenKeysQuery = (orgId: string) =>
  queryOptions({
    queryKey: [...keysKey(orgId), 'frozen'],
    queryFn: async ({ client }) => {
      const query = { ...(await asked(client, orgId)), frozen: 'true' as const, limit: 1 };
      return told(api.GET('/api/v1/api-keys', { params: { query } }));
    },
  });

/** Of one sub-account. */
export const keysInProjectQuery = (orgId: string, projectId: string) =>
  queryOptions({
    queryKey: [...keysKey(orgId), 'in', projectId],
    queryFn: async ({ client }) => {
      const query = { ...(await asked(client, orgId)), projectId, limit: 200 };
      return told(api.GET('/api/v1/api-keys', { params: { query } }));
    },
  });

export const invitationQuery = (linkToken: string) =>
  queryOptions({
    queryKey: ['invitation', linkToken],
    queryFn: () => told(api.GET('/api/v1/invitations/{token}', { params: { path: { token: linkToken } } })),
  });

export const applicationsQuery = (orgId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'applications'],
    queryFn: () => told(api.GET('/api/v1/organizations/{orgId}/applications', { params: { path: { orgId } } })),
  });

export const applicationQuery = (orgId: string, applicationId: string) =>
  queryOptions({
    queryKey: ['organization', orgId, 'applications', applicationId],
    queryFn: () => {
      const params = { path: { orgId, applicationId } };
      return told(api.GET('/api/v1/organizations/{orgId}/applications/{applicationId}', { params }));
    },
  });
