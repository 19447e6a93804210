// The key that takes the place of another one, and where the two stand in the routing table meanwhile. Each move is a version of its own, which
// gateways acknowledge.
import type { PoolClient } from 'pg';
import type { Places } from '../../domain/channel-key-stages.ts';
import { TollgateError } from '../../domain/errors.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { seal } from '../vault/sealing.ts';
import type { Vault } from '../vault/vault.ts';
import { channelKeyContext } from './channel-key-context.ts';
import { lastFourOf, newVersion } from './channel-keys.ts';
import type { Channel } from './channels.ts';

/** Sealed at once, and not routed yet. `providerKeyId` null: a person brought it. The caller holds the channel. */
export async function addSuccessor(
  tx: PoolClient,
  vault: Vault,
  { id: channelId, baseUrl }: Channel,
  { slotId, secret, providerKeyId }: { slotId: string; secret: string; providerKeyId: string | null },
): Promise<string> {
  const id = newId();
  const sealed = await seal(tx, vault, secret, channelKeyContext(id, baseUrl));
  await tx.query(
    `insert into channel_keys (id, channel_id, slot_id, sealed, master_key_version, last_four, provider_key_id, status, share)
     values ($1, $2, $3, $4, $5, $6, $7, 'new', 0)`,
    [id, channelId, slotId, JSON.stringify(sealed), sealed.v, lastFourOf(secret), providerKeyId],
  );
  await newVersion(tx, channelId);
  return id;
}

export interface Pair {
  readonly channelId: string;
  readonly oldKeyId: string;
  readonly newKeyId: string | null;
}

/** Last in its transaction: whoever moves keys waits for whoever did before. The version from which on it is so. */
export async function placeKeys(
  tx: PoolClient,
  { channelId, oldKeyId, newKeyId }: Pair,
  { old, fresh }: Places,
  reason: string,
): Promise<number> {
  await tx.query(
    `update channel_keys k
        set status = p.status, share = p.share, status_reason = $4,
            status_at = case when k.status = p.status then k.status_at else clock_timestamp() end
       from unnest($1::uuid[], $2::text[], $3::integer[]) as p(id, status, share) where k.id = p.id`,
    [[oldKeyId, newKeyId], [old.status, fresh.status], [old.share, fresh.share], reason],
  );
  await newVersion(tx, channelId);
  const { rows } = await tx.query<{ version: string }>(
    'update routing_version set version = version + 1 returning version',
  );
  return Number(rows[0]?.version);
}

/** The version in which the keys of any place stand as they do now. */
export async function routingVersion(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ version: string }>('select version from routing_version');
  return Number(rows[0]?.version);
}

/** @throws TollgateError conflict: what it is about stands as a rotation has put it. The caller holds the channel. */
export async function refuseDuringRotation(tx: PoolClient, channelId: string, keyId: string | null): Promise<void> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from channel_key_rotations
      where channel_id = $1 and ended_at is null and ($2::uuid is null or slot_id = (select slot_id from channel_keys where id = $2))`,
    [channelId, keyId],
  );
  const [open] = rows;
  if (open === undefined) return;
  throw new TollgateError('conflict', {
    message: `Rotation ${open.id} has this in hand: roll it back, finish it, or make it an emergency (GET /api/v1/key-rotations/${open.id}).`,
  });
}
