// Builders of what the routing table holds, for tests of who is picked. Everything that a test does not name is ordinary.
import type { Channel, ChannelKey, RoutedModel } from '../../../services/channels/routing-table.ts';

export interface ChannelTraits extends Partial<Omit<Channel, 'keys'>> {
  readonly id: string;
  /** Ids of its keys, each in a place of its own, or keys that share one. */
  readonly keys?: readonly (string | Pick<ChannelKey, 'id' | 'slotId' | 'share'>)[];
}

function newChannel({ keys = [], ...traits }: ChannelTraits): Channel {
  const wanted = (keys.length > 0 ? keys : [`${traits.id}-key`]).map((one) =>
    typeof one === 'string' ? { id: one, slotId: one, share: 100 } : one,
  );
  return {
    name: traits.id,
    provider: 'openai',
    baseUrl: `https://${traits.id}.example.com/v1`,
    allowLocal: false,
    weight: 1,
    priority: 1,
    outputCapField: null,
    onDisconnect: 'cancel_stops_billing',
    maxInFlight: 2000,
    requestsPerMinute: null,
    status: 'enabled',
    usageExport: null,
    use: { version: 1, attempts: 0 },
    ...traits,
    keys: wanted.map((one) => ({ ...one, credential: `sk-${one.id}`, lastFour: one.id.slice(-4) })),
  };
}

export function modelOn(...channels: readonly ChannelTraits[]): RoutedModel {
  return {
    id: 'gpt-x',
    displayName: 'GPT X',
    ownedBy: 'openai',
    kind: 'chat',
    contextTokens: 128_000,
    maxOutputTokens: 16_000,
    bytesPerToken: 4,
    requestsPerMinute: null,
    tokensPerMinute: null,
    concurrentRequests: null,
    basic: false,
    createdAtMs: 0,
    sellingPrices: [],
    routes: channels.map((traits) => ({ channel: newChannel(traits), upstreamModel: 'gpt-x', costPrices: [] })),
  };
}
