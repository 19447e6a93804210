// The one place that a channel's sealed key is bound to: its row, and the origin of its channel's base URL. Another base URL
// of the same origin keeps the key; another origin needs the key entered again (R-KEY-4).
import type { SealContext } from '../vault/vault.ts';

export function channelKeyContext(channelKeyId: string, baseUrl: string): SealContext {
  return { table: 'channel_keys', rowId: channelKeyId, column: 'sealed', origin: new URL(baseUrl).origin };
}
