// What a customer's program reads with its API key: models in the shape its SDK expects, the key, credits, receipts.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { nano } from '../../domain/nano.ts';
import { apiKey as apiKeyRow } from '../../services/api-keys/api-keys.ts';
import { balanceOf } from '../../services/grants/balance.ts';
import { receipt } from '../../services/usage/receipts.ts';
import { spendingOfKey, spent } from '../../services/usage/usage.ts';
import { CustomerReceipt, unknownRequest } from './books.ts';
import { instant, money, uuid } from './field-schemas.ts';
import { listOfModels, oneModel } from './model-lists.ts';
import { customerRead, type Route } from './route.ts';

const usdNumber = z.number().meta({ description: 'US dollars, for display; money in nano is beside it' });

/** For the shapes that other products chose: they carry dollars as a JSON number. Never read back as money. */
function inDollars(amountNano: bigint): number {
  return Number(amountNano / 1_000n) / 1_000_000;
}

const WITH_V1 = ['/v1', ''] as const;

const modelRoutes: readonly Route[] = WITH_V1.flatMap((prefix) => [
  customerRead({
    path: `${prefix}/models`,
    summary: 'Models that this key may use, in the shape of the caller: OpenAI, Anthropic, Gemini or Codex',
    response: z.unknown(),
    query: z.object({
      client_version: z.string().optional(),
      limit: z.string().optional(),
      after_id: z.string().optional(),
    }),
    handler: async ({ apiKey, headers, query }, { routing }) => listOfModels(routing(), apiKey, headers, query),
  }),
  customerRead({
    path: `${prefix}/models/{id}`,
    summary: 'One model',
    params: z.object({ id: z.string().max(200) }),
    response: z.unknown(),
    handler: async ({ apiKey, headers, params }, { routing }) => oneModel(routing(), apiKey, headers, params.id),
  }),
]);

const keyRoutes: readonly Route[] = [
  customerRead({
    path: '/v1/key',
    summary: 'This key: its caps, what it spent, and the balance behind it',
    response: z.object({
      data: z.object({
        label: z.string(),
        name: z.string(),
        projectId: uuid,
        expiresAt: instant.nullable(),
        allowedModels: z.array(z.string()).readonly().nullable(),
        caps: z
          .array(z.object({ period: z.string(), amountNano: money }))
          .readonly()
          .readonly(),
        usage: usdNumber,
        usage_daily: usdNumber,
        usage_weekly: usdNumber,
        usage_monthly: usdNumber,
        usageNano: z.object({ total: money, day: money, week: money, month: money }),
        limit: usdNumber.nullable(),
        limit_remaining: usdNumber.nullable(),
        balanceNano: money,
        availableNano: money,
      }),
    }),
    handler: async ({ apiKey }, { db }) => {
      const [row, spending, balance] = [
        await apiKeyRow(db, apiKey.id),
        await spendingOfKey(db, apiKey.orgId, apiKey.id),
        await balanceOf(db, apiKey.orgId),
      ];
      const total = row.caps.find(({ period }) => period === 'total') ?? null;
      return {
        data: {
          label: `${row.prefix}...${row.lastFour}`,
          name: row.name,
          projectId: row.projectId,
          expiresAt: row.expiresAt,
          allowedModels: row.allowedModels,
          caps: row.caps,
          usage: inDollars(spending.totalNano),
          usage_daily: inDollars(spending.dayNano),
          usage_weekly: inDollars(spending.weekNano),
          usage_monthly: inDollars(spending.monthNano),
          usageNano: {
            total: spending.totalNano,
            day: spending.dayNano,
            week: spending.weekNano,
            month: spending.monthNano,
          },
          limit: total === null ? null : inDollars(total.amountNano),
          limit_remaining: total === null ? null : inDollars(total.amountNano - spending.totalNano),
          balanceNano: balance.balanceNano,
          availableNano: balance.availableNano,
        },
      };
    },
  }),
  customerRead({
    path: '/v1/credits',
    summary: 'Credits of the organization, in OpenRouter’s shape with exact nano beside it',
    response: z.object({
      data: z.object({
        total_credits: usdNumber,
        total_usage: usdNumber,
        balanceNano: money,
        availableNano: money,
        reservedNano: money,
        settlingNano: money,
        usageNano: money,
      }),
    }),
    handler: async ({ apiKey }, { db }) => {
      const balance = await balanceOf(db, apiKey.orgId);
      const usageNano = await spent(db, { orgId: apiKey.orgId });
      const data = {
        total_credits: inDollars(balance.balanceNano + usageNano),
        total_usage: inDollars(usageNano),
        ...balance,
        usageNano,
      };
      return { data };
    },
  }),
  customerRead({
    path: '/v1/requests/{id}',
    summary: 'The receipt of a request of this organization',
    params: z.object({ id: z.string().max(100) }),
    response: CustomerReceipt,
    handler: async ({ apiKey, params }, { db }) => {
      const found = uuid.safeParse(params.id).success ? await receipt(db, params.id, apiKey.orgId) : null;
      if (found === null) throw unknownRequest(params.id.slice(0, 100));
      return found;
    },
  }),
];

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

/** One API's legacy billing endpoints, which desktop clients show a balance from. */
const legacyRoutes: readonly Route[] = WITH_V1.flatMap((prefix) => [
  customerRead({
    path: `${prefix}/dashboard/billing/subscription`,
    summary: 'Legacy billing: what there is in all',
    response: z.object({
      object: z.literal('billing_subscription'),
      has_payment_method: z.boolean(),
      soft_limit_usd: usdNumber,
      hard_limit_usd: usdNumber,
      system_hard_limit_usd: usdNumber,
      access_until: z.number(),
    }),
    handler: async ({ apiKey }, { db }) => {
      const { balanceNano } = await balanceOf(db, apiKey.orgId);
      const total = inDollars(balanceNano + (await spent(db, { orgId: apiKey.orgId })));
      return {
        object: 'billing_subscription' as const,
        has_payment_method: true,
        soft_limit_usd: total,
        hard_limit_usd: total,
        system_hard_limit_usd: total,
        access_until: apiKey.expiresAtMs === null ? 0 : Math.floor(apiKey.expiresAtMs / 1000),
      };
    },
  }),
  customerRead({
    path: `${prefix}/dashboard/billing/usage`,
    summary: 'Legacy billing: usage in cents between two dates',
    query: z.object({ start_date: z.string().optional(), end_date: z.string().optional() }),
    response: z.object({ object: z.literal('list'), total_usage: z.number() }),
    handler: async ({ apiKey, query }, { db }) => {
      const usageNano = await spent(db, {
        orgId: apiKey.orgId,
        from: dateOf(query.start_date, 'start_date'),
        to: dateOf(query.end_date, 'end_date'),
      });
      return { object: 'list' as const, total_usage: inDollars(nano(usageNano * 100n)) };
    },
  }),
]);

function dateOf(text: string | undefined, param: string): Date | undefined {
  if (text === undefined) return undefined;
  if (day.safeParse(text).success && !Number.isNaN(Date.parse(text))) return new Date(text);
  throw new TollgateError('invalid_value', { message: `${param} must be a date as in 2026-11-23.`, param });
}

export const readWithKeyRoutes: readonly Route[] = [...modelRoutes, ...keyRoutes, ...legacyRoutes];
