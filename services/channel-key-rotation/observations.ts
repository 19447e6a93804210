// How things stand for a rotation: what has become of attempts with either key, whether gateways have followed, what calls of our own may still cost,
// and what we may do at the provider. Attempts are found by their ids, which rise with time, so the hot path keeps no index for this (D135).
import type { Tally } from '../../domain/canary.ts';
import { NO_ATTEMPTS } from '../../domain/canary.ts';
import type { Seen, Stage } from '../../domain/channel-key-stages.ts';
import { HOUR_MS, MINUTE_MS } from '../../domain/moments.ts';
import type { Channel } from '../channels/channels.ts';
import { hasAdminKey } from '../channels/provider-admin.ts';
import { gatewaysFollow } from '../incarnations/routing-acknowledgements.ts';
import { lowestIdAt } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { affordableCalls } from './own-calls.ts';
import type { Rotation } from './rotation-rows.ts';

/** A request has its id so long before its last attempt, and clocks differ. */
const ID_MARGIN_MS = 20 * MINUTE_MS;
const BASELINE_MS = 24 * HOUR_MS;
/** The newest of them are enough, and a bound for what it costs to look. */
const BASELINE_ATTEMPTS = 20_000;
/** After the canary nothing is counted up: a look sees what came since the one before, with room. */
const WATCHED_MS = HOUR_MS;

/** In which a refusal of the new key takes it back. */
const WATCHED: readonly Stage['kind'][] = ['canary', 'grace', 'draining'];

/** tallied: in which stages attempts are counted, which costs the most. */
export async function seenNow(db: Queryable, row: Rotation, channel: Channel, tallied = WATCHED): Promise<Seen> {
  const { stage } = row.state;
  const realMs = await realNow(db);
  const sinceMs = stage.kind === 'canary' ? stage.sinceMs : realMs - WATCHED_MS;
  const tallies = tallied.includes(stage.kind)
    ? await talliesSince(db, [row.oldKeyId, row.newKeyId], sinceMs)
    : new Map<string, Tally>();
  const hasAdmin = await hasAdminKey(db, channel);
  return {
    nowMs: await billingNow(db),
    realMs,
    ...(await gatewaysFollow(db, row.routingVersion)),
    fresh: tallies.get(row.newKeyId ?? '') ?? NO_ATTEMPTS,
    old: tallies.get(row.oldKeyId) ?? NO_ATTEMPTS,
    affordableCalls: stage.kind === 'canary' ? await affordableCalls(db, row, channel) : 0,
    hasAdmin,
    canRevoke: hasAdmin && (await providerKeyId(db, row.oldKeyId)) !== null,
  };
}

/** Null: a person brought it, and we do not know what the provider calls it. */
export async function providerKeyId(db: Queryable, keyId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string | null }>(
    'select provider_key_id as id from channel_keys where id = $1',
    [keyId],
  );
  return rows[0]?.id ?? null;
}

/** By the clock that gateways stamp attempts with. */
async function realNow(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ atMs: number }>(
    'select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs"',
  );
  return rows[0]?.atMs ?? Number.NaN;
}

/**
 * A client's mistake and a client that left say nothing of a key, nor does what was asked for by ourselves. That a key may not use a model (403) does; that
 * something is not there at all a client can have said by a made-up name.
 */
const COUNTS = `
  outcome not in ('client_gone', 'orphaned', 'channel_test') and coalesce(failure_class, '') not in ('client_fault', 'empty')
    and (failure_class is distinct from 'misconfigured' or status = 403)`;

const TALLY = `
  count(*)::integer as attempts,
  count(*) filter (where failure_class = 'dead_key' and status in (401, 403))::integer as refused,
  count(*) filter (where failure_class = 'rate_limited')::integer as limited,
  count(*) filter (where failure_class is not null and failure_class <> 'rate_limited'
                     and not (failure_class = 'dead_key' and coalesce(status, 0) in (401, 403)))::integer as failed`;

async function talliesSince(
  db: Queryable,
  keyIds: readonly (string | null)[],
  sinceMs: number,
): Promise<ReadonlyMap<string, Tally>> {
  const { rows } = await db.query<Tally & { readonly id: string }>(
    `select channel_key_id as id, ${TALLY} from attempts
      where request_id >= $1 and channel_key_id = any($2) and sent_at >= $3 and ${COUNTS} group by channel_key_id`,
    [lowestIdAt(sinceMs - ID_MARGIN_MS), keyIds, new Date(sinceMs)],
  );
  return new Map(rows.map(({ id, ...tally }) => [id, tally]));
}

/** Of the key that is to be replaced, in the last day. */
export async function baselineOf(db: Queryable, keyId: string): Promise<Tally> {
  const since = lowestIdAt((await realNow(db)) - BASELINE_MS);
  const { rows } = await db.query<Tally>(
    `select ${TALLY} from (
       select channel_key_id, outcome, failure_class, status from attempts where request_id >= $1 order by request_id desc limit $3) newest
      where channel_key_id = $2 and ${COUNTS}`,
    [since, keyId, BASELINE_ATTEMPTS],
  );
  return rows[0] ?? NO_ATTEMPTS;
}
