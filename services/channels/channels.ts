// Channels: one upstream account each, with the models that it serves and the keys that open it.
// Whatever changes here bumps the version and is announced by triggers, so every gateway routes by it within seconds.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { problemOfBaseUrl } from '../egress/address-guard.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

export const PROVIDERS = ['openai', 'anthropic', 'openai-compatible', 'demo'] as const;
export const CHANNEL_STATUSES = ['enabled', 'draining', 'disabled'] as const;

/** new: not routed yet. revoked: its provider does not take it any more. */
export const CHANNEL_KEY_STATUSES = ['new', 'active', 'disabled', 'revoked'] as const;
export type ChannelKeyStatus = (typeof CHANNEL_KEY_STATUSES)[number];

export type ChannelStatus = (typeof CHANNEL_STATUSES)[number];

export interface ChannelSettings {
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  readonly outputCapField: 'max_tokens' | 'max_completion_tokens' | null;
  readonly onDisconnect: 'cancel_stops_billing' | 'drain';
  readonly maxInFlight: number;
  readonly requestsPerMinute: number | null;
  readonly usageExport: 'demo' | null;
}

export interface ChannelModel {
  readonly id: string;
  readonly upstreamModel: string;
}

/** All that may be told of a key of a channel: what it says is sealed. */
export interface ChannelKey {
  readonly id: string;
  readonly lastFour: string;
  readonly status: ChannelKeyStatus;
  readonly statusReason: string | null;
  readonly statusAt: string;
}

export interface Channel extends ChannelSettings {
  readonly id: string;
  readonly provider: (typeof PROVIDERS)[number];
  readonly baseUrl: string;
  readonly allowLocal: boolean;
  readonly models: readonly ChannelModel[];
  readonly keys: readonly ChannelKey[];
  readonly status: ChannelStatus;
  readonly statusReason: string | null;
  readonly statusBy: string | null;
  readonly statusAt: Date;
  readonly version: number;
  readonly createdAt: Date;
}

export interface NewChannel extends ChannelSettings {
  readonly provider: Channel['provider'];
  readonly baseUrl: string;
  readonly allowLocal: boolean;
  readonly models: readonly ChannelModel[];
}

export type ChannelChange = { readonly [S in keyof ChannelSettings]?: ChannelSettings[S] | undefined } & {
  readonly baseUrl?: string | undefined;
  readonly allowLocal?: boolean | undefined;
  readonly models?: readonly ChannelModel[] | undefined;
  readonly status?: { readonly status: ChannelStatus; readonly reason: string; readonly actor: string } | undefined;
};

const CHANNELS = `
  select c.id, c.name, c.provider, c.base_url as "baseUrl", c.allow_local as "allowLocal", c.weight, c.priority,
         c.output_cap_field as "outputCapField", c.on_disconnect as "onDisconnect", c.max_in_flight as "maxInFlight",
         c.requests_per_minute as "requestsPerMinute", c.usage_export as "usageExport", c.status,
         c.status_reason as "statusReason", c.status_by as "statusBy", c.status_at as "statusAt", c.version,
         c.created_at as "createdAt",
         coalesce((select json_agg(json_build_object('id', m.model_id, 'upstreamModel', m.upstream_model) order by m.model_id)
                     from channel_models m where m.channel_id = c.id), '[]') as models,
         coalesce((select json_agg(json_build_object('id', k.id, 'lastFour', k.last_four, 'status', k.status,
                                                     'statusReason', k.status_reason, 'statusAt', k.status_at)
                                   order by k.created_at, k.id)
                     from channel_keys k where k.channel_id = c.id), '[]') as keys
    from channels c`;

