// GET /v1/models speaks four dialects, told apart by what each client sends and where to (ecosystem.md 2.5). Only what the key may use.
import type { IncomingHttpHeaders } from 'node:http';
import { TollgateError } from '../../domain/errors.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import { type Price, priceInForce, unitPrice } from '../../domain/prices.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import { type DialectId, isInPlan, isOfferedIn, type RoutedModel } from '../../services/channels/routing-table.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { speaksGemini } from './callers.ts';
import { usdPerToken } from './exact-numbers.ts';

interface ListQuery {
  readonly client_version?: string | undefined;
  readonly limit?: string | undefined;
  readonly after_id?: string | undefined;
  readonly pageSize?: string | undefined;
  readonly pageToken?: string | undefined;
}

/** What tells one client from another. */
interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly askedPath: string;
}

const MOST_ON_A_PAGE = 1_000;

type Sources = Pick<AppDependencies, 'routing' | 'timeMs'>;

interface OfferedModel extends RoutedModel {
  readonly price: Price;
}

type Shape = 'openai' | 'anthropic' | 'gemini' | 'codex';

export function listOfModels(sources: Sources, apiKey: ApiKeyEntry, asked: Asked, query: ListQuery): object {
  const models = usable(sources, apiKey);
  switch (shapeFor(asked, query)) {
    case 'gemini':
      return geminiPage(models, query);
    case 'codex':
      return { models: models.map(openaiModel) };
    case 'anthropic':
      return anthropicPage(models, query);
    case 'openai':
      return { object: 'list', data: models.map(openaiModel) };
  }
}

export function oneModel(sources: Sources, apiKey: ApiKeyEntry, asked: Asked, id: string): object {
  const offer = usable(sources, apiKey).find((candidate) => candidate.id === id.replace(/^models\//, ''));
  if (offer === undefined) {
    throw new TollgateError('model_not_found', {
      message: `There is no model "${id.slice(0, 100)}" for this key. GET /v1/models lists those there are.`,
      param: 'model',
    });
  }
  const shape = shapeFor(asked, {});
  return shape === 'anthropic' ? anthropicModel(offer) : shape === 'gemini' ? geminiModel(offer) : openaiModel(offer);
}

function shapeFor({ headers, askedPath }: Asked, query: ListQuery): Shape {
  if (speaksGemini(headers, askedPath)) return 'gemini';
  if (headers['anthropic-version'] !== undefined) return 'anthropic';
  if (query.client_version !== undefined || /^codex/i.test(headers['user-agent'] ?? '')) return 'codex';
  return 'openai';
}

/** For whoever may use every model: one to try first. Null: nothing that chats is sold now. */
export function firstChatModel(sources: Sources): string | null {
  return onOffer(sources).find((offer) => isOfferedIn(offer, 'openai-chat'))?.id ?? null;
}

/** What keys of an organization with such a plan may be bound to. */
export function offeredUnder(sources: Sources, planModels: 'basic' | 'all'): readonly RoutedModel[] {
  return onOffer(sources).filter((offer) => isInPlan({ planModels }, offer));
}

/** Not kept from this key. */
function usable(sources: Sources, apiKey: ApiKeyEntry): OfferedModel[] {
  return onOffer(sources).filter((offer) => (apiKey.allowedModels?.has(offer.id) ?? true) && isInPlan(apiKey, offer));
}

/** Sold now, and bought somewhere now. */
function onOffer({ routing, timeMs }: Sources): OfferedModel[] {
  const offered: OfferedModel[] = [];
  for (const offer of routing().models.values()) {
    const inForce = priceInForce(offer.sellingPrices, timeMs());
    const isBought = offer.routes.some(({ channel }) => channel.status === 'enabled');
    if (inForce !== null && isBought) offered.push({ ...offer, price: inForce.price });
  }
  return offered;
}

const ENDPOINTS: readonly (readonly [DialectId, string])[] = [
  ['openai-chat', 'openai'],
  ['openai-responses', 'openai-response'],
  ['anthropic-messages', 'anthropic'],
  ['openai-embeddings', 'embeddings'],
];

function endpointsOf(offer: RoutedModel): string[] {
  return ENDPOINTS.filter(([dialect]) => isOfferedIn(offer, dialect)).map(([, name]) => name);
}

function openaiModel(offer: OfferedModel): object {
  return {
    id: offer.id,
    object: 'model',
    created: Math.floor(offer.createdAtMs / 1000),
    owned_by: offer.ownedBy,
    name: offer.displayName,
    context_length: offer.contextTokens,
    max_output_tokens: offer.maxOutputTokens,
    pricing: pricingOf(offer.price),
    supported_endpoint_types: endpointsOf(offer),
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

function anthropicModel(offer: RoutedModel): object {
  return {
    type: 'model',
    id: offer.id,
    display_name: offer.displayName,
    created_at: new Date(offer.createdAtMs).toISOString(),
    max_input_tokens: offer.contextTokens,
    max_tokens: offer.maxOutputTokens,
    lifecycle: 'active',
  };
}

function geminiModel(offer: RoutedModel): object {
  return {
    name: `models/${offer.id}`,
    displayName: offer.displayName,
    inputTokenLimit: offer.contextTokens,
    outputTokenLimit: offer.maxOutputTokens,
    // Of Google's own methods none is served yet: a client that looks for generateContent must not find it here.
    supportedGenerationMethods: [],
  };
}

function anthropicPage(models: readonly RoutedModel[], query: ListQuery): object {
  const { page, hasMore } = pageAfter(models, query.after_id, query.limit, 20);
  return {
    data: page.map(anthropicModel),
    has_more: hasMore,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

/** Google's own clients ask on for as long as there is a token, also an empty one: the last page has none. */
function geminiPage(models: readonly RoutedModel[], query: ListQuery): object {
  const { page, hasMore } = pageAfter(models, query.pageToken, query.pageSize, 50);
  return { models: page.map(geminiModel), ...(hasMore ? { nextPageToken: page.at(-1)?.id } : {}) };
}

function pageAfter(
  models: readonly RoutedModel[],
  lastId: string | undefined,
  size: string | undefined,
  usual: number,
) {
  const from = lastId === undefined ? 0 : models.findIndex(({ id }) => id === lastId) + 1;
  const most = Math.min(Math.max(Math.trunc(Number(size ?? usual)) || usual, 1), MOST_ON_A_PAGE);
  return { page: models.slice(from, from + most), hasMore: from + most < models.length };
}
