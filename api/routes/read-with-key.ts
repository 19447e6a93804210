// What a customer's program reads with its API key: models in the shape its SDK expects, the key, credits, receipts.
// Shapes that other products chose carry dollars as numbers; our own nano stand beside them as strings.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { nano, smaller } from '../../domain/nano.ts';
import type { Stage } from '../../domain/overdue-policy.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import { type ApiKey, apiKey as apiKeyRow } from '../../services/api-keys/api-key-rows.ts';
import { balanceOf } from '../../services/grants/balance.ts';
import { receipt } from '../../services/usage/receipts.ts';
import { type Spending, spendingOfKey, spent } from '../../services/usage/usage.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { CustomerReceipt, unknownRequest } from './books.ts';
import { cents, exactNumber, usd } from './exact-numbers.ts';
import { instant, money, overdueStage, uuid } from './field-schemas.ts';
import { listOfModels, oneModel } from './model-lists.ts';
import { customerRead, none, type Route, whatever } from './route.ts';

const modelRoutes: readonly Route[] = [
  customerRead({
    path: '/v1/models',
    summary: 'Models that this key may use, in the shape of the caller: OpenAI, Anthropic, Gemini or Codex',
    params: none,
    response: z.unknown(),
    query: z.object({
      client_version: z.string().optional(),
      limit: z.string().optional(),
      after_id: z.string().optional(),
      pageSize: z.string().optional(),
      pageToken: z.string().optional(),
    }),
    handler: async ({ apiKey, query, ...asked }, app) => listOfModels(app, apiKey, asked, query),
  }),
  customerRead({
    path: '/v1/models/{id}',
    summary: 'One model',
    query: whatever,
    params: z.object({ id: z.string().max(200) }),
    response: z.unknown(),
    handler: async ({ apiKey, params, ...asked }, app) => oneModel(app, apiKey, asked, params.id),
  }),
];

/** Of the organization: while an invoice is overdue, included credit is locked and not part of the balance. */
const overdue = { overdueStage, payLink: z.string().nullable() };

function overdueOf({ restriction }: ApiKeyEntry): { overdueStage: Stage; payLink: string | null } {
  return { overdueStage: restriction?.stage ?? 'none', payLink: restriction?.payLink ?? null };
}

const shownCap = z.object({ period: z.string(), amountNano: money });

const keyRoute = customerRead({
  path: '/v1/key',
  summary: 'This key: its caps, what it spent, and the balance behind it; OpenRouter’s names in snake case',
  params: none,
  query: whatever,
  response: z.object({
    data: z.object({
      label: z.string(),
      name: z.string(),
      projectId: uuid,
      expiresAt: instant.nullable(),
      allowedModels: z.array(z.string()).readonly().nullable(),
      caps: z.array(shownCap).readonly(),
      limit: exactNumber.nullable(),
      limit_remaining: exactNumber.nullable(),
      limit_reset: z.enum(['daily', 'weekly', 'monthly']).nullable(),
      usage: exactNumber,
      usage_daily: exactNumber,
      usage_weekly: exactNumber,
      usage_monthly: exactNumber,
      is_free_tier: z.boolean(),
      usageNano: z.object({ total: money, day: money, week: money, month: money }),
      balanceNano: money,
      availableNano: money,
      ...overdue,
    }),
  }),
  handler: async ({ apiKey }, { db }) => {
    const row = await apiKeyRow(db, apiKey.id);
    const spending = await spendingOfKey(db, apiKey.orgId, apiKey.id);
    const { balanceNano, availableNano } = await balanceOf(db, apiKey.orgId);
    const { name, projectId, expiresAt, allowedModels, caps } = row;
    const { totalNano: total, dayNano: day, weekNano: week, monthNano: month } = spending;
    return {
      data: {
        label: `${row.prefix}...${row.lastFour}`,
        ...{ name, projectId, expiresAt, allowedModels, caps },
        ...limitOf(row, spending),
        usage: usd(total),
        usage_daily: usd(day),
        usage_weekly: usd(week),
        usage_monthly: usd(month),
        is_free_tier: false,
        usageNano: { total, day, week, month },
        ...{ balanceNano, availableNano },
        ...overdueOf(apiKey),
      },
    };
  },
});

