// A chaos campaign: a product of its own under load, everything in it killed again and again, then quiet, then the oracle's verdict.
// It counts only when its conditions are met (validity.ts); a good verdict of a void campaign fails all the same.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readBooks } from '../oracle/books.ts';
import { askOracle } from './ask-oracle.ts';
import { breadthOf } from './breadth.ts';
import type { CampaignOrder } from './campaign-order.ts';
import { stockCatalogue } from './catalogue.ts';
import { CrashSweep } from './crash-sweep.ts';
import { Havoc } from './havoc.ts';
import { KillLog } from './kill-log.ts';
import { Load, loadPlan } from './load.ts';
import { Management } from './management.ts';
import { pricesPublished } from './prices-published.ts';
import { type Product, startProduct } from './product.ts';
import { seededDice } from './seeded-dice.ts';
import { grantCredit, openTenants, publishPrice, type Tenants } from './tenants.ts';
import { unaskedDeaths } from './unasked-deaths.ts';
import { conditionsOf } from './validity.ts';

export interface CampaignResult {
  readonly passed: boolean;
  readonly lastLine: string;
}

const TOP_UP_EVERY_MS = 10_000;
/** Less than the poor spend meanwhile. */
const ALMS = 30_000_000n;
const SMALL_GRANT = 500_000_000n;

export async function runCampaign(order: CampaignOrder): Promise<CampaignResult> {
  const product = await startProduct(order.gatewayProcesses);
  let passed = false;
  try {
    const api = new Management(
      product.installations.map(({ url }) => url),
      product.adminToken,
    );
    await stockCatalogue(api, product.demoUrl);
    const tenants = await openTenants(api);
    const prices = pricesPublished(Date.now());
    for (const price of prices) await publishPrice(api, price);
    writeFileSync(pricesFile(product), JSON.stringify(prices));

    const killLog = new KillLog(join(product.folder, 'kills.jsonl'));
    const load = await breakUnderLoad(order, product, api, tenants, killLog);
    const result = await verdict(order, product, load, tenants, killLog);
    passed = result.passed;
    return result;
  } finally {
    await product.close();
    if (passed) rmSync(product.folder, { recursive: true });
    else order.say(`campaign: its logs stay in ${product.folder}`);
  }
}

async function breakUnderLoad(
  order: CampaignOrder,
  product: Product,
  api: Management,
  tenants: Tenants,
  killLog: KillLog,
): Promise<Load> {
  const apis = product.installations.map(({ url }) => url);
  const { concurrency, seed } = order;
  const logFile = join(product.folder, 'answers.jsonl');
  const load = new Load(loadPlan({ apis, apiKeys: tenants.apiKeys, concurrency, seed, logFile }), product.folder);
  const havoc = new Havoc(product, load, killLog, seededDice(order.seed));
  const sweep = new CrashSweep(product, killLog);
  const over = new AbortController();
  const companions = [topUp(api, tenants, over.signal), havoc.spillWhile(() => sweep.needsSpills, over.signal)];
  try {
    await load.answered(order.concurrency * 2);
    await Promise.all([sweep.run(order.sweep), havoc.runGently(order.blows)]);
    await havoc.run(order.blows);
    await load.answered(order.demands.requests);
  } finally {
    over.abort();
    await load.stop();
    havoc.heal();
    await Promise.all(companions);
    sweep.readCrashes();
  }
  order.say(`campaign: ${killLog.kills} kills, now quiet`);
  return load;
}

/** The poor get a little that lasts, and everybody's small grants expire under way. */
async function topUp(api: Management, { poorOrgId, expiringOrgId }: Tenants, over: AbortSignal): Promise<void> {
  for (let round = 1; !over.aborted; round += 1) {
    await grantCredit(api, poorOrgId, ALMS, null);
    await grantCredit(api, expiringOrgId, SMALL_GRANT, 5_000 + 3_000 * (round % 4)).catch(expiredMeanwhile);
    await wait(TOP_UP_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
  }
}

/** While PostgreSQL was silent. */
function expiredMeanwhile(error: Error): void {
  if (!error.message.includes('has expired already')) throw error;
}

async function verdict(
  order: CampaignOrder,
  product: Product,
  load: Load,
  tenants: Tenants,
  killLog: KillLog,
): Promise<CampaignResult> {
  const oracle = await askOracle({
    endpointsFile: product.endpointsFile,
    driverLog: load.logFile,
    killLog: killLog.file,
    prices: pricesFile(product),
    quietSeconds: order.quietSeconds,
    prove: true,
  });
  for (const line of oracle.lines) order.say(line);

  const answers = load.answers();
  const books = await readBooks(product.database.urlFor('readonly'));
  const pids = new Map(books.incarnations.map(({ id, pid }) => [id, pid]));
  const conditions = conditionsOf(
    {
      answers,
      events: killLog.events,
      mayRunOut: tenants.apiKeys.map(({ mayRunOut }) => mayRunOut),
      pidOf: new Map(
        books.usageRecords.map(({ requestId, incarnationId }) => [requestId, pids.get(incarnationId) ?? 0]),
      ),
      unasked: unaskedDeaths(product, killLog.events),
      breadth: breadthOf(books, answers),
    },
    order.demands,
  );
  for (const { name, figure, met } of conditions) order.say(`campaign: ${met ? 'ok  ' : 'VOID'} ${name}: ${figure}`);

  if (order.isShort) order.say('campaign: SHORT, so it does not count');
  const complete = answers.filter(({ terminatorSeen, status }) => terminatorSeen && status === 200).length;
  const orphaned = books.attempts.filter(({ outcome }) => outcome === 'orphaned').length;
  const counts = `${killLog.kills} kills, ${answers.length} requests, ${complete} complete, ${orphaned} orphaned`;
  return {
    passed: oracle.code === 0 && conditions.every(({ met }) => met),
    lastLine: `chaos: ${counts}, difference ${oracle.difference} nano-USD`,
  };
}

function pricesFile({ folder }: Product): string {
  return join(folder, 'prices.json');
}
