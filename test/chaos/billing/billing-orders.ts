// The orders of `npm run chaos -- --scenario billing`: with 100 kills and 300 subscriptions what the issue asks of a campaign that counts.
import type { BillingOrder } from './billing-order.ts';
import { ENTERPRISE_FATES } from './enterprises.ts';

const COUNTS = { kills: 100, subscriptions: 300, dunnings: 60, enterprises: 12, webhooksFaulted: 10 } as const;
/** Of a short one every third customer owes, so that each way out is taken. */
const DEBTORS_ONE_IN = 3;

export interface Asked {
  readonly kills: number;
  readonly seed: number;
  readonly subscriptions: number;
}

export function billingOrder({ kills, seed, subscriptions }: Asked, say: (line: string) => void): BillingOrder {
  const isShort = kills < COUNTS.kills || subscriptions < COUNTS.subscriptions;
  return {
    seed,
    kills,
    subscriptions,
    periods: 3,
    enterprises: isShort ? ENTERPRISE_FATES.length : COUNTS.enterprises,
    buyingDays: 8,
    dunnings: isShort ? Math.ceil(subscriptions / DEBTORS_ONE_IN) : COUNTS.dunnings,
    everyExit: true,
    isShort,
    webhooksFaulted: isShort ? 0 : COUNTS.webhooksFaulted,
    leapHours: [18, 24],
    say,
  };
}
