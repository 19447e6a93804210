// What an installation sells here, through the demo provider, and to whom: those who ask while backups are taken, and those who have been asking for
// months. Made through the management API as an operator would.
import type { Management } from '../../test/chaos/management.ts';
import { inParallel } from '../in-parallel.ts';
import { MODEL_ID } from '../requests.ts';
import { HISTORY_NAME } from './history.ts';

const ASKING = 16;
const OF_HISTORY = 64;
/** $1,000,000 each. */
const GRANT_NANO = '1000000000000000';
const PRICE = { input: 2_500_000, output: 10_000_000 };
const COST = { input: 2_000_000, output: 8_000_000 };

/** The API keys of those who ask. */
export async function takeOnCustomers(api: Management, demoUrl: string): Promise<string[]> {
  const price = { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: PRICE }] };
  const costPrice = { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: COST }] };
  await api.post('/models', { id: MODEL_ID, costPrice, price });
  await api.post('/channels', {
    name: 'demo',
    provider: 'demo',
    baseUrl: `${demoUrl}/v1`,
    allowLocal: true,
    keys: ['demo-of-the-bench'],
    models: [{ id: MODEL_ID, upstreamModel: 'demo-chat' }],
  });
  await inParallel(OF_HISTORY, (at) => customer(api, `${HISTORY_NAME} ${at}`));
  return await inParallel(ASKING, (at) => customer(api, `Asking ${at}`));
}

async function customer(api: Management, name: string): Promise<string> {
  const { id: orgId } = await api.post<{ id: string }>('/organizations', { name, rateTier: 'very_high' });
  await api.post('/grants', { orgId, amountNano: GRANT_NANO });
  const { credential } = await api.post<{ credential: string }>('/api-keys', { orgId });
  return credential;
}