/** OpenRouter knows one limit of a key: of several caps the one that leaves the least. */
function limitOf({ caps }: ApiKey, { totalNano, monthNano, weekNano, dayNano }: Spending) {
  const spentIn = { total: totalNano, month: monthNano, week: weekNano, day: dayNano };
  const resets = { total: null, month: 'monthly', week: 'weekly', day: 'daily' } as const;
  const left = caps.map(({ period, amountNano }) => ({ period, amountNano, left: amountNano - spentIn[period] }));
  const [tightest] = left.sort((a, b) => (a.left < b.left ? -1 : 1));
  if (tightest === undefined) return { limit: null, limit_remaining: null, limit_reset: null };
  const { period, amountNano } = tightest;
  const remaining = tightest.left < 0n ? 0n : tightest.left;
  return { limit: usd(amountNano), limit_remaining: usd(remaining), limit_reset: resets[period] };
}

const creditsRoute = customerRead({
  path: '/v1/credits',
  summary: 'Credits of the organization, in OpenRouter’s shape with exact nano beside it',
  params: none,
  query: whatever,
  response: z.object({
    data: z.object({
      total_credits: exactNumber,
      total_usage: exactNumber,
      balanceNano: money,
      availableNano: money,
      reservedNano: money,
      settlingNano: money,
      usageNano: money,
      ...overdue,
    }),
  }),
  handler: async ({ apiKey }, { db }) => {
    const balance = await balanceOf(db, apiKey.orgId);
    const usageNano = await spent(db, { orgId: apiKey.orgId });
    // Clients show the difference as what is left: it is the balance, also after a grant has expired.
    const total = balance.balanceNano + usageNano;
    const inDollars = { total_credits: usd(total), total_usage: usd(usageNano) };
    return { data: { ...inDollars, ...balance, usageNano, ...overdueOf(apiKey) } };
  },
});

const receiptRoute = customerRead({
  path: '/v1/requests/{id}',
  summary: 'The receipt of a request of this organization',
  query: whatever,
  params: z.object({ id: z.string().max(100) }),
  response: CustomerReceipt,
  handler: async ({ apiKey, params }, { db }) => {
    const found = uuid.safeParse(params.id).success ? await receipt(db, params.id, apiKey.orgId) : null;
    if (found === null) throw unknownRequest(params.id);
    return found;
  },
});

/** One API's legacy endpoints, which desktop clients show a balance from: limit minus usage is what the key can spend. */
const legacyRoutes: readonly Route[] = [
  customerRead({
    path: '/v1/dashboard/billing/subscription',
    summary: 'Legacy billing: what there is in all, in dollars',
    params: none,
    query: whatever,
    response: z.object({
      object: z.literal('billing_subscription'),
      has_payment_method: z.boolean(),
      soft_limit_usd: exactNumber,
      hard_limit_usd: exactNumber,
      system_hard_limit_usd: exactNumber,
      access_until: z.number(),
    }),
    handler: async ({ apiKey }, app) => {
      const total = usd(await spendableInAll(apiKey, app));
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
    path: '/v1/dashboard/billing/usage',
    summary: 'Legacy billing: what this key used, in cents; from start_date to the end of end_date (UTC) where given',
    params: none,
    query: z.object({ start_date: z.string().optional(), end_date: z.string().optional() }),
    response: z.object({ object: z.literal('list'), total_usage: exactNumber }),
    handler: async ({ apiKey, query }, { db }) => {
      const from = dateOf(query.start_date, 'start_date');
      const lastDay = dateOf(query.end_date, 'end_date');
      const to = lastDay && new Date(lastDay.getTime() + 86_400_000);
      const usage = await spent(db, { orgId: apiKey.orgId, apiKeyId: apiKey.id, from, to });
      return { object: 'list' as const, total_usage: cents(usage) };
    },
  }),
];

async function spendableInAll({ id, orgId }: ApiKeyEntry, { db }: AppDependencies): Promise<bigint> {
  const { caps } = await apiKeyRow(db, id);
  const { balanceNano } = await balanceOf(db, orgId);
  const inAll = nano(balanceNano + (await spent(db, { orgId, apiKeyId: id })));
  const cap = caps.find(({ period }) => period === 'total');
  return cap === undefined ? inAll : smaller(cap.amountNano, inAll);
}

function dateOf(text: string | undefined, param: string): Date | undefined {
  if (text === undefined) return undefined;
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text);
  throw new TollgateError('invalid_value', { message: `${param} must be a date as in 2026-11-23.`, param });
}

export const readWithKeyRoutes: readonly Route[] = [
  ...modelRoutes,
  keyRoute,
  creditsRoute,
  receiptRoute,
  ...legacyRoutes,
];
