// `npm run chaos -- --kills 60 --seed 1`: a whole campaign, some ten minutes. Its last line is its verdict, and so is its exit code.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { CRASH_POINTS } from '../../services/platform/crash-points.ts';
import { runCampaign } from './campaign.ts';
import type { CampaignOrder } from './campaign-order.ts';
import { versionOfCheckout } from './product.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    requests: { type: 'string', default: '20000' },
  },
});

const HITS_PER_POINT = 3;
const OTHER_VICTIMS = { postgres: 5, redis: 5, demo: 4 } as const;

const order = orderFor(Number(values.kills), Number(values.seed), Number(values.requests));
order.say(
  `campaign: seed ${order.seed}, commit ${versionOfCheckout()}, node ${process.version}, ${cpus().length} cores`,
);
const { passed, lastLine } = await runCampaign(order);
order.say(lastLine);
process.exit(passed ? 0 : 1);

function orderFor(kills: number, seed: number, requests: number): CampaignOrder {
  const { postgres, redis, demo } = OTHER_VICTIMS;
  const byPoints = CRASH_POINTS.length * HITS_PER_POINT;
  return {
    seed,
    demands: { requests, kills, hitsPerPoint: HITS_PER_POINT, inFlightAtKill: 20, soundPercent: 90 },
    blows: {
      ...OTHER_VICTIMS,
      gateways: Math.max(6, kills - byPoints - postgres - redis - demo),
      slowSeconds: [6, 10],
      silentSeconds: [40],
      pausedSeconds: [20, 120],
      betweenMs: 5_000,
    },
    sweep: { points: CRASH_POINTS, hits: HITS_PER_POINT },
    gatewayProcesses: 2,
    concurrency: 192,
    quietSeconds: 180,
    say: (line) => process.stdout.write(`${line}\n`),
  };
}
