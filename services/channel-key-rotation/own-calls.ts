// Calls that we make ourselves of a key that is rotated: the probe, and what a stage of the canary lacks in requests of customers. They are channel
// tests, so what they cost is our loss and nobody's bill, and what a rotation may spend on them is bounded before they are made.
import { NO_ATTEMPTS, type Tally, together } from '../../domain/canary.ts';
import type { Nano } from '../../domain/nano.ts';
import { charge, type Price } from '../../domain/prices.ts';
import { type ChannelTrial, tryChannelKey } from '../channels/channel-keys.ts';
import type { Channel } from '../channels/channels.ts';
import type { TrialCall } from '../channels/trial-cost.ts';
import type { Egress } from '../egress/egress.ts';
import { lowestIdAt } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Vault } from '../vault/vault.ts';
import type { Rotation } from './rotation-rows.ts';

/** $0.10 a rotation. */
const BUDGET_NANO = 100_000_000n;
/** More than a test call uses: it says three words and asks for sixteen tokens. */
const MOST_USED = { input: 64, output: 16 };
/** Of a model whose cost price nobody has told us. */
const UNPRICED_CALL_NANO = 1_000_000n;
const AT_ONCE = 5;

type Call = Omit<TrialCall, 'keyId'> & { readonly worstNano: bigint };

export interface OwnCallParts {
  readonly db: Queryable;
  readonly vault: Vault;
  readonly egress: Egress;
}

export async function affordableCalls(db: Queryable, row: Rotation, channel: Channel): Promise<number> {
  const call = await cheapestCall(db, channel);
  if (call === null) return 0;
  const leftNano = BUDGET_NANO - (await spentNano(db, row, call.worstNano));
  return leftNano <= 0n ? 0 : Number(leftNano / call.worstNano);
}

/** What the provider has not told the cost of yet counts as the most that it can be. */
async function spentNano(db: Queryable, { oldKeyId, newKeyId, beganAt }: Rotation, worstNano: bigint): Promise<bigint> {
  const { rows } = await db.query<{ spent: string }>(
    `select coalesce(sum(coalesce(cost_nano, $3::bigint)), 0)::text as spent from attempts a
      where a.request_id >= $1 and a.channel_key_id = any($2) and a.outcome = 'channel_test'`,
    [lowestIdAt(beganAtMs(beganAt)), [oldKeyId, newKeyId], worstNano.toString()],
  );
  return BigInt(rows[0]?.spent ?? 0);
}

/** The clock of billing may be ahead of the one in ids: then all calls of these keys count, which are too many rather than too few. */
function beganAtMs(beganAt: Date): number {
  return Math.min(beganAt.getTime(), Date.now()) - 24 * 3_600_000;
}

/** Null: the channel sells nothing. Chat before all else, which every provider answers in one way. */
async function cheapestCall(db: Queryable, channel: Channel): Promise<Call | null> {
  const { rows } = await db.query<Omit<TrialCall, 'keyId'> & { readonly price: Price | null }>(
    `select m.id as "modelId", c.upstream_model as "upstreamModel", m.kind,
            (select v.price from price_versions v
              where v.model_id = m.id and v.side = 'cost' and (v.channel_id = $1 or v.channel_id is null) and v.effective_at <= billing_now()
              order by v.channel_id is null, v.effective_at desc limit 1) as price
       from channel_models c join models m on m.id = c.model_id where c.channel_id = $1`,
    [channel.id],
  );
  const calls = rows.map(({ price, ...call }) => ({ ...call, worstNano: worstOf(price) }));
  const ranked = calls.toSorted(
    (one, other) =>
      Number(one.kind !== 'chat') - Number(other.kind !== 'chat') || Number(one.worstNano - other.worstNano),
  );
  return ranked[0] ?? null;
}

function worstOf(price: Price | null): bigint {
  const worst: bigint | Nano = price === null ? UNPRICED_CALL_NANO : charge(price, MOST_USED);
  return worst > 0n ? worst : 1n;
}

/** @throws Error for a channel that sells no model */
export async function callWith(parts: OwnCallParts, channel: Channel, keyId: string): Promise<ChannelTrial> {
  const call = await cheapestCall(parts.db, channel);
  if (call === null) throw new Error(`channel ${channel.name} sells no model that it could be asked for`);
  const { modelId, upstreamModel, kind } = call;
  return tryChannelKey(parts.db, parts, channel, { keyId, modelId, upstreamModel, kind });
}

/** Some at once, so that a hundred take seconds. */
export async function callOften(parts: OwnCallParts, channel: Channel, keyId: string, calls: number): Promise<Tally> {
  let tally = NO_ATTEMPTS;
  for (let made = 0; made < calls; made += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, calls - made) }, () => callWith(parts, channel, keyId));
    for (const trial of await Promise.all(batch)) tally = together(tally, tallyOf(trial));
  }
  return tally;
}

export function isRefusal({ failure, status }: Pick<ChannelTrial, 'failure' | 'status'>): boolean {
  return failure === 'dead_key' && (status === 401 || status === 403);
}

function tallyOf(trial: ChannelTrial): Tally {
  const refused = Number(isRefusal(trial));
  const limited = Number(trial.failure === 'rate_limited');
  const failed = Number(trial.failure !== null) - refused - limited;
  return { attempts: 1, refused, limited, failed };
}
