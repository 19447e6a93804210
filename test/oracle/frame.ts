// What can be judged at all. With a log of what the clients saw the world is closed: all of it is ours, and what is not known is an
// error. Without one (an installation that people use) others may have sold models, published prices and opened channels: of
// those neither price nor meter is known here, and only their sums in the ledger are judged.
import type { Attempt, Facts, PriceVersion, UsageRecord } from './facts.ts';
import type { Side } from './price-table.ts';

const ATTEMPT_OF_THE_PRODUCT = /^[0-9a-f-]{36}\.\d+$/;

export interface Frame {
  /** Its price is written down here. */
  isPriced(modelId: string, side: Side, versionId: string | null): boolean;
  /** Its provider's meter is read here. */
  isMetered(channelId: string): boolean;
  /** The product sent it, and not somebody who called the provider directly. */
  isOurs(attemptId: string): boolean;
}

const CLOSED: Frame = { isPriced: () => true, isMetered: () => true, isOurs: () => true };

export function frameOf(facts: Facts): Frame {
  if (facts.answers !== null) return CLOSED;
  const exporting = new Set(facts.channels.filter(({ exports }) => exports).map(({ id }) => id));
  const versionOf = new Map(facts.priceVersions.map((version) => [version.id, version]));
  const firstOf = new Map<string, PriceVersion>();
  for (const version of facts.priceVersions) {
    const place = `${version.side} ${version.modelId}`;
    if (version.effectiveAtMs < (firstOf.get(place)?.effectiveAtMs ?? Number.POSITIVE_INFINITY))
      firstOf.set(place, version);
  }
  return {
    isPriced(modelId, side, versionId) {
      const entries = facts.prices.filter((entry) => entry.modelId === modelId && entry.side === side);
      const version = versionOf.get(versionId ?? '');
      if (entries.length === 0 || version === undefined) return entries.length > 0;
      if (version === firstOf.get(`${side} ${modelId}`)) return true;
      return entries.some(({ effectiveAtMs }) => effectiveAtMs === version.effectiveAtMs);
    },
    isMetered: (channelId) => exporting.has(channelId),
    isOurs: (attemptId) => ATTEMPT_OF_THE_PRODUCT.test(attemptId),
  };
}

export function isRecordPriced(frame: Frame, { modelId, priceVersionId }: UsageRecord): boolean {
  return frame.isPriced(modelId, 'selling', priceVersionId);
}

export function isAttemptJudged(frame: Frame, { channelId, modelId, costVersionId }: Attempt): boolean {
  return frame.isMetered(channelId) && frame.isPriced(modelId, 'cost', costVersionId);
}
