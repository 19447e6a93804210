// The load of a campaign: every surface, half of it streamed, with the faults of real providers and clients that hang up.
import { join } from 'node:path';
import type { LoadPlan } from '../support/load-driver/plan.ts';
import type { CampaignOrder } from './campaign-order.ts';
import type { Product } from './product.ts';
import type { Tenants } from './tenants.ts';

const ENDLESS = 1_000_000_000;

// `first`: the next attempt is answered, so the client must not notice. The others are the client's to see.
const FAULTS: LoadPlan['faults'] = [
  { spec: '', weight: 58 },
  { spec: 'chunk-delay=4', weight: 8 },
  { spec: 'latency=100,jitter=300', weight: 8 },
  { spec: 'status=503,first', weight: 4 },
  { spec: 'error-first,first', weight: 2 },
  { spec: 'empty,first', weight: 1 },
  { spec: 'garbage,first', weight: 1 },
  { spec: 'no-usage', weight: 6 },
  { spec: 'null-usage', weight: 2 },
  { spec: 'cut=1500', weight: 3 },
  { spec: 'end=1200', weight: 1 },
  { spec: 'error-mid', weight: 2 },
  { spec: 'no-done', weight: 1 },
  { spec: 'wrong-length', weight: 1 },
  { spec: 'status=400', weight: 1 },
  { spec: 'absurd-usage=huge', weight: 1 },
];

const CHAT_SURFACES = ['chat', 'chat', 'completions', 'responses', 'messages'] as const;

export function loadPlan(order: CampaignOrder, product: Product, tenants: Tenants): LoadPlan {
  return {
    apiBaseUrls: product.installations.map(({ url }) => `${url}/v1`),
    apiKeys: tenants.apiKeys,
    models: [
      { id: 'demo-chat', weight: 40, surfaces: CHAT_SURFACES },
      { id: 'demo-mini', weight: 25, surfaces: CHAT_SURFACES },
      { id: 'demo-reasoner', weight: 10, surfaces: CHAT_SURFACES },
      { id: 'demo-claude', weight: 15, surfaces: ['messages', 'chat'] },
      { id: 'demo-embed', weight: 10, surfaces: ['embeddings'] },
    ],
    streamedPercent: 56,
    faults: FAULTS,
    abortPercent: 5,
    concurrency: order.concurrency,
    totalRequests: ENDLESS,
    seed: order.seed,
    timeoutMs: 15_000,
    logFile: join(product.folder, 'answers.jsonl'),
  };
}
