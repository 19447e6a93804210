// Everything that routing reads from PostgreSQL, in one statement: all of it is of the same moment, and the number of round
// trips does not grow with the catalogue.
import type { Pool } from 'pg';
import type { Sealed } from '../vault/vault.ts';

export interface ModelRow {
  readonly id: string;
  readonly displayName: string;
  readonly ownedBy: string;
  readonly kind: 'chat' | 'embedding';
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly bytesPerToken: number;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrentRequests: number | null;
  /** Included in every plan. */
  readonly basic: boolean;
  readonly createdAtMs: number;
}

export interface ChannelRow {
  readonly id: string;
  readonly name: string;
  readonly provider: 'openai' | 'anthropic' | 'openai-compatible' | 'demo';
  readonly baseUrl: string;
  readonly allowLocal: boolean;
  readonly weight: number;
  readonly priority: number;
  readonly outputCapField: 'max_tokens' | 'max_completion_tokens' | null;
  readonly onDisconnect: 'cancel_stops_billing' | 'drain';
  readonly maxInFlight: number;
  readonly requestsPerMinute: number | null;
  readonly status: 'enabled' | 'draining' | 'disabled';
  readonly usageExport: 'demo' | null;
}

export interface ChannelKeyRow {
  readonly id: string;
  readonly channelId: string;
  readonly sealed: Sealed;
  readonly lastFour: string;
  /** The place that it shares with its successor while it is rotated. */
  readonly slotId: string;
  /** Of 100 requests that come to its place. */
  readonly share: number;
}

export interface ChannelModelRow {
  readonly channelId: string;
  readonly modelId: string;
  readonly upstreamModel: string;
}

export interface PriceRow {
  readonly id: string;
  readonly modelId: string;
  readonly side: 'selling' | 'cost';
  readonly channelId: string | null;
  readonly effectiveAtMs: number;
  readonly price: unknown;
}

export interface RoutingRows {
  /** Of the places of keys: whoever has it has all that led to it. */
  readonly version: number;
  readonly models: readonly ModelRow[];
  readonly channels: readonly ChannelRow[];
  readonly channelKeys: readonly ChannelKeyRow[];
  readonly channelModels: readonly ChannelModelRow[];
  readonly prices: readonly PriceRow[];
}

// A version is needed until its successor is in force everywhere; an hour is more than any two clocks here differ by.
const SUPERSEDED_FOR = '1 hour';

export async function routingRows(db: Pool): Promise<RoutingRows> {
  const { rows } = await db.query<RoutingRows>(
    `select (select version::float8 from routing_version) as version,
       (select coalesce(jsonb_agg(to_jsonb(m) order by m.id), '[]') from (
          select id, display_name as "displayName", owned_by as "ownedBy", kind, context_tokens as "contextTokens",
                 max_output_tokens as "maxOutputTokens", bytes_per_token as "bytesPerToken",
                 requests_per_minute as "requestsPerMinute", tokens_per_minute as "tokensPerMinute",
                 concurrent_requests as "concurrentRequests", basic,
                 floor(extract(epoch from created_at) * 1000) as "createdAtMs"
            from models) m) as models,
       (select coalesce(jsonb_agg(to_jsonb(c) order by c.priority, c.id), '[]') from (
          select id, name, provider, base_url as "baseUrl", allow_local as "allowLocal", weight, priority,
                 output_cap_field as "outputCapField", on_disconnect as "onDisconnect", max_in_flight as "maxInFlight",
                 requests_per_minute as "requestsPerMinute", status, usage_export as "usageExport"
            from channels) c) as channels,
       (select coalesce(jsonb_agg(to_jsonb(k) order by k.id), '[]') from (
          select id, channel_id as "channelId", sealed, last_four as "lastFour", slot_id as "slotId", share
            from channel_keys
           where status = 'active') k) as "channelKeys",
       (select coalesce(jsonb_agg(to_jsonb(r)), '[]') from (
          select channel_id as "channelId", model_id as "modelId", upstream_model as "upstreamModel"
            from channel_models) r) as "channelModels",
       (select coalesce(jsonb_agg(to_jsonb(p) - 'supersededAt' order by p."effectiveAtMs"), '[]') from (
          select id, model_id as "modelId", side, channel_id as "channelId", price,
                 floor(extract(epoch from effective_at) * 1000) as "effectiveAtMs",
                 lead(effective_at) over (partition by model_id, side, channel_id order by effective_at) as "supersededAt"
            from price_versions) p
         where p."supersededAt" is null
            or p."supersededAt" > billing_now() - $1::interval) as prices`,
    [SUPERSEDED_FOR],
  );
  const [all] = rows;
  if (all === undefined) throw new Error('a select without a from clause returned no row');
  return all;
}
