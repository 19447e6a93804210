// Whether what we have of channel keys is what the provider has: asked of its own list, which knows of keys that a killed worker may have made and forgotten. One
// active key in every place whose change has ended, and nothing at the provider that is in no place.
import type { Client } from 'pg';
import { asAdmin, type KeysProduct } from './keys-product.ts';

interface KeptKey {
  readonly slotId: string;
  readonly status: string;
  readonly providerKeyId: string | null;
  /** A change of its place goes on. */
  readonly isOpen: boolean;
}

export async function judgeProviderKeys(product: KeysProduct, adminKey: string): Promise<string[]> {
  const kept = await asAdmin(product.database, keptKeys);
  const listed = await keysAtProvider(product, adminKey);
  const places = [...Map.groupBy(kept, ({ slotId }) => slotId)];
  // While a change goes on a place may have two.
  const closed = places.filter(([, keys]) => keys.every(({ isOpen }) => !isOpen));
  return [
    ...closed.flatMap(([slotId, keys]) => judgePlace(slotId, keys)),
    ...judgeList(kept, listed),
    ...(closed.length === 0 ? ['there is no place whose key is not being changed'] : []),
  ];
}

function judgePlace(slotId: string, keys: readonly KeptKey[]): string[] {
  const active = keys.filter(({ status }) => status === 'active').length;
  const fresh = keys.filter(({ status }) => status === 'new').length;
  return active === 1 && fresh === 0 ? [] : [`place ${slotId} has ${active} active keys and ${fresh} new ones`];
}

function judgeList(kept: readonly KeptKey[], listed: ReadonlyMap<string, string>): string[] {
  const wanted = kept.filter(({ status, isOpen }) => isOpen || status === 'active');
  const ids = new Set(wanted.flatMap(({ providerKeyId }) => providerKeyId ?? []));
  const unknown = [...listed].filter(([id]) => !ids.has(id));
  const gone = wanted.filter(
    ({ providerKeyId, isOpen }) => !isOpen && providerKeyId !== null && !listed.has(providerKeyId),
  );
  return [
    ...unknown.map(([, name]) => `the provider has a key ${name} that is in no place`),
    ...gone.map(({ slotId }) => `the active key of place ${slotId} is not at its provider any more`),
  ];
}

async function keptKeys(db: Client): Promise<KeptKey[]> {
  const { rows } = await db.query<KeptKey>(
    `select k.slot_id as "slotId", k.status, k.provider_key_id as "providerKeyId",
            exists (select from channel_key_rotations r where r.slot_id = k.slot_id and r.ended_at is null) as "isOpen"
       from channel_keys k join channels c on c.id = k.channel_id and c.provider = 'demo'`,
  );
  return rows;
}

/** Names by id. */
async function keysAtProvider({ demo }: KeysProduct, adminKey: string): Promise<Map<string, string>> {
  const headers = { authorization: `Bearer ${adminKey}` };
  const answer = await fetch(`${demo.url}/admin/v1/api-keys`, { headers });
  if (!answer.ok) throw new Error(`the provider's list of keys answered ${answer.status}`);
  const { data } = (await answer.json()) as { data: readonly { id: string; name: string }[] };
  return new Map(data.map(({ id, name }) => [id, name]));
}
