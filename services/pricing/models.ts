// Models that are sold. A model without a selling price in force is not offered; the prices stand in prices.ts.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { Price } from '../../domain/prices.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface ModelSettings {
  readonly displayName: string;
  readonly ownedBy: string;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly bytesPerToken: number;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrentRequests: number | null;
  /** Included in every plan; else in those that include all models. */
  readonly basic: boolean;
}

export interface LlmModel extends ModelSettings {
  readonly id: string;
  readonly kind: 'chat' | 'embedding';
  /** The selling price in force. */
  readonly price: Price | null;
  readonly priceVersion: string | null;
  readonly version: number;
  readonly createdAt: Date;
}

interface ModelRow extends Omit<LlmModel, 'tokensPerMinute'> {
  readonly tokensPerMinute: string | null;
}

export type NewModel = Omit<LlmModel, 'price' | 'priceVersion' | 'version' | 'createdAt'>;
export type ModelChange = { readonly [S in keyof ModelSettings]?: ModelSettings[S] | undefined };

const MODELS = `
  select m.id, m.display_name as "displayName", m.owned_by as "ownedBy", m.kind, m.context_tokens as "contextTokens",
         m.max_output_tokens as "maxOutputTokens", m.bytes_per_token as "bytesPerToken",
         m.requests_per_minute as "requestsPerMinute", m.tokens_per_minute as "tokensPerMinute",
         m.concurrent_requests as "concurrentRequests", m.basic, p.price, p.id as "priceVersion", m.version, m.created_at as "createdAt"
    from models m
    left join lateral (select v.id, v.price from price_versions v
                        where v.model_id = m.id and v.side = 'selling' and v.effective_at <= billing_now()
                        order by v.effective_at desc limit 1) p on true`;

/** @throws TollgateError conflict when there is one of that id */
export async function createModel(tx: PoolClient, wanted: NewModel): Promise<LlmModel> {
  const { rowCount } = await tx.query(
    `insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token,
                         requests_per_minute, tokens_per_minute, concurrent_requests, basic)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
    [
      wanted.id,
      wanted.displayName,
      wanted.ownedBy,
      wanted.kind,
      wanted.contextTokens,
      wanted.maxOutputTokens,
      wanted.bytesPerToken,
      wanted.requestsPerMinute,
      wanted.tokensPerMinute,
      wanted.concurrentRequests,
      wanted.basic,
    ],
  );
  if (rowCount === 0) {
    const message = `There is a model ${wanted.id} already; PATCH /api/v1/models/${encodeURIComponent(wanted.id)} changes it.`;
    throw new TollgateError('conflict', { message, param: 'id' });
  }
  return llmModel(tx, wanted.id);
}

export async function changeModel(tx: PoolClient, before: LlmModel, change: ModelChange): Promise<LlmModel> {
  const {
    displayName = before.displayName,
    ownedBy = before.ownedBy,
    contextTokens = before.contextTokens,
    maxOutputTokens = before.maxOutputTokens,
    bytesPerToken = before.bytesPerToken,
    requestsPerMinute = before.requestsPerMinute,
    tokensPerMinute = before.tokensPerMinute,
    concurrentRequests = before.concurrentRequests,
    basic = before.basic,
  } = change;
  await tx.query(
    `update models
        set display_name = $2, owned_by = $3, context_tokens = $4, max_output_tokens = $5, bytes_per_token = $6,
            requests_per_minute = $7, tokens_per_minute = $8, concurrent_requests = $9, basic = $10, version = version + 1
      where id = $1`,
    [
      before.id,
      displayName,
      ownedBy,
      contextTokens,
      maxOutputTokens,
      bytesPerToken,
      requestsPerMinute,
      tokensPerMinute,
      concurrentRequests,
      basic,
    ],
  );
  return llmModel(tx, before.id);
}

/** @throws TollgateError not_found */
export async function llmModel(db: Queryable, id: string): Promise<LlmModel> {
  const { rows } = await db.query<ModelRow>(`${MODELS} where m.id = $1`, [id]);
  const [row] = rows;
  if (row === undefined) {
    throw new TollgateError('not_found', { message: `There is no model ${id}.`, param: 'modelId' });
  }
  return readModel(row);
}

/** Nobody publishes a price of it until the transaction ends. */
export async function lockedModel(tx: PoolClient, id: string): Promise<LlmModel> {
  await tx.query('select from models where id = $1 for update', [id]);
  return llmModel(tx, id);
}

/** Who decides on a price has seen those that there are: of two who publish from the same state, one is to look again (D24). */
export async function newModelVersion(tx: PoolClient, id: string): Promise<void> {
  await tx.query('update models set version = version + 1 where id = $1', [id]);
}

/** By id. */
export async function listModels(db: Queryable, after: string | null, pageSize: number): Promise<LlmModel[]> {
  const { rows } = await db.query<ModelRow>(`${MODELS} where $1::text is null or m.id > $1 order by m.id limit $2`, [
    after,
    pageSize,
  ]);
  return rows.map(readModel);
}

function readModel(row: ModelRow): LlmModel {
  return { ...row, tokensPerMinute: row.tokensPerMinute === null ? null : Number(row.tokensPerMinute) };
}
