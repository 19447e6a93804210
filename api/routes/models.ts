// What is sold, and for how much. Prices are immutable versions with an effective time; nothing is published so late that a
// gateway could miss it, and nothing below the margin floor by accident.
import { z } from 'zod';
import {
  changeModel,
  createModel,
  listModels,
  llmModel,
  lockedModel,
  newModelVersion,
} from '../../services/pricing/models.ts';
import { listPrices, publishPrice } from '../../services/pricing/prices.ts';
import { instant, line, modelId, name, price, rate, reason, uuid, version } from './field-schemas.ts';
import { isExplained, WHY_BELOW, whyTwoPublish } from './margin-fields.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const LlmModel = z
  .object({
    id: z.string(),
    displayName: z.string(),
    ownedBy: z.string(),
    kind: z.enum(['chat', 'embedding']),
    contextTokens: z.number(),
    maxOutputTokens: z.number(),
    bytesPerToken: z.number(),
    requestsPerMinute: z.number().nullable(),
    tokensPerMinute: z.number().nullable(),
    concurrentRequests: z.number().nullable(),
    basic: z.boolean().meta({ description: 'Every plan includes it' }),
    price: price.nullable(),
    priceVersion: uuid.nullable().meta({ description: 'Of the selling price in force; also in the ETag' }),
    version,
    createdAt: instant,
  })
  .meta({ id: 'Model' });

const PriceVersion = z
  .object({
    id: uuid,
    modelId: z.string(),
    side: z.enum(['selling', 'cost']),
    channelId: uuid.nullable(),
    price,
    multiplierPpm: z.number().nullable(),
    effectiveAt: instant,
    state: z.enum(['in_force', 'scheduled', 'superseded']),
    source: z.string(),
    createdBy: z.string(),
    createdAt: instant,
  })
  .meta({ id: 'PriceVersion' });

const Publication = PriceVersion.extend({
  grossMarginPpm: z.number().nullable().meta({ description: 'On the worst meter and channel; null: no cost is known' }),
}).meta({ id: 'Publication' });

const multiplier = z
  .int()
  .min(1)
  .max(1_000_000_000)
  .meta({ description: 'Selling price = cost x this, in millionths: 1250000 is cost x 1.25' });
const tokens = z.int().min(1).max(100_000_000);
const settings = {
  displayName: name,
  ownedBy: name,
  contextTokens: tokens,
  maxOutputTokens: z.int().min(0).max(10_000_000),
  bytesPerToken: z.int().min(1).max(16),
  requestsPerMinute: rate.nullable(),
  tokensPerMinute: rate.nullable(),
  concurrentRequests: rate.nullable(),
  basic: z.boolean(),
};
const byId = z.object({ id: modelId });
const models = { name: 'models', position: modelId, positionOf: ({ id }: { id: string }) => id };
const prices = { name: 'prices', position: uuid, positionOf: ({ id }: { id: string }) => id };
const ONE_PRICE = 'send either price or multiplierPpm';

