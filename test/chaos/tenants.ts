// Who calls during a campaign: three organizations of different wealth, their projects, keys and caps, made through the
// management API as an operator would. One is rich, one meets its caps, one runs out of credit and is topped up again and again.
import type { Management } from './management.ts';
import type { PublishedPrice } from './prices-published.ts';

export interface Tenants {
  readonly apiKeys: readonly { readonly credential: string; readonly weight: number; readonly mayRunOut: boolean }[];
  /** An organization that runs out of credit. */
  readonly poorOrgId: string;
  /** An organization whose small grants expire. */
  readonly expiringOrgId: string;
}

type Cap = { readonly period: 'total' | 'day'; readonly amountNano: string };

const USD = 1_000_000_000n;
const RICH = 1_000n * USD;

export async function openTenants(api: Management): Promise<Tenants> {
  const rich = await organization(api, 'Rich');
  const capped = await organization(api, 'Capped');
  const poor = await organization(api, 'Poor');
  await grantCredit(api, rich, RICH, null);
  await grantCredit(api, capped, RICH, null);
  await grantCredit(api, poor, USD / 20n, null);

  const payingKey = async (orgId: string, projectId: string, weight: number, caps: Cap[] = []) => ({
    credential: await apiKey(api, orgId, projectId, caps),
    weight,
    mayRunOut: orgId !== rich,
  });
  const richA = await project(api, rich, 'A');
  const richB = await project(api, rich, 'B');
  const cappedProject = await project(api, capped, 'project cap', [total(USD / 2n)]);
  const open = await project(api, capped, 'open');
  const poorProject = await project(api, poor, 'only');
  return {
    apiKeys: [
      await payingKey(rich, richA, 30),
      await payingKey(rich, richA, 20),
      await payingKey(rich, richB, 20),
      await payingKey(rich, richB, 12),
      await payingKey(capped, cappedProject, 2),
      await payingKey(capped, cappedProject, 2),
      await payingKey(capped, open, 3, [total(USD / 3n)]),
      await payingKey(capped, open, 5, [total(RICH), { period: 'day', amountNano: String(USD) }]),
      await payingKey(poor, poorProject, 3),
      await payingKey(poor, poorProject, 3),
    ],
    poorOrgId: poor,
    expiringOrgId: rich,
  };
}

export async function grantCredit(
  api: Management,
  orgId: string,
  amountNano: bigint,
  lifeMs: number | null,
): Promise<void> {
  const expiresAt = lifeMs === null ? {} : { expiresAt: new Date(Date.now() + lifeMs).toISOString() };
  const source = lifeMs === null ? 'manual' : 'trial';
  await api.post('/grants', { orgId, source, amountNano: String(amountNano), ...expiresAt });
}

export async function publishPrice(api: Management, price: PublishedPrice): Promise<void> {
  const { modelId, side, effectiveAt, microUsdPerMillion } = price;
  const tiers = [{ aboveInputTokens: 0, microUsdPerMillion }];
  await api.post(`/models/${modelId}/prices`, { side, effectiveAt, price: { tiers, perCallNano: 0 } });
}

async function organization(api: Management, name: string): Promise<string> {
  const { id } = await api.post<{ id: string }>('/organizations', { name, rateTier: 'very_high' });
  return id;
}

async function project(api: Management, orgId: string, name: string, caps: Cap[] = []): Promise<string> {
  const { id } = await api.post<{ id: string }>('/projects', { orgId, name, caps });
  return id;
}

async function apiKey(api: Management, orgId: string, projectId: string, caps: Cap[]): Promise<string> {
  const { credential } = await api.post<{ credential: string }>('/api-keys', { orgId, projectId, name: 'chaos', caps });
  return credential;
}

function total(amountNano: bigint): Cap {
  return { period: 'total', amountNano: String(amountNano) };
}
