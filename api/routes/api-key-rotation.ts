// Rolling an API key, and what becomes of the credential before. The new one is in the answer that makes it and nowhere else, not even in its repetition.
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { LONGEST_OVERLAP_HOURS } from '../../domain/api-key-rotation.ts';
import { proveBeside } from '../../services/accounts/proofs.ts';
import { type ApiKey as ApiKeyRow, apiKey, lockedApiKey } from '../../services/api-keys/api-key-rows.ts';
import { endRotation, extendOverlap, rollApiKey, unfreezeApiKey } from '../../services/api-keys/rolls.ts';
import { lockOrganization } from '../../services/organizations/organizations.ts';
import { ownerOf } from '../../services/organizations/owners.ts';
import { proof } from './account-fields.ts';
import { ApiKey, byId, NewApiKey } from './api-key-fields.ts';
import { reason } from './field-schemas.ts';
import { type IfMatch, requireSeen } from './reply.ts';
import { adminChange, type Route } from './route.ts';

const overlapHours = z.int().min(0).max(LONGEST_OVERLAP_HOURS);

export const apiKeyRotationRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/api-keys/{id}/roll',
    permission: 'api_key.change',
    of: ({ params }, db) => ownerOf(db, 'api_key', params.id),
    summary:
      'Put another credential in the place of the one that an API key has; for how long that one works beside it',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({ overlapHours: overlapHours.default(24) }),
    response: NewApiKey,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await heldApiKey(tx, params.id, ifMatch);
        const { apiKey: rolled, credential } = await rollApiKey(tx, before, body.overlapHours);
        return {
          answer: { ...rolled, credential },
          repeatedAnswer: { ...rolled, credential: null },
          audit: { action: 'api_key.rolled', targetKind: 'api_key', targetId: rolled.id, before, after: rolled },
        };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/api-keys/{id}/rotation/extend',
    permission: 'api_key.change',
    of: ({ params }, db) => ownerOf(db, 'api_key', params.id),
    summary: 'Have the replaced credential work longer: hours in all, from when the key was rolled',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({ overlapHours: overlapHours.min(1) }),
    response: ApiKey,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await heldApiKey(tx, params.id, ifMatch);
        const answer = await extendOverlap(tx, before, body.overlapHours);
        const audit = { action: 'api_key.overlap_extended', targetKind: 'api_key', targetId: answer.id } as const;
        return { answer, audit: { ...audit, before, after: answer } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/api-keys/{id}/rotation/end',
    permission: 'api_key.change',
    of: ({ params }, db) => ownerOf(db, 'api_key', params.id),
    summary: 'End the overlap at once: keep the new credential, or take the rotation back and keep the one before',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({ keep: z.enum(['new', 'old']) }),
    response: ApiKey,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await heldApiKey(tx, params.id, ifMatch);
        const answer = await endRotation(tx, before, body.keep);
        const action = body.keep === 'new' ? 'api_key.overlap_ended' : 'api_key.roll_taken_back';
        return { answer, audit: { action, targetKind: 'api_key', targetId: answer.id, before, after: answer } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/api-keys/{id}/unfreeze',
    permission: 'api_key.unfreeze',
    of: ({ params }, db) => ownerOf(db, 'api_key', params.id),
    summary: 'Let an API key go on whose credential was found elsewhere; a member proves that it is he',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({ reason: reason.optional(), ...proof }),
    response: ApiKey,
    async handler({ params, body, person, author, ifMatch }, app, change) {
      const { password, code } = body;
      const { clientAddress = '' } = author;
      requireSeen(ifMatch, await apiKey(app.db, params.id));
      if (person !== null) await proveBeside(app.accounts, person, { password, code }, { clientAddress });
      return change(async (tx) => {
        const before = await heldApiKey(tx, params.id, ifMatch);
        const answer = await unfreezeApiKey(tx, before);
        const audit = { action: 'api_key.unfrozen', targetKind: 'api_key', targetId: answer.id } as const;
        return { answer, audit: { ...audit, before, after: answer, reason: body.reason } };
      });
    },
  }),
];

/** With its organization, as whoever tells of it by mail has to. */
async function heldApiKey(tx: PoolClient, id: string, ifMatch: IfMatch): Promise<ApiKeyRow> {
  await lockOrganization(tx, (await apiKey(tx, id)).orgId);
  const before = await lockedApiKey(tx, id);
  requireSeen(ifMatch, before);
  return before;
}
