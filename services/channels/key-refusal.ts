// Whether a provider still takes a key, asked of the list of its models, which costs nothing. What answers everybody is not asked so: there it
// takes a call.
import type { Egress } from '../egress/egress.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Vault } from '../vault/vault.ts';
import { channelKeyContext } from './channel-key-context.ts';
import { sealedKey } from './channel-keys.ts';
import type { Channel } from './channels.ts';

const TIMEOUT_MS = 15_000;

export async function isKeyRefused(
  db: Queryable,
  { vault, egress }: { readonly vault: Vault; readonly egress: Egress },
  channel: Channel,
  keyId: string,
): Promise<boolean> {
  const { baseUrl, allowLocal, provider } = channel;
  const secret = vault.open(await sealedKey(db, channel.id, keyId), channelKeyContext(keyId, baseUrl));
  const headers =
    provider === 'anthropic'
      ? { 'x-api-key': secret, 'anthropic-version': '2023-06-01' }
      : { authorization: `Bearer ${secret}` };
  const { statusCode, body } = await egress.pool(baseUrl, allowLocal).request({
    method: 'GET',
    path: `${new URL(baseUrl).pathname.replace(/\/$/, '')}/models`,
    headers: { accept: 'application/json', ...headers },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await body.dump();
  return statusCode === 401 || statusCode === 403;
}