export async function createChannel(tx: PoolClient, wanted: NewChannel): Promise<Channel> {
  const id = newId();
  await tx.query(
    `insert into channels (id, provider, base_url, allow_local, name, weight, priority, output_cap_field, on_disconnect,
                           max_in_flight, requests_per_minute, usage_export)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [id, wanted.provider, wanted.baseUrl, wanted.allowLocal, ...settingsOf(wanted)],
  );
  await replaceModels(tx, id, wanted.models);
  return channel(tx, id);
}

export async function changeChannel(tx: PoolClient, before: Channel, change: ChannelChange): Promise<Channel> {
  const { baseUrl = before.baseUrl, allowLocal = before.allowLocal } = change;
  await tx.query(
    `update channels
        set base_url = $2, allow_local = $3, name = $4, weight = $5, priority = $6, output_cap_field = $7, on_disconnect = $8,
            max_in_flight = $9, requests_per_minute = $10, usage_export = $11, version = version + 1
      where id = $1`,
    [before.id, baseUrl, allowLocal, ...settingsOf(before, change)],
  );
  if (change.models !== undefined) await replaceModels(tx, before.id, change.models);
  if (change.status !== undefined) {
    const { status, reason, actor } = change.status;
    await tx.query(
      `update channels set status = $2, status_reason = $3, status_by = $4, status_at = clock_timestamp() where id = $1`,
      [before.id, status, reason, actor],
    );
  }
  return channel(tx, before.id);
}

function settingsOf(before: ChannelSettings, change: ChannelChange = {}): unknown[] {
  const {
    name = before.name,
    weight = before.weight,
    priority = before.priority,
    outputCapField = before.outputCapField,
    onDisconnect = before.onDisconnect,
    maxInFlight = before.maxInFlight,
    requestsPerMinute = before.requestsPerMinute,
    usageExport = before.usageExport,
  } = change;
  return [name, weight, priority, outputCapField, onDisconnect, maxInFlight, requestsPerMinute, usageExport];
}

async function replaceModels(tx: PoolClient, channelId: string, models: readonly ChannelModel[]): Promise<void> {
  const ids = models.map(({ id }) => id);
  await refuseUnknownModels(tx, ids);
  await tx.query('delete from channel_models where channel_id = $1 and model_id <> all($2)', [channelId, ids]);
  await tx.query(
    `insert into channel_models (channel_id, model_id, upstream_model)
     select $1, * from unnest($2::text[], $3::text[])
     on conflict (channel_id, model_id) do update set upstream_model = excluded.upstream_model`,
    [channelId, ids, models.map(({ upstreamModel }) => upstreamModel)],
  );
}

async function refuseUnknownModels(tx: PoolClient, ids: readonly string[]): Promise<void> {
  const { rows } = await tx.query<{ id: string }>(
    'select wanted as id from unnest($1::text[]) wanted where not exists (select from models m where m.id = wanted)',
    [ids],
  );
  const [first] = rows;
  if (first === undefined) return;
  const example = {
    id: first.id,
    price: { tiers: [{ microUsdPerMillion: { input: 2_500_000, output: 10_000_000 } }] },
  };
  throw new TollgateError('invalid_body', {
    message: `There is no model ${rows.map(({ id }) => id).join(', ')}. Make it first, with what it is sold for: POST /api/v1/models ${JSON.stringify(example)}`,
    param: 'models',
  });
}

/** @throws TollgateError not_found */
export async function channel(db: Queryable, id: string): Promise<Channel> {
  const { rows } = await db.query<Channel>(`${CHANNELS} where c.id = $1`, [id]);
  const [row] = rows;
  if (row === undefined) {
    throw new TollgateError('not_found', { message: `There is no channel ${id}.`, param: 'channelId' });
  }
  return row;
}

export async function lockedChannel(tx: PoolClient, id: string): Promise<Channel> {
  await tx.query('select from channels where id = $1 for update', [id]);
  return channel(tx, id);
}

/** Newest first. */
export async function listChannels(db: Queryable, after: string | null, pageSize: number): Promise<Channel[]> {
  const { rows } = await db.query<Channel>(
    `${CHANNELS}
      where $1::uuid is null or (c.created_at, c.id) < (select a.created_at, a.id from channels a where a.id = $1)
      order by c.created_at desc, c.id desc
      limit $2`,
    [after, pageSize],
  );
  return rows;
}

/**
 * As it is stored: without a trailing slash, and with /v1 where only a host was named, because paths are appended to it.
 * @throws TollgateError invalid_body for an address to which no channel may lead
 */
export function upstreamBase(text: string, allowLocal: boolean): string {
  const problem = problemOfBaseUrl(text, allowLocal);
  if (problem !== null) {
    const hint = allowLocal
      ? ''
      : ' For a server of your own, on this machine or in your network, send "allowLocal": true.';
    const message = `A channel cannot have this base URL: ${problem}.${hint}`;
    throw new TollgateError('invalid_body', { message, param: 'baseUrl' });
  }
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname.replace(/\/+$/, '') || '/v1'}`;
}
