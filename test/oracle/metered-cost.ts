// What the provider will bill us for an attempt: its meter times our cost price; and what we did not bill for it.
import type { Attempt } from './facts.ts';
import { type JoinedFacts, pinnedPrice } from './joined-facts.ts';
import { amountNano, type PriceEntry, priceInForce } from './price-table.ts';

const MOST_ATTEMPTS = 10;

/** @param attempt null: the product does not know it, so the price of the moment is taken. */
export function meteredNano(facts: JoinedFacts, id: string, attempt: Attempt | null): bigint {
  const metered = facts.meter.get(id);
  if (metered === undefined) return 0n;
  const pinned = attempt === null || attempt.upstreamModel !== metered.modelId ? null : costPrice(facts, attempt);
  const price = pinned ?? priceInForce(facts.prices, metered.modelId, 'cost', metered.atMs);
  return price === null ? 0n : amountNano(price, metered.usage);
}

export function costPrice(facts: JoinedFacts, attempt: Attempt): PriceEntry | null {
  return pinnedPrice(facts, attempt.costVersionId, attempt.modelId, 'cost');
}

/** In selling prices of the moment: what the provider metered for the answer that nobody paid. */
export function unbilled(facts: JoinedFacts, requestId: string): bigint {
  for (let n = MOST_ATTEMPTS; n > 0; n -= 1) {
    const metered = facts.meter.get(`${requestId}.${n}`);
    if (metered === undefined) continue;
    const price = priceInForce(facts.prices, metered.modelId, 'selling', metered.atMs);
    return price === null ? 0n : amountNano(price, metered.usage);
  }
  return 0n;
}
