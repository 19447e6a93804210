// What everything costs, written by hand from the demo catalogue and not computed by anything of the product.
// Figures are micro-USD per million tokens, which is pico-USD per token. Versions that a run publishes come in a file.
import { readFileSync } from 'node:fs';
import type { Meters } from './meters.ts';

export type Side = 'selling' | 'cost';
export type PriceTable = readonly PriceEntry[];

export interface PriceEntry {
  readonly modelId: string;
  readonly side: Side;
  /** -Infinity: in force from the beginning. */
  readonly effectiveAtMs: number;
  readonly picoPerToken: Meters;
}

interface PublishedPrice {
  readonly modelId: string;
  readonly side: Side;
  readonly effectiveAt: string;
  readonly microUsdPerMillion: Meters;
}

const COST: Readonly<Record<string, Meters>> = {
  'demo-chat': { input: 2_000_000, cachedInput: 200_000, output: 8_000_000 },
  'demo-flaky': { input: 2_000_000, cachedInput: 200_000, output: 8_000_000 },
  'demo-mini': { input: 150_000, cachedInput: 30_000, output: 600_000 },
  'demo-reasoner': { input: 3_000_000, cachedInput: 750_000, output: 12_000_000, reasoning: 12_000_000 },
  'demo-claude': {
    input: 3_000_000,
    cachedInput: 300_000,
    cacheWrite5m: 3_750_000,
    cacheWrite1h: 6_000_000,
    output: 15_000_000,
  },
  'demo-embed': { input: 20_000 },
};

/** Cost times 1.25 (demo-flaky is demo-chat, bought where it fails first), 1.4, 1.3, 1.2 and 1.5. */
const SELLING: Readonly<Record<string, Meters>> = {
  'demo-chat': { input: 2_500_000, cachedInput: 250_000, output: 10_000_000 },
  'demo-flaky': { input: 2_500_000, cachedInput: 250_000, output: 10_000_000 },
  'demo-mini': { input: 210_000, cachedInput: 42_000, output: 840_000 },
  'demo-reasoner': { input: 3_900_000, cachedInput: 975_000, output: 15_600_000, reasoning: 15_600_000 },
  'demo-claude': {
    input: 3_600_000,
    cachedInput: 360_000,
    cacheWrite5m: 4_500_000,
    cacheWrite1h: 7_200_000,
    output: 18_000_000,
  },
  'demo-embed': { input: 30_000 },
};

export const BYTES_PER_TOKEN: Readonly<Record<string, number>> = {
  'demo-chat': 4,
  'demo-flaky': 4,
  'demo-mini': 3,
  'demo-reasoner': 4,
  'demo-claude': 4,
  'demo-embed': 4,
};

export const AT_LIST_PPM = 1_000_000;

/** Of list price, for what no included credit covers. A contract has its own. */
export const PLAN_PPM: Readonly<Record<string, number>> = {
  free: 1_050_000,
  pay_as_you_go: 1_050_000,
  pro: AT_LIST_PPM,
  team: 900_000,
};

const STAND_INS: Readonly<Record<string, string>> = {
  cachedInput: 'input',
  cacheWrite1h: 'cacheWrite5m',
  cacheWrite5m: 'input',
  inputAudio: 'input',
  inputImage: 'input',
  reasoning: 'output',
  outputAudio: 'output',
};

/** @param file JSON: [{modelId, side, effectiveAt, microUsdPerMillion}] */
export function priceTable(file: string | null): PriceTable {
  const published: PublishedPrice[] = file === null ? [] : JSON.parse(readFileSync(file, 'utf8'));
  return [
    ...fromTheBeginning('cost', COST),
    ...fromTheBeginning('selling', SELLING),
    ...published.map(({ modelId, side, effectiveAt, microUsdPerMillion }) => ({
      modelId,
      side,
      effectiveAtMs: Date.parse(effectiveAt),
      picoPerToken: microUsdPerMillion,
    })),
  ];
}

function fromTheBeginning(side: Side, prices: Readonly<Record<string, Meters>>): PriceEntry[] {
  return Object.entries(prices).map(([modelId, picoPerToken]) => ({
    modelId,
    side,
    effectiveAtMs: Number.NEGATIVE_INFINITY,
    picoPerToken,
  }));
}

export function priceInForce(table: PriceTable, modelId: string, side: Side, atMs: number): PriceEntry | null {
  let inForce: PriceEntry | null = null;
  for (const entry of table) {
    if (entry.modelId !== modelId || entry.side !== side || entry.effectiveAtMs > atMs) continue;
    if (inForce === null || entry.effectiveAtMs >= inForce.effectiveAtMs) inForce = entry;
  }
  return inForce;
}

/** What is beyond included credit is rounded up once more, at its rate. */
export function dueNano(listNano: bigint, beyondNano: bigint, ppm: number): bigint {
  return listNano - beyondNano + (beyondNano * BigInt(ppm) + 999_999n) / 1_000_000n;
}

/** One ceil to nano at the end. */
export function amountNano(price: PriceEntry, meters: Meters): bigint {
  let pico = 0n;
  for (const [meter, units] of Object.entries(meters)) pico += BigInt(units) * BigInt(picoOf(price, meter));
  return (pico + 999n) / 1000n;
}

function picoOf(price: PriceEntry, meter: string): number {
  const own = price.picoPerToken[meter];
  if (own !== undefined) return own;
  const standIn = STAND_INS[meter];
  return standIn === undefined ? 0 : picoOf(price, standIn);
}
