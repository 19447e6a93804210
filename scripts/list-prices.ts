// The recorded price lists from which the seed makes models: what upstreams charge, where that was read, and by how much we
// sell above it. A list that is not what it should be stops the start, not the first request.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { METERS } from '../domain/meters.ts';

const Tier = z.strictObject({
  aboveInputTokens: z.int().min(0),
  microUsdPerMillion: z.partialRecord(z.enum(METERS), z.int().positive()),
});

const ListedModel = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  ownedBy: z.string(),
  kind: z.enum(['chat', 'embedding']),
  basic: z.boolean().optional(),
  bytesPerToken: z.int().positive(),
  contextTokens: z.int().positive(),
  maxOutputTokens: z.int().min(0),
  costPrice: z.strictObject({ tiers: z.array(Tier).min(1) }),
  multiplierPpm: z.int().positive(),
});

const ListPrices = z.strictObject({
  recordedOn: z.iso.date(),
  source: z.strictObject({
    name: z.string(),
    version: z.string().optional(),
    license: z.string().optional(),
    url: z.url().optional(),
    sha256: z.string().length(64).optional(),
  }),
  unit: z.string(),
  models: z.array(ListedModel),
});

export type ListPrices = z.infer<typeof ListPrices>;
export type ListedModel = z.infer<typeof ListedModel>;

/** `upstream`: of real providers, made by record-list-prices.ts. `demo`: of the demo provider, by hand. */
const FILES = { upstream: 'list-prices.json', demo: 'demo-prices.json' };

export function fileOf(list: keyof typeof FILES): URL {
  return new URL(`../services/pricing/${FILES[list]}`, import.meta.url);
}

export function listPrices(list: keyof typeof FILES): ListPrices {
  return ListPrices.parse(JSON.parse(readFileSync(fileOf(list), 'utf8')));
}

/** What stands beside each price version that is made of it. */
export function sourceOf({ source: { name, version, sha256 }, recordedOn }: ListPrices): string {
  const pin = version === undefined ? '' : ` ${version}`;
  return `${name}${pin}${sha256 === undefined ? '' : ` (sha256 ${sha256})`}, recorded on ${recordedOn}`;
}