export const modelRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/models',
    permission: 'model.change',
    twoPersons: ({ body }) => whyTwoPublish(body),
    summary: 'Make a model with its first selling price, and optionally its cost',
    params: none,
    status: 201,
    body: z
      .strictObject({
        id: modelId,
        displayName: settings.displayName.optional(),
        ownedBy: settings.ownedBy.default('tollgate'),
        kind: z.enum(['chat', 'embedding']).default('chat'),
        contextTokens: settings.contextTokens.default(128_000),
        maxOutputTokens: settings.maxOutputTokens.default(16_384),
        bytesPerToken: settings.bytesPerToken.default(4),
        requestsPerMinute: settings.requestsPerMinute.default(null),
        tokensPerMinute: settings.tokensPerMinute.default(null),
        concurrentRequests: settings.concurrentRequests.default(null),
        basic: settings.basic.default(false),
        costPrice: price.optional(),
        price: price.optional(),
        multiplierPpm: multiplier.optional(),
        belowMargin: z.boolean().default(false),
        reason: reason.optional(),
        source: line(500).default('management API'),
      })
      .refine((body) => (body.price === undefined) !== (body.multiplierPpm === undefined), ONE_PRICE)
      .refine(isExplained, WHY_BELOW)
      .refine(
        (body) => body.multiplierPpm === undefined || body.costPrice !== undefined,
        'a multiplier needs costPrice',
      ),
    response: LlmModel,
    handler: ({ body, actor }, _app, change) =>
      change(async (tx) => {
        const { costPrice, price: selling = null, multiplierPpm = null, belowMargin, source, reason: why } = body;
        await createModel(tx, { ...body, displayName: body.displayName ?? body.id });
        const publish = { modelId: body.id, channelId: null, effectiveAt: null, belowMargin, source, actor };
        if (costPrice !== undefined)
          await publishPrice(tx, { ...publish, side: 'cost', price: costPrice, multiplierPpm: null });
        await publishPrice(tx, { ...publish, side: 'selling', price: selling, multiplierPpm });
        const answer = await llmModel(tx, body.id);
        const audit = { action: 'model.created', targetKind: 'model', targetId: answer.id } as const;
        return { answer, audit: { ...audit, after: answer, reason: why } };
      }),
  }),
  adminRead({
    path: '/api/v1/models',
    permission: 'model.read',
    summary: 'Models in the order of their ids',
    params: none,
    query: z.strictObject(pageQuery),
    response: pageOf(LlmModel),
    handler: ({ query }, { db }) => onePage(models, query, (after, pageSize) => listModels(db, after, pageSize)),
  }),
  adminRead({
    path: '/api/v1/models/{id}',
    permission: 'model.read',
    summary: 'One model with its selling price in force',
    query: none,
    params: byId,
    response: LlmModel,
    handler: ({ params }, { db }) => llmModel(db, params.id),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/models/{id}',
    permission: 'model.change',
    summary: 'Change a model',
    ifMatch: 'required',
    params: byId,
    body: z.strictObject({
      displayName: settings.displayName.optional(),
      ownedBy: settings.ownedBy.optional(),
      contextTokens: settings.contextTokens.optional(),
      maxOutputTokens: settings.maxOutputTokens.optional(),
      bytesPerToken: settings.bytesPerToken.optional(),
      requestsPerMinute: settings.requestsPerMinute.optional(),
      tokensPerMinute: settings.tokensPerMinute.optional(),
      concurrentRequests: settings.concurrentRequests.optional(),
      basic: settings.basic.optional(),
    }),
    response: LlmModel,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedModel(tx, params.id);
        requireSeen(ifMatch, before);
        const answer = await changeModel(tx, before, body);
        return {
          answer,
          audit: { action: 'model.changed', targetKind: 'model', targetId: answer.id, before, after: answer },
        };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/models/{id}/prices',
    permission: 'price.change',
    twoPersons: ({ body }) => whyTwoPublish(body),
    summary: 'Publish a price version; not sooner than 60 s from now unless it is the first',
    status: 201,
    ifMatch: 'optional',
    params: byId,
    body: z
      .strictObject({
        side: z.enum(['selling', 'cost']).default('selling'),
        channelId: uuid.nullable().default(null),
        price: price.optional(),
        multiplierPpm: multiplier.optional(),
        effectiveAt: instant.nullable().default(null),
        belowMargin: z.boolean().default(false),
        reason: reason.optional(),
        source: line(500).default('management API'),
      })
      .refine((body) => (body.price === undefined) !== (body.multiplierPpm === undefined), ONE_PRICE)
      .refine((body) => body.side === 'cost' || body.channelId === null, 'only a cost can be of one channel')
      .refine(isExplained, WHY_BELOW),
    response: Publication,
    handler: ({ params, body, ifMatch, actor }, _app, change) =>
      change(async (tx) => {
        requireSeen(ifMatch, await lockedModel(tx, params.id));
        const { reason: why, price: wanted = null, multiplierPpm = null, ...rest } = body;
        const { published, grossMarginPpm } = await publishPrice(tx, {
          ...rest,
          modelId: params.id,
          price: wanted,
          multiplierPpm,
          actor,
        });
        await newModelVersion(tx, params.id);
        const answer = { ...published, grossMarginPpm };
        return {
          answer,
          audit: { action: 'price.published', targetKind: 'price', targetId: answer.id, after: answer, reason: why },
        };
      }),
  }),
  adminRead({
    path: '/api/v1/models/{id}/prices',
    permission: 'model.read',
    summary: 'Price versions of a model, the latest first',
    params: byId,
    query: z.strictObject(pageQuery),
    response: pageOf(PriceVersion),
    handler: async ({ params, query }, { db }) => {
      const { id } = await llmModel(db, params.id);
      return onePage(prices, query, (after, pageSize) => listPrices(db, id, after, pageSize));
    },
  }),
];
