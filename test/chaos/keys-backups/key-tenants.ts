// Who calls during this campaign: customers whose API keys stay as they are, and some who roll theirs again and again, or have them found in public. All have
// more credit than they can spend, so what they are refused for is their credential and nothing else.
import type { LoadPlan } from '../../support/load-driver/plan.ts';
import type { Management } from '../management.ts';
import { grantCredit } from '../tenants.ts';
import type { Canaries } from './canaries.ts';

const STEADY = 6;
const ROLLED = 4;
const WEIGHT = 10;
/** $1,000 */
const CREDIT_NANO = 1_000_000_000_000n;
/** What the search must find where customers' names belong: or it would find nothing anywhere. */
export const KNOWN_NAME = 'Customer whose name anybody may read';

export interface RolledKey {
  /** Among those of the load. */
  readonly keyIndex: number;
  readonly apiKeyId: string;
  credential: string;
}

export interface KeyTenants {
  readonly apiKeys: LoadPlan['apiKeys'];
  readonly rolled: readonly RolledKey[];
}

export async function openKeyTenants(api: Management, canaries: Canaries): Promise<KeyTenants> {
  const { id: orgId } = await api.post<{ id: string }>('/organizations', { name: KNOWN_NAME, rateTier: 'very_high' });
  await grantCredit(api, orgId, CREDIT_NANO, null);
  const made: { readonly id: string; readonly credential: string }[] = [];
  for (let nth = 0; nth < STEADY + ROLLED; nth += 1) {
    const one = await api.post<{ id: string; credential: string }>('/api-keys', { orgId, name: `key ${nth}` });
    canaries.add('API key', one.credential);
    made.push(one);
  }
  return {
    apiKeys: made.map(({ credential }) => ({ credential, weight: WEIGHT })),
    rolled: made.slice(STEADY).map(({ id, credential }, nth) => ({ keyIndex: STEADY + nth, apiKeyId: id, credential })),
  };
}
