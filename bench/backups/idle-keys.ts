// Secrets that are sealed beside those in use, by the thousand: what the rotation of the master key renews. Keys of a channel that nobody asks.
import type { Pool } from 'pg';
import { channelKeyContext } from '../../services/channels/channel-key-context.ts';
import { newId } from '../../services/platform/ids.ts';
import type { Vault } from '../../services/vault/vault.ts';

const AT_ONCE = 5_000;
const BASE_URL = 'https://idle.example/v1';

export async function addIdleKeys(db: Pool, vault: Vault, count: number): Promise<void> {
  const channelId = newId();
  const { current: version } = vault.keyring;
  await db.query(
    `insert into channels (id, name, provider, base_url, status) values ($1, 'idle', 'openai-compatible', $2, 'disabled')`,
    [channelId, BASE_URL],
  );
  for (let added = 0; added < count; added += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, count - added) }, newId);
    const sealed = ids.map((id) => vault.seal(`idle-upstream-key-${id}`, channelKeyContext(id, BASE_URL), version));
    await db.query(
      `insert into channel_keys (id, channel_id, sealed, master_key_version, last_four)
       select id, $1, sealed, $2, 'idle' from unnest($3::uuid[], $4::jsonb[]) as k(id, sealed)`,
      [channelId, version, ids, sealed.map((one) => JSON.stringify(one))],
    );
  }
}
