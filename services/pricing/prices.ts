// Price versions: what customers pay for a model (selling) and what we pay for it (cost), each from an instant on, forever.
// A version that takes effect soon is refused: every gateway must hold it before the first request that it prices.
// What would be sold below the margin floor is refused too, unless somebody says why.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { grossMarginPpm, type Price, priceInForce, sellingPrice } from '../../domain/prices.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

/** Where a sale is more likely a mistake than a plan (D23). */
const MARGIN_FLOOR_PPM = 50_000;
const NOTICE_MS = 60_000;

export type PriceSide = 'selling' | 'cost';
export type PriceState = 'in_force' | 'scheduled' | 'superseded';

export interface PublishedPrice {
  readonly id: string;
  readonly modelId: string;
  readonly side: PriceSide;
  /** A cost of this channel alone; null: of every channel that has none of its own. */
  readonly channelId: string | null;
  readonly price: Price;
  readonly multiplierPpm: number | null;
  readonly effectiveAt: Date;
  readonly state: PriceState;
  readonly source: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface NewPrice {
  readonly modelId: string;
  readonly side: PriceSide;
  readonly channelId: string | null;
  /** null: the cost in force times the multiplier. */
  readonly price: Price | null;
  readonly multiplierPpm: number | null;
  /** null: as soon as may be. */
  readonly effectiveAt: Date | null;
  readonly belowMargin: boolean;
  readonly source: string;
  readonly actor: string;
}

/** grossMarginPpm: on the worst meter of the worst channel; null when no cost is known. Caller holds the model. */
export interface Publication {
  readonly published: PublishedPrice;
  readonly grossMarginPpm: number | null;
}

export async function publishPrice(tx: PoolClient, wanted: NewPrice): Promise<Publication> {
  await refuseUnknownChannel(tx, wanted.channelId);
  const known = await versionsOf(tx, wanted.modelId);
  const effectiveAt = await startOf(tx, wanted, known);
  const price = wanted.price ?? fromCost(wanted, known, effectiveAt);
  const marginPpm = worstMargin(wanted.side, price, known, effectiveAt);
  if (marginPpm !== null && marginPpm < MARGIN_FLOOR_PPM && !wanted.belowMargin) refuseMargin(marginPpm);
  const id = newId();
  await tx.query(
    `insert into price_versions (id, model_id, side, channel_id, price, multiplier_ppm, effective_at, source, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      id,
      wanted.modelId,
      wanted.side,
      wanted.channelId,
      JSON.stringify(price),
      wanted.multiplierPpm,
      effectiveAt,
      wanted.source,
      wanted.actor,
    ],
  );
  const published = (await versionsOf(tx, wanted.modelId)).find((version) => version.id === id);
  if (published === undefined) throw new Error(`price version ${id} is not there after it was published`);
  return { published, grossMarginPpm: Number.isFinite(marginPpm) ? marginPpm : null };
}

async function refuseUnknownChannel(tx: PoolClient, channelId: string | null): Promise<void> {
  if (channelId === null) return;
  const { rowCount } = await tx.query('select from channels where id = $1', [channelId]);
  if (rowCount === 1) return;
  throw new TollgateError('invalid_body', { message: `There is no channel ${channelId}.`, param: 'channelId' });
}

async function startOf(tx: PoolClient, wanted: NewPrice, known: readonly PublishedPrice[]): Promise<Date> {
  const { rows } = await tx.query<{ now: Date }>('select billing_now() as now');
  const nowMs = rows[0]?.now.getTime() ?? Number.NaN;
  const line = known.filter(({ side, channelId }) => side === wanted.side && channelId === wanted.channelId);
  const earliestMs = line.length === 0 ? nowMs : nowMs + NOTICE_MS;
  const effectiveAt = wanted.effectiveAt ?? new Date(earliestMs);
  if (effectiveAt.getTime() < earliestMs) {
    const message = `This price can take effect at ${new Date(earliestMs).toISOString()} at the earliest, 60 s from now, so that every gateway holds it in time; leave effectiveAt out for that.`;
    throw new TollgateError('invalid_body', { message, param: 'effectiveAt' });
  }
  if (line.some((version) => version.effectiveAt.getTime() === effectiveAt.getTime())) {
    const message = `Another price takes effect at ${effectiveAt.toISOString()}; choose another instant.`;
    throw new TollgateError('conflict', { message, param: 'effectiveAt' });
  }
  return effectiveAt;
}

function fromCost(wanted: NewPrice, known: readonly PublishedPrice[], effectiveAt: Date): Price {
  const costs = known.filter(({ side, channelId }) => side === 'cost' && channelId === null);
  const cost = priceInForce(costs.map(dated), effectiveAt.getTime());
  if (cost === null || wanted.multiplierPpm === null) {
    const message = `Model ${wanted.modelId} has no cost at ${effectiveAt.toISOString()} that could be multiplied; publish one with side "cost", or send the price itself.`;
    throw new TollgateError('invalid_body', { message, param: 'multiplierPpm' });
  }
  return sellingPrice(cost.price, wanted.multiplierPpm);
}

/** Against whatever of the other side is in force at that time or will be later, channel by channel. */
function worstMargin(
  side: PriceSide,
  price: Price,
  known: readonly PublishedPrice[],
  effectiveAt: Date,
): number | null {
  const others = known.filter((version) => version.side !== side);
  const met = [...Map.groupBy(others, ({ channelId }) => channelId).values()].flatMap((line) => {
    const inForce = priceInForce(line.map(dated), effectiveAt.getTime());
    return line.filter((version) => version.id === inForce?.id || version.effectiveAt > effectiveAt);
  });
  const margins = met.map((other) =>
    side === 'selling' ? grossMarginPpm(price, other.price) : grossMarginPpm(other.price, price),
  );
  return margins.length === 0 ? null : Math.min(...margins);
}

function dated(version: PublishedPrice) {
  return { ...version, effectiveAtMs: version.effectiveAt.getTime() };
}

function refuseMargin(marginPpm: number): never {
  const margin = Number.isFinite(marginPpm) ? `${marginPpm / 10_000} %` : 'nothing: it is sold for 0';
  const message = `On its worst meter this leaves a gross margin of ${margin}; the floor is ${MARGIN_FLOOR_PPM / 10_000} %. Change the price, or send "belowMargin": true with a reason.`;
  throw new TollgateError('invalid_body', { message, param: 'belowMargin' });
}

const VERSIONS = `
  select v.id, v.model_id as "modelId", v.side, v.channel_id as "channelId", v.price, v.multiplier_ppm as "multiplierPpm",
         v.effective_at as "effectiveAt", v.source, v.created_by as "createdBy", v.created_at as "createdAt",
         case when v.effective_at > billing_now() then 'scheduled'
              when exists (select from price_versions n
                            where n.model_id = v.model_id and n.side = v.side and n.channel_id is not distinct from v.channel_id
                              and n.effective_at > v.effective_at and n.effective_at <= billing_now()) then 'superseded'
              else 'in_force' end as state
    from price_versions v`;

async function versionsOf(db: Queryable, modelId: string): Promise<PublishedPrice[]> {
  const { rows } = await db.query<PublishedPrice>(`${VERSIONS} where v.model_id = $1`, [modelId]);
  return rows;
}

/** The latest first, whatever its side. */
export async function listPrices(
  db: Queryable,
  modelId: string,
  after: string | null,
  pageSize: number,
): Promise<PublishedPrice[]> {
  const { rows } = await db.query<PublishedPrice>(
    `${VERSIONS}
      where v.model_id = $1
        and ($2::uuid is null or (v.effective_at, v.id) < (select a.effective_at, a.id from price_versions a where a.id = $2))
      order by v.effective_at desc, v.id desc
      limit $3`,
    [modelId, after, pageSize],
  );
  return rows;
}
