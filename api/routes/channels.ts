// Channels: where models are bought. Keys go in and never come out; taking one off the road leaves a recorded reason.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import {
  addChannelKeys,
  disableChannelKeys,
  opens,
  setChannelKeyStatus,
  tryChannelKey,
} from '../../services/channels/channel-keys.ts';
import {
  CHANNEL_STATUSES,
  type Channel,
  changeChannel,
  channel,
  createChannel,
  listChannels,
  lockedChannel,
  PROVIDERS,
  upstreamBase,
} from '../../services/channels/channels.ts';
import { llmModel } from '../../services/pricing/models.ts';
import { publishPrice } from '../../services/pricing/prices.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { instant, line, modelId, name, price, rate, reason, uuid, version } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireVersion } from './reply.ts';
import { adminChange, adminRead, type Route } from './route.ts';

const ChannelAnswer = z
  .object({
    id: uuid,
    name: z.string(),
    provider: z.enum(PROVIDERS),
    baseUrl: z.string(),
    allowLocal: z.boolean(),
    weight: z.number(),
    priority: z.number(),
    models: z.array(z.object({ id: z.string(), upstreamModel: z.string() })).readonly(),
    keys: z
      .array(
        z.object({
          id: uuid,
          lastFour: z.string(),
          status: z.enum(['active', 'disabled']),
          statusReason: z.string().nullable(),
          statusAt: z.string(),
        }),
      )
      .readonly(),
    outputCapField: z.enum(['max_tokens', 'max_completion_tokens']).nullable(),
    onDisconnect: z.enum(['cancel_stops_billing', 'drain']),
    maxInFlight: z.number(),
    requestsPerMinute: z.number().nullable(),
    usageExport: z.enum(['demo']).nullable(),
    status: z.enum(CHANNEL_STATUSES),
    statusReason: z.string().nullable(),
    statusBy: z.string().nullable(),
    statusAt: instant,
    version,
    createdAt: instant,
  })
  .meta({ id: 'Channel' });

const secret = z
  .string()
  .min(1)
  .max(4_000)
  .regex(/^[\x21-\x7e]+$/, 'a key is printable ASCII without spaces');
const secrets = z.array(secret).min(1).max(100);
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

function mapped(models: readonly SoldModel[]): { id: string; upstreamModel: string }[] {
  return models.map((model) =>
    typeof model === 'string'
      ? { id: model, upstreamModel: model }
      : { id: model.id, upstreamModel: model.upstreamModel ?? model.id },
  );
}

const making = adminChange({
  method: 'post',
  path: '/api/v1/channels',
  summary: 'Make a channel; its models must exist (POST /api/v1/models)',
  status: 201,
  body: z.strictObject({
    name: name.optional(),
    provider: z.enum(PROVIDERS),
    baseUrl: z.string().max(2_000),
    keys: secrets,
    models: z.array(soldModel).min(1).max(1_000),
    allowLocal: z.boolean().default(false),
    weight: settings.weight.default(1),
    priority: settings.priority.default(1),
    outputCapField: settings.outputCapField.default(null),
    onDisconnect: settings.onDisconnect.default('cancel_stops_billing'),
    maxInFlight: settings.maxInFlight.default(2_000),
    requestsPerMinute: settings.requestsPerMinute.default(null),
    usageExport: settings.usageExport.default(null),
  }),
  response: ChannelAnswer,
  handler: ({ body, actor }, { vault, egress }, change) => {
    const baseUrl = upstreamBase(egress, body.baseUrl, body.allowLocal);
    return change(async (tx) => {
      const { keys, models, name: wantedName, ...rest } = body;
      const made = await createChannel(tx, {
        ...rest,
        baseUrl,
        name: wantedName ?? new URL(baseUrl).host,
        models: mapped(models),
      });
      await addChannelKeys(tx, vault, made, keys);
      for (const model of models) {
        if (typeof model === 'string' || model.costPrice === undefined) continue;
        await publishPrice(tx, {
          modelId: model.id,
          side: 'cost',
          channelId: made.id,
          price: model.costPrice,
          multiplierPpm: null,
          effectiveAt: null,
          belowMargin: true,
          source: 'channel',
          actor,
        });
      }
      const answer = await channel(tx, made.id);
      return {
        answer,
        audit: { action: 'channel.created', targetKind: 'channel', targetId: answer.id, after: answer },
      };
    });
  },
});

