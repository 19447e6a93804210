// Channels: where models are bought. Keys go in and never come out; taking one off the road leaves a recorded reason.
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { addChannelKeys, disableChannelKeys } from '../../services/channels/channel-keys.ts';
import {
  CHANNEL_STATUSES,
  changeChannel,
  channel,
  createChannel,
  listChannels,
  lockedChannel,
  PROVIDERS,
  upstreamBase,
} from '../../services/channels/channels.ts';
import { refuseDuringRotation } from '../../services/channels/successor-keys.ts';
import { lockedModel } from '../../services/pricing/models.ts';
import { publishPrice } from '../../services/pricing/prices.ts';
import { channelAnswer, keysNeeded, secrets } from './channel-fields.ts';
import { line, modelId, name, price, rate, reason, uuid } from './field-schemas.ts';
import { isExplained, refuseBelowMargin, WHY_BELOW } from './margin-fields.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const soldModel = z.union([
  modelId,
  z.strictObject({ id: modelId, upstreamModel: line(200).optional(), costPrice: price.optional() }),
]);
const settings = {
  weight: z.int().min(0).max(10_000),
  priority: z.int().min(1).max(1_000).meta({ description: '1 is asked first' }),
  outputCapField: z.enum(['max_tokens', 'max_completion_tokens']).nullable(),
  onDisconnect: z.enum(['cancel_stops_billing', 'drain']),
  maxInFlight: z.int().min(1).max(100_000),
  requestsPerMinute: rate.nullable(),
  usageExport: z.enum(['demo']).nullable(),
};

const byId = z.object({ id: uuid });
const channels = { name: 'channels', position: uuid, positionOf: ({ id }: { id: string }) => id };

type SoldModel = z.output<typeof soldModel>;

const soldModels = z
  .array(soldModel)
  .min(1)
  .max(1_000)
  .refine((models) => new Set(mapped(models).map(({ id }) => id)).size === models.length, 'names a model twice')
  .meta({
    description: 'Ids, or {id, upstreamModel, costPrice} where the upstream has another name or a cost of its own',
  });

function mapped(models: readonly SoldModel[]): { id: string; upstreamModel: string }[] {
  return models.map((sold) =>
    typeof sold === 'string'
      ? { id: sold, upstreamModel: sold }
      : { id: sold.id, upstreamModel: sold.upstreamModel ?? sold.id },
  );
}

const making = adminChange({
  method: 'post',
  path: '/api/v1/channels',
  permission: 'channel.change',
  refuseToPersons: ({ body }) => refuseBelowMargin(body),
  summary: 'Make a channel; its models must exist (POST /api/v1/models)',
  params: none,
  status: 201,
  body: z
    .strictObject({
      name: name.optional(),
      provider: z.enum(PROVIDERS),
      baseUrl: z.string().max(2_000),
      keys: secrets,
      models: soldModels,
      allowLocal: z.boolean().default(false),
      weight: settings.weight.default(1),
      priority: settings.priority.default(1),
      outputCapField: settings.outputCapField.default(null),
      onDisconnect: settings.onDisconnect.default('cancel_stops_billing'),
      maxInFlight: settings.maxInFlight.default(2_000),
      requestsPerMinute: settings.requestsPerMinute.default(null),
      usageExport: settings.usageExport.default(null),
      belowMargin: z.boolean().default(false),
      reason: reason.optional(),
    })
    .refine(isExplained, WHY_BELOW),
  response: channelAnswer,
  handler: ({ body, actor }, { vault }, change) => {
    const baseUrl = upstreamBase(body.baseUrl, body.allowLocal);
    return change(async (tx) => {
      const { keys, models, name: wantedName = new URL(baseUrl).host, belowMargin, reason: why, ...rest } = body;
      const made = await createChannel(tx, { ...rest, baseUrl, name: wantedName, models: mapped(models) });
      await addChannelKeys(tx, vault, made, keys);
      await publishCosts(tx, made.id, models, { belowMargin, actor });
      const answer = await channel(tx, made.id);
      return {
        answer,
        audit: { action: 'channel.created', targetKind: 'channel', targetId: answer.id, after: answer, reason: why },
      };
    });
  },
});

