// API keys of customers. The credential is in the answer that makes the key and nowhere else, not even in its repetition.
import { z } from 'zod';
import { apiKey, listApiKeys, lockedApiKey } from '../../services/api-keys/api-key-rows.ts';
import { changeApiKey, createApiKey, disableApiKey, enableApiKey } from '../../services/api-keys/api-keys.ts';
import { lockedOrganization } from '../../services/organizations/organizations.ts';
import { ownerOf } from '../../services/organizations/owners.ts';
import { ApiKey, byId, NewApiKey } from './api-key-fields.ts';
import { addressRanges, caps, distinct, instant, modelId, name, rate, reason, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const settings = {
  allowedModels: distinct(modelId, 500).nullable(),
  allowedAddresses: addressRanges.nullable(),
  expiresAt: instant.nullable(),
  requestsPerMinute: rate.nullable(),
  tokensPerMinute: rate.nullable(),
  concurrentRequests: rate.nullable(),
};

const apiKeys = { name: 'api-keys', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const apiKeyRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/api-keys',
    permission: 'api_key.change',
    of: ({ body }) => body,
    summary: 'Make an API key; without projectId in the project "default"',
    params: none,
    status: 201,
    body: z.strictObject({
      orgId: uuid,
      projectId: uuid.optional(),
      memberId: uuid.nullable().default(null),
      name: name.default('API key'),
      allowedModels: settings.allowedModels.default(null),
      allowedAddresses: settings.allowedAddresses.default(null),
      expiresAt: settings.expiresAt.default(null),
      requestsPerMinute: settings.requestsPerMinute.default(null),
      tokensPerMinute: settings.tokensPerMinute.default(null),
      concurrentRequests: settings.concurrentRequests.default(null),
      caps: caps.default([]),
    }),
    response: NewApiKey,
    handler: ({ body }, _app, change) =>
      change(async (tx) => {
        const { apiKey: made, credential } = await createApiKey(tx, { ...body, projectId: body.projectId });
        return {
          answer: { ...made, credential },
          repeatedAnswer: { ...made, credential: null },
          audit: { action: 'api_key.created', targetKind: 'api_key', targetId: made.id, after: made },
        };
      }),
  }),
  adminRead({
    path: '/api/v1/api-keys',
    permission: 'api_key.read',
    of: ({ query }) => query,
    summary: 'API keys, newest first',
    params: none,
    query: z.strictObject({
      ...pageQuery,
      orgId: uuid.optional(),
      projectId: uuid.optional(),
      memberId: uuid.optional(),
      frozen: z.literal('true').optional(),
    }),
    response: pageOf(ApiKey),
    handler: ({ query }, { db }) =>
      onePage(apiKeys, query, (after, pageSize) => listApiKeys(db, query, after, pageSize)),
  }),
  adminRead({
    path: '/api/v1/api-keys/{id}',
    permission: 'api_key.read',
    of: ({ params }, db) => ownerOf(db, 'api_key', params.id),
    summary: 'One API key',
    query: none,
    params: byId,
    response: ApiKey,
    handler: ({ params }, { db }) => apiKey(db, params.id),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/api-keys/{id}',
    permission: 'api_key.change',
    of: ({ params }, db) => ownerOf(db, 'api_key', params.id),
    summary: 'Change what an API key may do',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({
      name: name.optional(),
      allowedModels: settings.allowedModels.optional(),
      allowedAddresses: settings.allowedAddresses.optional(),
      expiresAt: settings.expiresAt.optional(),
      requestsPerMinute: settings.requestsPerMinute.optional(),
      tokensPerMinute: settings.tokensPerMinute.optional(),
      concurrentRequests: settings.concurrentRequests.optional(),
      caps: caps.optional(),
    }),
    response: ApiKey,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        await lockedOrganization(tx, (await apiKey(tx, params.id)).orgId);
        const before = await lockedApiKey(tx, params.id);
        requireSeen(ifMatch, before);
        const answer = await changeApiKey(tx, before, body);
        return {
          answer,
          audit: { action: 'api_key.changed', targetKind: 'api_key', targetId: answer.id, before, after: answer },
        };
      }),
  }),
  switchRoute('disable', 'Disable an API key at once, everywhere', disableApiKey),
  switchRoute('enable', 'Enable a disabled API key', enableApiKey),
];

function switchRoute(verb: 'disable' | 'enable', summary: string, turn: typeof disableApiKey): Route {
  return adminChange({
    method: 'post',
    path: `/api/v1/api-keys/{id}/${verb}`,
    permission: verb === 'enable' ? 'api_key.enable' : 'api_key.change',
    of: ({ params }, db) => ownerOf(db, 'api_key', params.id),
    summary,
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({ reason }),
    response: ApiKey,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedApiKey(tx, params.id);
        requireSeen(ifMatch, before);
        const answer = await turn(tx, before, body.reason);
        const what = { action: `api_key.${verb}d`, targetKind: 'api_key', targetId: answer.id } as const;
        return { answer, audit: { ...what, before, after: answer, reason: body.reason } };
      }),
  });
}
