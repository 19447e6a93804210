// The keys of a channel, one by one, and what this gateway process has seen of the channel.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { addChannelKeys, opens, setChannelKeyStatus, tryChannelKey } from '../../services/channels/channel-keys.ts';
import { type Channel, channel, lockedChannel } from '../../services/channels/channels.ts';
import { refuseDuringRotation } from '../../services/channels/successor-keys.ts';
import { llmModel } from '../../services/pricing/models.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { channelAnswer, keysNeeded, secrets } from './channel-fields.ts';
import { modelId, reason, uuid } from './field-schemas.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const byId = z.object({ id: uuid });

const addition = adminChange({
  method: 'post',
  path: '/api/v1/channels/{id}/keys',
  permission: 'channel.change',
  summary: 'Add keys to a channel',
  ifMatch: 'optional',
  params: byId,
  body: z.strictObject({ keys: secrets }),
  response: channelAnswer,
  handler: ({ params, body, ifMatch }, { vault }, change) =>
    change(async (tx) => {
      const before = await lockedChannel(tx, params.id);
      requireSeen(ifMatch, before);
      await addChannelKeys(tx, vault, before, body.keys);
      const answer = await channel(tx, before.id);
      return {
        answer,
        audit: { action: 'channel.keys_added', targetKind: 'channel', targetId: answer.id, before, after: answer },
      };
    }),
});

const changing = adminChange({
  method: 'patch',
  path: '/api/v1/channels/{id}/keys/{keyId}',
  permission: 'channel.change',
  summary: 'Disable or enable a key of a channel; If-Match takes the ETag of the channel',
  ifMatch: 'required',
  params: z.object({ id: uuid, keyId: uuid }),
  body: z.strictObject({ status: z.enum(['active', 'disabled']), reason }),
  response: channelAnswer,
  handler: ({ params, body, ifMatch }, { vault }, change) =>
    change(async (tx) => {
      const before = await lockedChannel(tx, params.id);
      requireSeen(ifMatch, before);
      await refuseDuringRotation(tx, before.id, params.keyId);
      if (body.status === 'active' && isRevoked(before, params.keyId)) throw revokedKey(params.keyId);
      if (body.status === 'active' && !(await opens(tx, vault, before, params.keyId))) throw keysNeeded();
      await setChannelKeyStatus(tx, before.id, params.keyId, body);
      const answer = await channel(tx, before.id);
      return {
        answer,
        audit: {
          action: 'channel.key_changed',
          targetKind: 'channel',
          targetId: answer.id,
          before,
          after: answer,
          reason: body.reason,
        },
      };
    }),
});

function isRevoked({ keys }: Channel, keyId: string): boolean {
  return keys.some(({ id, status }) => id === keyId && status === 'revoked');
}

function revokedKey(keyId: string): TollgateError {
  return new TollgateError('conflict', {
    message: `Key ${keyId} was revoked at its provider: add another one (POST /api/v1/channels/{id}/keys).`,
  });
}

const trial = adminChange({
  method: 'post',
  path: '/api/v1/channels/{id}/test',
  permission: 'channel.change',
  summary: 'One tiny real call through a key of the channel',
  reachesOutside: true,
  params: byId,
  body: z.strictObject({ model: modelId.optional(), keyId: uuid.optional() }).default({}),
  response: z
    .object({
      ok: z.boolean(),
      modelId: z.string(),
      upstreamModel: z.string(),
      keyId: uuid,
      status: z.number().nullable(),
      failure: z.string().nullable(),
      message: z.string(),
      durationMs: z.number(),
    })
    .meta({ id: 'ChannelTrial' }),
  // The provider is asked outside the transaction, which would be held open for as long as it takes.
  handler: async ({ params, body }, app, change) => {
    const outcome = await tryOnce(app, await channel(app.db, params.id), body.model, body.keyId);
    return change(async () => ({
      answer: outcome,
      audit: { action: 'channel.tested', targetKind: 'channel', targetId: params.id, after: outcome },
    }));
  },
});

async function tryOnce(app: AppDependencies, target: Channel, wanted: string | undefined, keyId: string | undefined) {
  const sold = target.models.find(({ id }) => wanted === undefined || id === wanted);
  const channelKey = target.keys.find(({ id, status }) => (keyId === undefined ? status === 'active' : id === keyId));
  if (sold === undefined || channelKey === undefined) {
    const missing = sold === undefined ? `no model ${wanted ?? 'at all'}` : `no ${keyId ?? 'active'} key`;
    const message = `This channel has ${missing}: GET /api/v1/channels/${target.id} lists both.`;
    throw new TollgateError('invalid_body', { message, param: sold === undefined ? 'model' : 'keyId' });
  }
  const { kind } = await llmModel(app.db, sold.id);
  const call = { keyId: channelKey.id, modelId: sold.id, upstreamModel: sold.upstreamModel, kind };
  return tryChannelKey(app.db, app, target, call);
}

const health = adminRead({
  path: '/api/v1/channels/{id}/health',
  permission: 'channel.read',
  summary: 'What the gateway process that answers has seen of a channel since it started',
  params: byId,
  query: none,
  response: z
    .object({
      channelId: uuid,
      inFlight: z.number(),
      breaker: z.enum(['closed', 'open', 'probing']),
      coolsForMs: z.number(),
      deadKeys: z.array(uuid),
    })
    .meta({ id: 'ChannelHealth' }),
  handler: async ({ params }, app) => {
    const { id: channelId } = await channel(app.db, params.id);
    const seen = app.health.snapshot().find((state) => state.channelId === channelId);
    if (seen === undefined) return { channelId, inFlight: 0, breaker: 'closed' as const, coolsForMs: 0, deadKeys: [] };
    const { inFlight, breaker, coolsUntilMs, deadKeys } = seen;
    const coolsForMs = coolsUntilMs === null ? 0 : Math.max(0, Math.round(coolsUntilMs - performance.now()));
    return { channelId, inFlight, breaker, coolsForMs, deadKeys: [...deadKeys] };
  },
});

export const channelKeyRoutes: readonly Route[] = [addition, changing, trial, health];
