// Which test files start first: those that take longest, so that none of them is waited for alone at the end. Jest knows them only where it has run
// before (D115).
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The longest first. The others follow by their size, as Jest has it where it knows no better. */
const LONGEST = [
  'test/services/ledger/reference-model.test.ts',
  'test/chaos/billing/billing-campaign.test.ts',
  'test/chaos/keys-backups/keys-campaign.test.ts',
  'test/workers/master-key-rotation.test.ts',
  'test/services/restores/restored-billing.test.ts',
  'test/scripts/start.test.ts',
  'test/chaos/campaign.test.ts',
  'test/workers/reconciliation.test.ts',
  'test/console/team-and-billing.test.ts',
  'test/console/enterprise.test.ts',
  'test/console/own-account.test.ts',
  'test/console/customers.test.ts',
  'test/console/keys-and-backups.test.ts',
  'test/console/pages.test.ts',
  'test/services/ledger/settlement-under-fire.test.ts',
  'test/api/proxy/official-clients.test.ts',
  'test/api/payments-under-fire.test.ts',
];

export default class LongestFirst {
  sort(tests) {
    const places = new Map(LONGEST.map((file, place) => [placed(file), place]));
    const placeOf = ({ path }) => places.get(path) ?? LONGEST.length;
    return [...tests].sort((a, b) => placeOf(a) - placeOf(b) || sizeOf(b) - sizeOf(a));
  }

  /** Jest asks for it after each run: what took how long is remembered above. */
  cacheResults() {}
}

function sizeOf({ path }) {
  return statSync(path).size;
}

function placed(file) {
  const path = join(import.meta.dirname, '..', file);
  if (!existsSync(path)) throw new Error(`${import.meta.filename}: there is no ${file}`);
  return path;
}
