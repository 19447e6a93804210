// What a campaign sells: the demo provider's models at cost and at cost times a multiplier that is never 1, bought over three
// channels so that there is always somewhere to fail over to. One of them goes on charging when a client has hung up.
import { DEMO_MODELS } from '../support/demo-provider/catalogue.ts';
import type { Management } from './management.ts';

const MULTIPLIERS_PPM: Readonly<Record<string, number>> = {
  'demo-chat': 1_250_000,
  'demo-mini': 1_400_000,
  'demo-reasoner': 1_300_000,
  'demo-claude': 1_200_000,
  'demo-embed': 1_500_000,
};

const CHANNELS = [
  { name: 'demo a', weight: 3, onDisconnect: 'cancel_stops_billing' },
  { name: 'demo b', weight: 3, onDisconnect: 'cancel_stops_billing' },
  { name: 'demo drain', weight: 2, onDisconnect: 'drain' },
] as const;

/** `newKey`: of a channel, by the numbers of both. */
export async function stockCatalogue(
  api: Management,
  demoUrl: string,
  newKey = (channel: number, nth: number) => `demo-key-${channel}-${nth}`,
): Promise<void> {
  for (const { id, kind, bytesPerToken, contextTokens, maxOutputTokens, costMicroUsdPerMillion } of DEMO_MODELS) {
    const costPrice = { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: costMicroUsdPerMillion }], perCallNano: 0 };
    const sizes = { kind, bytesPerToken, contextTokens, maxOutputTokens };
    await api.post('/models', { id, ...sizes, costPrice, multiplierPpm: MULTIPLIERS_PPM[id] });
  }
  for (const [index, channel] of CHANNELS.entries()) {
    await api.post('/channels', {
      ...channel,
      provider: 'demo',
      baseUrl: `${demoUrl}/v1`,
      allowLocal: true,
      usageExport: 'demo',
      keys: [newKey(index, 1), newKey(index, 2)],
      models: DEMO_MODELS.map(({ id }) => id),
    });
  }
}