const changing = adminChange({
  method: 'patch',
  path: '/api/v1/channels/{id}',
  summary: 'Change a channel; another origin needs the keys again, a status needs a reason',
  conditional: true,
  params: byId,
  body: z
    .strictObject({
      name: name.optional(),
      baseUrl: z.string().max(2_000).optional(),
      allowLocal: z.boolean().optional(),
      keys: secrets.optional(),
      models: z.array(soldModel).min(1).max(1_000).optional(),
      weight: settings.weight.optional(),
      priority: settings.priority.optional(),
      outputCapField: settings.outputCapField.optional(),
      onDisconnect: settings.onDisconnect.optional(),
      maxInFlight: settings.maxInFlight.optional(),
      requestsPerMinute: settings.requestsPerMinute.optional(),
      usageExport: settings.usageExport.optional(),
      status: z.enum(CHANNEL_STATUSES).optional(),
      reason: reason.optional(),
    })
    .refine(
      ({ status, reason: why }) => status === undefined || why !== undefined,
      'say in reason why the status changes',
    ),
  response: ChannelAnswer,
  handler: ({ params, body, ifMatch, actor }, { vault, egress }, change) =>
    change(async (tx) => {
      const before = await lockedChannel(tx, params.id);
      requireVersion(ifMatch, before.version);
      const { keys, models, status, reason: why, baseUrl: wantedUrl, ...rest } = body;
      const baseUrl =
        wantedUrl === undefined
          ? before.baseUrl
          : upstreamBase(egress, wantedUrl, body.allowLocal ?? before.allowLocal);
      const moved = new URL(baseUrl).origin !== new URL(before.baseUrl).origin;
      if (moved && keys === undefined) throw keysNeeded();
      if (moved) await disableChannelKeys(tx, before.id, 'the channel moved to another origin');
      const changed = await changeChannel(tx, before, {
        ...rest,
        baseUrl,
        ...(models === undefined ? {} : { models: mapped(models) }),
        ...(status === undefined ? {} : { status: { status, reason: why ?? '', actor } }),
      });
      if (keys !== undefined) await addChannelKeys(tx, vault, changed, keys);
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

function keysNeeded(): TollgateError {
  return new TollgateError('invalid_body', {
    message:
      'The new base URL has another origin (scheme, host or port). Keys are bound to the origin they were entered for: send them again in "keys".',
    param: 'keys',
  });
}

const keyRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/channels/{id}/keys',
    summary: 'Add keys to a channel',
    params: byId,
    body: z.strictObject({ keys: secrets }),
    response: ChannelAnswer,
    handler: ({ params, body }, { vault }, change) =>
      change(async (tx) => {
        const before = await lockedChannel(tx, params.id);
        await addChannelKeys(tx, vault, before, body.keys);
        const answer = await channel(tx, before.id);
        return {
          answer,
          audit: { action: 'channel.keys_added', targetKind: 'channel', targetId: answer.id, before, after: answer },
        };
      }),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/channels/{id}/keys/{keyId}',
    summary: 'Disable or enable a key of a channel',
    params: z.object({ id: uuid, keyId: uuid }),
    body: z.strictObject({ status: z.enum(['active', 'disabled']), reason }),
    response: ChannelAnswer,
    handler: ({ params, body }, { vault }, change) =>
      change(async (tx) => {
        const before = await lockedChannel(tx, params.id);
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
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/channels/{id}/test',
    summary: 'One tiny real call through a key of the channel',
    params: byId,
    body: z.strictObject({ model: modelId.optional(), keyId: uuid.optional() }).default({}),
    response: z.object({
      ok: z.boolean(),
      modelId: z.string(),
      upstreamModel: z.string(),
      keyId: uuid,
      status: z.number().nullable(),
      failure: z.string().nullable(),
      message: z.string(),
      durationMs: z.number(),
    }),
    handler: async ({ params, body }, app, change) => {
      const trial = await tryOnce(app, await channel(app.db, params.id), body.model, body.keyId);
      return change(async () => ({
        answer: trial,
        audit: { action: 'channel.tested', targetKind: 'channel', targetId: params.id, after: trial },
      }));
    },
  }),
];

async function tryOnce(app: AppDependencies, target: Channel, model: string | undefined, keyId: string | undefined) {
  const sold = model === undefined ? target.models[0] : target.models.find(({ id }) => id === model);
  const key =
    keyId === undefined
      ? target.keys.find(({ status }) => status === 'active')
      : target.keys.find(({ id }) => id === keyId);
  if (sold === undefined || key === undefined) {
    throw new TollgateError('invalid_body', {
      message: `The channel has ${sold === undefined ? `no model ${model ?? 'at all'}` : 'no such active key'}: GET /api/v1/channels/${target.id} lists both.`,
    });
  }
  const { kind } = await llmModel(app.db, sold.id);
  return tryChannelKey(app.db, app, target, {
    keyId: key.id,
    modelId: sold.id,
    upstreamModel: sold.upstreamModel,
    kind,
  });
}

export const channelRoutes: readonly Route[] = [
  making,
  adminRead({
    path: '/api/v1/channels',
    summary: 'Channels, newest first',
    query: z.strictObject(pageQuery),
    response: pageOf(ChannelAnswer),
    handler: ({ query }, { db }) => onePage(channels, query, (after, limit) => listChannels(db, after, limit)),
  }),
  adminRead({
    path: '/api/v1/channels/{id}',
    summary: 'One channel',
    params: byId,
    response: ChannelAnswer,
    handler: ({ params }, { db }) => channel(db, params.id),
  }),
  changing,
  ...keyRoutes,
];
