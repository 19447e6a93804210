// Making and deleting keys at a provider that has an API for that: named, so that what was made and never stored can be found by its name and taken
// away. Called with a key of its own, sealed like the others and bound to the same origin. What goes wrong is told without what was answered: it may hold a key.
import type { PoolClient } from 'pg';
import { z } from 'zod';
import type { Egress } from '../egress/egress.ts';
import type { Queryable } from '../platform/postgres.ts';
import { seal } from '../vault/sealing.ts';
import type { SealContext, Sealed, Vault } from '../vault/vault.ts';
import { lastFourOf } from './channel-keys.ts';
import type { Channel } from './channels.ts';

const TIMEOUT_MS = 15_000;
const MOST_ANSWER_BYTES = 262_144;
const PATH = '/admin/v1/api-keys';

export interface ProviderAdmin {
  /** Ids of the provider. */
  keysNamed(name: string): Promise<readonly string[]>;
  create(name: string): Promise<{ readonly id: string; readonly secret: string }>;
  /** Also of one that is gone. */
  remove(id: string): Promise<void>;
}

interface Parts {
  readonly vault: Vault;
  readonly egress: Egress;
}

export function adminKeyContext(channelId: string, baseUrl: string): SealContext {
  return { table: 'channel_admin_keys', rowId: channelId, column: 'sealed', origin: new URL(baseUrl).origin };
}

/** Takes the place of the one before. The caller holds the channel. */
export async function setAdminKey(tx: PoolClient, vault: Vault, channel: Channel, secret: string): Promise<string> {
  const sealed = await seal(tx, vault, secret, adminKeyContext(channel.id, channel.baseUrl));
  const lastFour = lastFourOf(secret);
  await tx.query(
    `insert into channel_admin_keys (channel_id, sealed, master_key_version, last_four) values ($1, $2, $3, $4)
     on conflict (channel_id) do update
       set sealed = excluded.sealed, master_key_version = excluded.master_key_version, last_four = excluded.last_four, set_at = clock_timestamp()`,
    [channel.id, JSON.stringify(sealed), sealed.v, lastFour],
  );
  return lastFour;
}

/** Only of providers whose API for keys we speak. */
export function hasKeyApi({ provider }: Pick<Channel, 'provider'>): boolean {
  return provider === 'demo';
}

export async function hasAdminKey(db: Queryable, channel: Channel): Promise<boolean> {
  return hasKeyApi(channel) && (await sealedAdminKey(db, channel.id)) !== null;
}

async function sealedAdminKey(db: Queryable, channelId: string): Promise<Sealed | null> {
  const { rows } = await db.query<{ sealed: Sealed }>('select sealed from channel_admin_keys where channel_id = $1', [
    channelId,
  ]);
  return rows[0]?.sealed ?? null;
}

/** Null: its keys are made and deleted by people. */
export async function providerAdmin(
  db: Queryable,
  { vault, egress }: Parts,
  channel: Channel,
): Promise<ProviderAdmin | null> {
  const sealed = hasKeyApi(channel) ? await sealedAdminKey(db, channel.id) : null;
  if (sealed === null) return null;
  const secret = vault.open(sealed, adminKeyContext(channel.id, channel.baseUrl));
  const ask = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) =>
    asked(egress, channel, secret, method, path, body);
  return {
    async keysNamed(name) {
      const { text } = await ask('GET', `${PATH}?name=${encodeURIComponent(name)}`);
      // Whoever does not know the parameter lists all that the account has, and what is found here is deleted (D162).
      return read(KeyList, text).data.flatMap((one) => (one.name === name ? [one.id] : []));
    },
    async create(name) {
      const { id, value } = read(CreatedKey, (await ask('POST', PATH, { name })).text);
      return { id, secret: value };
    },
    async remove(id) {
      await ask('DELETE', `${PATH}/${encodeURIComponent(id)}`);
    },
  };
}

const KeyList = z.object({ data: z.array(z.object({ id: z.string().min(1).max(200), name: z.string().optional() })) });
const CreatedKey = z.object({ id: z.string().min(1).max(200), value: z.string().min(8).max(1_000) });

function read<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Error('the provider answered something else than its API for keys does');
  }
}

async function asked(
  egress: Egress,
  { baseUrl, allowLocal }: Channel,
  secret: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body: object | undefined,
): Promise<{ readonly text: string }> {
  const { statusCode, body: answer } = await egress.pool(baseUrl, allowLocal).request({
    method,
    path,
    headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${secret}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MOST_ANSWER_BYTES) break;
  }
  const isGone = method === 'DELETE' && statusCode === 404;
  if ((statusCode < 200 || statusCode >= 300) && !isGone) {
    throw new Error(`the provider's API for keys answered ${method} with HTTP ${statusCode}`);
  }
  return { text };
}
