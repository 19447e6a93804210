// What is sold and where it is bought, as one immutable value that a gateway swaps whole on every change: a request reads no
// row. One faulty entry (a key that does not open, a model without a price) is left out and reported; the rest keeps serving.
import type { Pool } from 'pg';
import type { PriceVersion } from '../../domain/prices.ts';
import { problemOfBaseUrl } from '../egress/address-guard.ts';
import type { Vault } from '../vault/vault.ts';
import { channelKeyContext } from './channel-key-context.ts';
import { RoutePrices } from './route-prices.ts';
import {
  type ChannelKeyRow,
  type ChannelModelRow,
  type ChannelRow,
  type ModelRow,
  type RoutingRows,
  routingRows,
} from './routing-rows.ts';

/** Each is a Dialect of api/proxy/dialects; channels say which of them they speak. */
export type DialectId =
  | 'openai-chat'
  | 'openai-completions'
  | 'openai-embeddings'
  | 'openai-responses'
  | 'anthropic-messages';

export interface ChannelKey {
  readonly id: string;
  readonly credential: string;
  readonly lastFour: string;
  readonly slotId: string;
  readonly share: number;
}

/** Of one table: how many attempts work by it at this moment, so that it can be said when none does any more. */
export interface TableUse {
  readonly version: number;
  attempts: number;
}

export interface Channel extends ChannelRow {
  readonly keys: readonly ChannelKey[];
  /** Of the table that it is in. */
  readonly use: TableUse;
}

export interface Route {
  readonly channel: Channel;
  readonly upstreamModel: string;
  /** The channel's own cost, else the model's; empty when neither is known. */
  readonly costPrices: readonly PriceVersion[];
}

export interface RoutedModel extends ModelRow {
  readonly sellingPrices: readonly PriceVersion[];
  readonly routes: readonly Route[];
}

export interface RoutingTable {
  readonly models: ReadonlyMap<string, RoutedModel>;
  readonly loadedAtMs: number;
  readonly use: TableUse;
  /** What was left out and why, for people; names rows, holds no secrets. */
  readonly problems: readonly string[];
}

const SPOKEN: { readonly [P in Channel['provider']]: ReadonlySet<DialectId> } = {
  openai: new Set(['openai-chat', 'openai-completions', 'openai-embeddings', 'openai-responses']),
  anthropic: new Set(['anthropic-messages']),
  'openai-compatible': new Set(['openai-chat', 'openai-completions', 'openai-embeddings']),
  demo: new Set(['openai-chat', 'openai-completions', 'openai-embeddings', 'openai-responses', 'anthropic-messages']),
};

export function servesDialect(provider: Channel['provider'], dialectId: DialectId): boolean {
  return SPOKEN[provider].has(dialectId);
}

/** Whether any channel sells the model in this format. A chat model answers no embeddings, whatever its channel speaks. */
export function isOfferedIn({ kind, routes }: RoutedModel, dialectId: DialectId): boolean {
  if ((dialectId === 'openai-embeddings') !== (kind === 'embedding')) return false;
  return routes.some(({ channel }) => servesDialect(channel.provider, dialectId));
}

/** Of an organization's plan. Every plan includes what is basic. */
export function isInPlan({ planModels }: { readonly planModels: 'basic' | 'all' }, { basic }: RoutedModel): boolean {
  return planModels === 'all' || basic;
}

export async function loadRoutingTable(db: Pool, vault: Vault, nowMs: number): Promise<RoutingTable> {
  const rows = await routingRows(db);
  const problems: string[] = [];
  const use: TableUse = { version: rows.version, attempts: 0 };
  const channels = soundChannels(rows, vault, use, problems);
  const prices = new RoutePrices(rows.prices);
  const routesOf = Map.groupBy(rows.channelModels, ({ modelId }) => modelId);
  const models = new Map<string, RoutedModel>();
  for (const row of rows.models) {
    const sellingPrices = orProblem(problems, `model ${row.id}`, () => prices.selling(row.id));
    if (sellingPrices === null) continue;
    if (sellingPrices.length === 0) problems.push(`model ${row.id}: it has no selling price`);
    else
      models.set(row.id, {
        ...row,
        sellingPrices,
        routes: soundRoutes(routesOf.get(row.id) ?? [], channels, prices, problems),
      });
  }
  return { models, loadedAtMs: nowMs, use, problems };
}

function soundChannels(
  rows: RoutingRows,
  vault: Vault,
  use: TableUse,
  problems: string[],
): ReadonlyMap<string, Channel> {
  const keysOf = Map.groupBy(rows.channelKeys, ({ channelId }) => channelId);
  const channels = new Map<string, Channel>();
  for (const row of rows.channels) {
    const problem = problemOfBaseUrl(row.baseUrl, row.allowLocal);
    if (problem !== null) {
      problems.push(`channel ${row.name} (${row.id}): its base URL is refused: ${problem}`);
      continue;
    }
    const baseUrl = row.baseUrl.replace(/\/+$/, ''); // paths are appended to it
    channels.set(row.id, { ...row, baseUrl, keys: openKeys(keysOf.get(row.id) ?? [], baseUrl, vault, problems), use });
  }
  return channels;
}

function openKeys(rows: readonly ChannelKeyRow[], baseUrl: string, vault: Vault, problems: string[]): ChannelKey[] {
  const keys: ChannelKey[] = [];
  for (const { id, sealed, lastFour, slotId, share } of rows) {
    const credential = orProblem(problems, `channel key ${id}`, () =>
      vault.open(sealed, channelKeyContext(id, baseUrl)),
    );
    if (credential !== null) keys.push({ id, credential, lastFour, slotId, share });
  }
  return keys;
}

function soundRoutes(
  rows: readonly ChannelModelRow[],
  channels: ReadonlyMap<string, Channel>,
  prices: RoutePrices,
  problems: string[],
): Route[] {
  const routes: Route[] = [];
  for (const { channelId, modelId, upstreamModel } of rows) {
    const channel = channels.get(channelId);
    if (channel === undefined) continue; // reported with its channel
    const name = `model ${modelId} on channel ${channel.name} (${channelId})`;
    const costPrices = orProblem(problems, name, () => prices.cost(modelId, channelId));
    if (costPrices === null) continue;
    // Its requests can be sold, only their cost stays unknown: not a reason to send a customer away.
    if (costPrices.length === 0) problems.push(`${name}: it has no cost price`);
    routes.push({ channel, upstreamModel, costPrices });
  }
  return routes.sort((a, b) => a.channel.priority - b.channel.priority);
}

function orProblem<T>(problems: string[], name: string, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    problems.push(`${name}: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