async function publishCosts(
  tx: PoolClient,
  channelId: string,
  models: readonly SoldModel[],
  { belowMargin, actor }: { readonly belowMargin: boolean; readonly actor: string },
): Promise<void> {
  for (const sold of models) {
    if (typeof sold === 'string' || sold.costPrice === undefined) continue;
    await lockedModel(tx, sold.id);
    await publishPrice(tx, {
      modelId: sold.id,
      side: 'cost',
      channelId,
      price: sold.costPrice,
      multiplierPpm: null,
      effectiveAt: null,
      belowMargin,
      source: 'channel',
      actor,
    });
  }
}

const changing = adminChange({
  method: 'patch',
  path: '/api/v1/channels/{id}',
  permission: 'channel.change',
  refuseToPersons: ({ body }) => refuseBelowMargin(body),
  summary: 'Change a channel; another origin needs the keys again, a status needs a reason',
  ifMatch: 'required',
  params: byId,
  body: z
    .strictObject({
      name: name.optional(),
      baseUrl: z.string().max(2_000).optional(),
      allowLocal: z.boolean().optional(),
      keys: secrets.optional(),
      models: soldModels.optional(),
      weight: settings.weight.optional(),
      priority: settings.priority.optional(),
      outputCapField: settings.outputCapField.optional(),
      onDisconnect: settings.onDisconnect.optional(),
      maxInFlight: settings.maxInFlight.optional(),
      requestsPerMinute: settings.requestsPerMinute.optional(),
      usageExport: settings.usageExport.optional(),
      status: z.enum(CHANNEL_STATUSES).optional(),
      belowMargin: z.boolean().default(false),
      reason: reason.optional(),
    })
    .refine(isExplained, WHY_BELOW)
    .refine(
      ({ status, reason: why }) => status === undefined || why !== undefined,
      'say in reason why the status changes',
    ),
  response: channelAnswer,
  handler: ({ params, body, ifMatch, actor }, { vault }, change) =>
    change(async (tx) => {
      const before = await lockedChannel(tx, params.id);
      requireSeen(ifMatch, before);
      const { keys, models, status, reason: why, belowMargin, ...rest } = body;
      // Judged again also when only allowLocal changes: a local address must not stay behind without the leave for it.
      const baseUrl = upstreamBase(body.baseUrl ?? before.baseUrl, body.allowLocal ?? before.allowLocal);
      const moved = new URL(baseUrl).origin !== new URL(before.baseUrl).origin;
      if (moved) await refuseDuringRotation(tx, before.id, null);
      if (moved && keys === undefined) throw keysNeeded();
      if (moved) await disableChannelKeys(tx, before.id, 'the channel moved to another origin');
      const changed = await changeChannel(tx, before, {
        ...rest,
        baseUrl,
        models: models && mapped(models),
        status: status && { status, reason: why ?? '', actor },
      });
      if (keys !== undefined) await addChannelKeys(tx, vault, changed, keys);
      await publishCosts(tx, before.id, models ?? [], { belowMargin, actor });
      const answer = await channel(tx, before.id);
      return {
        answer,
        audit: {
          action: 'channel.changed',
          targetKind: 'channel',
          targetId: answer.id,
          before,
          after: answer,
          reason: why,
        },
      };
    }),
});

export const channelRoutes: readonly Route[] = [
  making,
  adminRead({
    path: '/api/v1/channels',
    permission: 'channel.read',
    summary: 'Channels, newest first',
    params: none,
    query: z.strictObject(pageQuery),
    response: pageOf(channelAnswer),
    handler: ({ query }, { db }) => onePage(channels, query, (after, pageSize) => listChannels(db, after, pageSize)),
  }),
  adminRead({
    path: '/api/v1/channels/{id}',
    permission: 'channel.read',
    summary: 'One channel',
    query: none,
    params: byId,
    response: channelAnswer,
    handler: ({ params }, { db }) => channel(db, params.id),
  }),
  changing,
];
