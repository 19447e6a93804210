// The price versions that a campaign publishes while it runs. The oracle gets the same file: it is its price table's second part.
export interface PublishedPrice {
  readonly modelId: string;
  readonly side: 'selling' | 'cost';
  readonly effectiveAt: string;
  readonly microUsdPerMillion: Readonly<Record<string, number>>;
}

/** A publication is refused within 60 s of its effect. */
const NOTICE_MS = 62_000;

/** Both sides move, at different moments, and never by a factor that a rounding could hide. */
export function pricesPublished(nowMs: number): PublishedPrice[] {
  const inForceAt = (afterMs: number) => new Date(nowMs + NOTICE_MS + afterMs).toISOString();
  return [
    {
      modelId: 'demo-chat',
      side: 'selling',
      effectiveAt: inForceAt(0),
      microUsdPerMillion: { input: 2_750_001, cachedInput: 275_003, output: 11_000_007 },
    },
    {
      modelId: 'demo-mini',
      side: 'cost',
      effectiveAt: inForceAt(20_000),
      microUsdPerMillion: { input: 160_000, cachedInput: 31_000, output: 610_000 },
    },
    {
      modelId: 'demo-claude',
      side: 'selling',
      effectiveAt: inForceAt(60_000),
      microUsdPerMillion: {
        input: 3_700_001,
        cachedInput: 370_001,
        cacheWrite5m: 4_600_001,
        cacheWrite1h: 7_300_001,
        output: 18_500_003,
      },
    },
  ];
}
