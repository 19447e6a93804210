// What the demo provider sells, and what it charges for it. The prices are our cost: the seed makes selling prices of them.
// One token of a model is a fixed whole number of UTF-8 bytes, so that an estimate made from delivered bytes can be judged exactly.

export interface DemoModel {
  readonly id: string;
  readonly displayName: string;
  readonly kind: 'chat' | 'embedding';
  readonly bytesPerToken: number;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly reasons: boolean;
  readonly writesCache: boolean;
  readonly costMicroUsdPerMillion: Readonly<Partial<Record<PricedMeter, number>>>;
}

type PricedMeter = 'input' | 'cachedInput' | 'cacheWrite5m' | 'cacheWrite1h' | 'output' | 'reasoning';

const CHAT = {
  kind: 'chat',
  bytesPerToken: 4,
  contextTokens: 200_000,
  maxOutputTokens: 32_000,
  reasons: false,
  writesCache: false,
} as const;

export const DEMO_MODELS: readonly DemoModel[] = [
  {
    ...CHAT,
    id: 'demo-chat',
    displayName: 'Demo Chat',
    costMicroUsdPerMillion: { input: 2_000_000, cachedInput: 200_000, output: 8_000_000 },
  },
  {
    ...CHAT,
    id: 'demo-mini',
    displayName: 'Demo Mini',
    bytesPerToken: 3,
    costMicroUsdPerMillion: { input: 150_000, cachedInput: 30_000, output: 600_000 },
  },
  {
    ...CHAT,
    id: 'demo-reasoner',
    displayName: 'Demo Reasoner',
    reasons: true,
    costMicroUsdPerMillion: { input: 3_000_000, cachedInput: 750_000, output: 12_000_000, reasoning: 12_000_000 },
  },
  {
    ...CHAT,
    id: 'demo-claude',
    displayName: 'Demo Claude',
    writesCache: true,
    costMicroUsdPerMillion: {
      input: 3_000_000,
      cachedInput: 300_000,
      cacheWrite5m: 3_750_000,
      cacheWrite1h: 6_000_000,
      output: 15_000_000,
    },
  },
  {
    ...CHAT,
    id: 'demo-embed',
    displayName: 'Demo Embed',
    kind: 'embedding',
    contextTokens: 100_000,
    maxOutputTokens: 0,
    costMicroUsdPerMillion: { input: 20_000 },
  },
];

export function demoModel(id: string): DemoModel | null {
  return DEMO_MODELS.find((sold) => sold.id === id) ?? null;
}
