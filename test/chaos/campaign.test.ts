// A short campaign, as part of every test run; `npm run chaos` is the long one.
import { expect, test } from '@jest/globals';
import { runCampaign } from './campaign.ts';

test('whatever is killed under load, every answer is charged once and every nano-USD is accounted for', async () => {
  const lines: string[] = [];
  const { passed, lastLine } = await runCampaign({
    seed: 1,
    isShort: true,
    // What makes a campaign weighty is demanded of the long one; on a busy machine these few seconds cannot promise it.
    demands: {
      requests: 1_500,
      kills: 5,
      hitsPerPoint: 0,
      inFlightAtKill: 0,
      soundPercent: 50,
      breadth: {
        gatewaysAtOnce: 2,
        organizations: 3,
        apiKeys: 8,
        priceVersions: 1,
        refusedByKeyCap: 0,
        refusedByProjectCap: 0,
        refusedForCredit: 0,
        expiries: 0,
        failovers: 1,
        estimates: 1,
        cuts: 1,
        clientsGone: 1,
      },
      pausedSeconds: [],
      slowSeconds: [3],
      silentSeconds: [],
    },
    blows: {
      gateways: 2,
      requestsHit: 8,
      postgres: 1,
      redis: 1,
      demo: 1,
      slowSeconds: [3],
      silentSeconds: [],
      pausedSeconds: [],
      betweenMs: 1_500,
    },
    sweep: { points: ['in-commit'], hits: 1, secondsPerPoint: 30 },
    gatewayProcesses: 1,
    concurrency: 32,
    quietSeconds: 40,
    say: (line) => lines.push(line),
  });

  expect(passed ? [] : lines).toEqual([]);
  expect(lastLine).toMatch(/^chaos: \d+ kills, \d+ requests, \d+ complete, \d+ orphaned, difference 0 nano-USD$/);
}, 150_000);
