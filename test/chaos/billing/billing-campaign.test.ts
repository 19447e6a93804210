// A short billing campaign, as part of every test run; `npm run chaos -- --scenario billing` is the long one.
import { expect, test } from '@jest/globals';
import { runBillingCampaign } from './billing-campaign.ts';

test('whatever is killed while customers renew and owe, each is charged once for what he got', async () => {
  const lines: string[] = [];
  const { passed, lastLine } = await runBillingCampaign({
    seed: 2,
    kills: 3,
    subscriptions: 6,
    periods: 2,
    enterprises: 0,
    webhooksFaulted: 0,
    buyingDays: 2,
    dunnings: 2,
    everyExit: false,
    isShort: true,
    leapHours: [30, 40],
    say: (line) => lines.push(line),
  });

  expect(passed ? [] : lines).toEqual([]);
  expect(lastLine).toMatch(
    /^chaos: \d+ kills, \d+ subscriptions, \d+ charges, \d+ dunning runs, difference 0 nano-USD$/,
  );
}, 240_000);
