// Makes services/pricing/list-prices.json from one pinned package of list prices. The same pin makes the same file, byte for
// byte; another version is a change of prices, to be read before it is committed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { fileOf, type ListedModel, type ListPrices } from './list-prices.ts';
import { OFFERED, type OfferedModel } from './offered-models.ts';
import { tiersOf, type UpstreamPrices } from './upstream-price.ts';

const RECORDED_ON = '2026-11-23';
const SOURCE = {
  name: '@pydantic/genai-prices',
  version: '0.1.8',
  license: 'MIT',
  url: 'https://registry.npmjs.org/@pydantic/genai-prices/-/genai-prices-0.1.8.tgz',
  sha256: '8c9ba41e46719abc54a0ae4756ba5f2b5a768b8117fb29f40c5ca7ed3146eb5b',
};

interface Provider {
  readonly models: readonly { readonly id: string; readonly prices: UpstreamPrices }[];
}

const folder = mkdtempSync(join(tmpdir(), 'list-prices-'));
try {
  const findProvider = await pinnedList(folder);
  const models = OFFERED.map((offered) => listed(offered, findProvider(offered.provider)));
  const unit =
    'whole micro-USD per 1,000,000 units: 2000000 is $2.00; selling price = cost x multiplierPpm / 1,000,000';
  const recorded: ListPrices = { recordedOn: RECORDED_ON, source: SOURCE, unit, models };
  writeFileSync(fileOf('upstream'), `${JSON.stringify(recorded, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** Fetched by npm, refused unless it is the very archive whose hash stands above. */
async function pinnedList(into: string): Promise<(id: string) => Provider> {
  execFileSync('npm', ['pack', `${SOURCE.name}@${SOURCE.version}`, '--silent', '--pack-destination', into]);
  const archive = join(into, `pydantic-genai-prices-${SOURCE.version}.tgz`);
  const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
  if (sha256 !== SOURCE.sha256) throw new Error(`${archive} has sha256 ${sha256}, not ${SOURCE.sha256}`);
  execFileSync('tar', ['xzf', archive, '-C', into]);
  const Package = z.object({ findProvider: z.custom<(query: { providerId: string }) => Provider>() });
  const { findProvider } = Package.parse(await import(pathToFileURL(join(into, 'package/dist/index.js')).href));
  return (providerId) => findProvider({ providerId });
}

function listed({ provider, id, displayName, ...offered }: OfferedModel, { models }: Provider): ListedModel {
  const found = models.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`${provider} has no model ${id} in the list`);
  const costPrice = { tiers: tiersOf(found.prices, RECORDED_ON) };
  return { id, displayName, ownedBy: provider, ...offered, costPrice };
}
