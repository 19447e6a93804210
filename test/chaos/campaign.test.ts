// A short campaign, as part of every test run; `npm run chaos` is the long one.
import { expect, test } from '@jest/globals';
import { runCampaign } from './campaign.ts';

test('whatever is killed under load, every answer is charged once and every nano-USD is accounted for', async () => {
  const lines: string[] = [];
  const { passed, lastLine } = await runCampaign({
    seed: 1,
    // What makes a campaign weighty is demanded of the long one; on a busy machine these few seconds cannot promise it.
    demands: { requests: 1_500, kills: 6, hitsPerPoint: 0, inFlightAtKill: 0, soundPercent: 50 },
    blows: {
      gateways: 2,
      postgres: 1,
      redis: 1,
      demo: 1,
      slowSeconds: [3],
      silentSeconds: [],
      pausedSeconds: [],
      betweenMs: 1_500,
    },
    sweep: { points: ['in-commit'], hits: 1 },
    gatewayProcesses: 1,
    concurrency: 32,
    quietSeconds: 40,
    say: (line) => lines.push(line),
  });

  expect(passed ? [] : lines).toEqual([]);
  expect(lastLine).toMatch(/^chaos: \d+ kills, \d+ requests, \d+ complete, \d+ orphaned, difference 0 nano-USD$/);
}, 150_000);
