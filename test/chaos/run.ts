// `npm run chaos -- --kills 60 --seed 1`: a whole campaign, some ten minutes. Its last line is its verdict, and so is its exit code.
// `npm run chaos -- --scenario billing --kills 100 --seed 1`: one of billing; `--subscriptions 60` makes it shorter.
// `npm run chaos -- --scenario keys-backups --kills 60 --seed 1`: one of keys that are changed and backups that are proven; fewer kills make it shorter.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { CRASH_POINTS } from '../../services/platform/crash-points.ts';
import { runBillingCampaign } from './billing/billing-campaign.ts';
import { billingOrder } from './billing/billing-orders.ts';
import type { Breadth } from './breadth.ts';
import { runCampaign } from './campaign.ts';
import type { CampaignOrder } from './campaign-order.ts';
import { runKeysCampaign } from './keys-backups/keys-campaign.ts';
import { keysOrder } from './keys-backups/keys-order.ts';
import { versionOfCheckout } from './product.ts';

/** What the issue asks of a campaign that counts. */
const COUNTS = { requests: 20_000, kills: 60 } as const;
const HITS_PER_POINT = 3;
const PAUSED_SECONDS = [20, 120];
const SLOW_SECONDS = [6, 10];
const SILENT_SECONDS = [40];
const BREADTH: Breadth = {
  gatewaysAtOnce: 2,
  organizations: 3,
  apiKeys: 8,
  priceVersions: 2,
  refusedByKeyCap: 1,
  refusedByProjectCap: 1,
  refusedForCredit: 1,
  expiries: 1,
  failovers: 1,
  estimates: 1,
  cuts: 1,
  clientsGone: 1,
};
const OTHER_VICTIMS = { postgres: 5, redis: 5, demo: 4 } as const;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: String(COUNTS.kills) },
    seed: { type: 'string', default: '1' },
    requests: { type: 'string', default: String(COUNTS.requests) },
    scenario: { type: 'string', default: 'gateway' },
    subscriptions: { type: 'string', default: '300' },
  },
});

const { scenario } = values;
const [kills, seed] = [Number(values.kills), Number(values.seed)];
say(
  `campaign: ${scenario}, seed ${seed}, commit ${versionOfCheckout()}, node ${process.version}, ${cpus().length} cores`,
);
const { passed, lastLine } = await run();
say(lastLine);
process.exit(passed ? 0 : 1);

async function run(): Promise<{ readonly passed: boolean; readonly lastLine: string }> {
  switch (scenario) {
    case 'gateway':
      return runCampaign(orderFor(kills, seed, Number(values.requests)));
    case 'billing':
      return runBillingCampaign(billingOrder({ kills, seed, subscriptions: Number(values.subscriptions) }, say));
    case 'keys-backups':
      return runKeysCampaign(keysOrder({ kills, seed }, say));
    default:
      throw new Error(`there is no scenario ${scenario}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function orderFor(kills: number, seed: number, requests: number): CampaignOrder {
  const { postgres, redis, demo } = OTHER_VICTIMS;
  const byPoints = CRASH_POINTS.length * HITS_PER_POINT;
  return {
    seed,
    isShort: requests < COUNTS.requests || kills < COUNTS.kills,
    demands: {
      requests,
      kills,
      hitsPerPoint: HITS_PER_POINT,
      inFlightAtKill: 20,
      soundPercent: 90,
      breadth: BREADTH,
      pausedSeconds: PAUSED_SECONDS,
      slowSeconds: SLOW_SECONDS,
      silentSeconds: SILENT_SECONDS,
    },
    blows: {
      ...OTHER_VICTIMS,
      requestsHit: 30,
      gateways: Math.max(6, kills - byPoints - postgres - redis - demo),
      slowSeconds: SLOW_SECONDS,
      silentSeconds: SILENT_SECONDS,
      pausedSeconds: PAUSED_SECONDS,
      betweenMs: 5_000,
    },
    sweep: { points: CRASH_POINTS, hits: HITS_PER_POINT, secondsPerPoint: 90 },
    gatewayProcesses: 2,
    concurrency: 320,
    quietSeconds: 180,
    say,
  };
}
