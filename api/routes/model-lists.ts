// GET /v1/models speaks four dialects, told apart by what each client sends (ecosystem.md 2.5). Only what the key may use.
import type { IncomingHttpHeaders } from 'node:http';
import { TollgateError } from '../../domain/errors.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import { type Price, priceInForce, unitPrice } from '../../domain/prices.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import { type DialectId, type RoutedModel, servesDialect } from '../../services/channels/routing-table.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { usdPerToken } from './exact-numbers.ts';

interface ListQuery {
  readonly client_version?: string | undefined;
  readonly limit?: string | undefined;
  readonly after_id?: string | undefined;
}

type Sources = Pick<AppDependencies, 'routing' | 'timeMs'>;

interface OfferedModel extends RoutedModel {
  readonly price: Price;
}

type Shape = 'openai' | 'anthropic' | 'gemini' | 'codex';

export function listOfModels(
  sources: Sources,
  apiKey: ApiKeyEntry,
  headers: IncomingHttpHeaders,
  query: ListQuery,
): object {
  const models = usable(sources, apiKey);
  switch (shapeFor(headers, query)) {
    case 'gemini':
      return { models: models.map(geminiModel) };
    case 'codex':
      return { models: models.map(openaiModel) };
    case 'anthropic':
      return anthropicPage(models, query);
    case 'openai':
      return { object: 'list', data: models.map(openaiModel) };
  }
}

export function oneModel(sources: Sources, apiKey: ApiKeyEntry, headers: IncomingHttpHeaders, id: string): object {
  const model = usable(sources, apiKey).find((candidate) => candidate.id === id.replace(/^models\//, ''));
  if (model === undefined) {
    throw new TollgateError('model_not_found', {
      message: `There is no model "${id.slice(0, 100)}" for this key. GET /v1/models lists those there are.`,
      param: 'model',
    });
  }
  const shape = shapeFor(headers, {});
  return shape === 'anthropic' ? anthropicModel(model) : shape === 'gemini' ? geminiModel(model) : openaiModel(model);
}

function shapeFor(headers: IncomingHttpHeaders, query: ListQuery): Shape {
  if (headers['x-goog-api-key'] !== undefined) return 'gemini';
  if (headers['anthropic-version'] !== undefined) return 'anthropic';
  if (query.client_version !== undefined || /^codex/i.test(headers['user-agent'] ?? '')) return 'codex';
  return 'openai';
}

/** Sold now, bought somewhere now, and not kept from this key. */
function usable({ routing, timeMs }: Sources, { allowedModels }: ApiKeyEntry): OfferedModel[] {
  const offered: OfferedModel[] = [];
  for (const model of routing().models.values()) {
    const inForce = priceInForce(model.sellingPrices, timeMs());
    const isBought = model.routes.some(({ channel }) => channel.status === 'enabled');
    const isAllowed = allowedModels === null || allowedModels.has(model.id);
    if (inForce !== null && isBought && isAllowed) offered.push({ ...model, price: inForce.price });
  }
  return offered;
}

const ENDPOINTS: readonly (readonly [DialectId, string])[] = [
  ['openai-chat', 'openai'],
  ['openai-responses', 'openai-response'],
  ['anthropic-messages', 'anthropic'],
  ['openai-embeddings', 'embeddings'],
];

function endpointsOf({ routes, kind }: RoutedModel): string[] {
  return ENDPOINTS.filter(([dialect]) => (dialect === 'openai-embeddings') === (kind === 'embedding'))
    .filter(([dialect]) => routes.some(({ channel }) => servesDialect(channel.provider, dialect)))
    .map(([, name]) => name);
}

function openaiModel(model: OfferedModel): object {
  return {
    id: model.id,
    object: 'model',
    created: Math.floor(model.createdAtMs / 1000),
    owned_by: model.ownedBy,
    name: model.displayName,
    context_length: model.contextTokens,
    max_output_tokens: model.maxOutputTokens,
    pricing: pricingOf(model.price),
    supported_endpoint_types: endpointsOf(model),
  };
}

/** OpenRouter's shape: US dollars per token as decimal strings, of the first tier. */
function pricingOf({ tiers: [first], perCallNano }: Price): object {
  if (first === undefined) return {};
  const perToken = (meter: Parameters<typeof unitPrice>[1]) => usdPerToken(unitPrice(first, meter));
  return {
    prompt: perToken('input'),
    completion: perToken('output'),
    input_cache_read: perToken('cachedInput'),
    input_cache_write: perToken('cacheWrite5m'),
    internal_reasoning: perToken('reasoning'),
    request: formatUsd(nano(perCallNano)),
  };
}

function anthropicModel(model: RoutedModel): object {
  return {
    type: 'model',
    id: model.id,
    display_name: model.displayName,
    created_at: new Date(model.createdAtMs).toISOString(),
    max_input_tokens: model.contextTokens,
    max_tokens: model.maxOutputTokens,
  };
}

function geminiModel(model: RoutedModel): object {
  return {
    name: `models/${model.id}`,
    displayName: model.displayName,
    inputTokenLimit: model.contextTokens,
    outputTokenLimit: model.maxOutputTokens,
    supportedGenerationMethods:
      model.kind === 'embedding' ? ['embedContent'] : ['generateContent', 'streamGenerateContent'],
  };
}

function anthropicPage(models: readonly RoutedModel[], { limit, after_id: afterId }: ListQuery): object {
  const from = afterId === undefined ? 0 : models.findIndex(({ id }) => id === afterId) + 1;
  const most = Math.min(Math.max(Number(limit ?? 20) || 20, 1), 1_000);
  const page = models.slice(from, from + most);
  return {
    data: page.map(anthropicModel),
    has_more: from + most < models.length,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}
