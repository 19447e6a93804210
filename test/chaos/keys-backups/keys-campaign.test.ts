// A short campaign of keys and backups, as part of every test run; `npm run chaos -- --scenario keys-backups` is the long one.
import { expect, test } from '@jest/globals';
import { runKeysCampaign } from './keys-campaign.ts';

test('whatever is killed while keys are changed and backups proven, no secret is read anywhere, and each place has one key', async () => {
  const lines: string[] = [];
  const { passed, lastLine } = await runKeysCampaign({
    seed: 1,
    kills: 6,
    concurrency: 8,
    betweenMs: 1_500,
    rounds: 1,
    isNightOver: true,
    // What makes a campaign weighty is demanded of the long one: here a change of a key may well be taken back.
    demands: {
      requests: 100,
      channelKeys: 0,
      takenBack: 0,
      rolls: 1,
      leaks: 1,
      backups: 1,
      drills: 0,
      killsDuringEach: 0,
      soundPercent: 50,
    },
    quietSeconds: 90,
    isShort: true,
    say: (line) => lines.push(line),
  });

  expect(passed ? [] : lines).toEqual([]);
  expect(lastLine).toMatch(/^chaos: \d+ kills, \d+ requests, \d+ rotations, \d+ backups, difference 0 nano-USD$/);
}, 240_000);
