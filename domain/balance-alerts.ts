// Warnings before credit runs out, as shares of what was bought or included last. A share that is crossed downwards is told of once; it is
// armed again a tenth above, so that a balance that hovers does not send a mail with every request.
import { type Nano, nano, ZERO } from './nano.ts';

export const ALERT_PERCENTS = [50, 20, 10, 5, 0] as const;
export type AlertPercent = (typeof ALERT_PERCENTS)[number];

const REARMED_ABOVE_PERCENT = 10;

export interface BalanceAlerts {
  readonly armed: readonly AlertPercent[];
  /** Raised whenever one is armed again: with the share it names a mail. */
  readonly epoch: number;
}

export interface BalanceMoved {
  readonly alerts: BalanceAlerts;
  /** The lowest share that was crossed; null: none was. */
  readonly fired: AlertPercent | null;
}

export function newBalanceAlerts(): BalanceAlerts {
  return { armed: [], epoch: 0 };
}

/** Nothing is armed while nothing was ever bought. */
export function onBalance(before: BalanceAlerts, balance: Nano, basis: Nano): BalanceMoved {
  if (basis <= ZERO) return { alerts: before, fired: null };
  const isBelow = (percent: number) => balance <= shareOf(basis, percent);
  const crossed = before.armed.filter(isBelow);
  const isArmed = (percent: AlertPercent) =>
    !isBelow(percent) && (before.armed.includes(percent) || !isBelow(percent + REARMED_ABOVE_PERCENT));
  const armed = ALERT_PERCENTS.filter(isArmed);
  const isRearmed = armed.some((percent) => !before.armed.includes(percent));
  if (crossed.length === 0 && !isRearmed) return { alerts: before, fired: null };
  return { alerts: { armed, epoch: before.epoch + Number(isRearmed) }, fired: crossed.at(-1) ?? null };
}

export interface QuietRange {
  /** At or below it something is crossed; null: nothing is left to be. */
  readonly belowNano: Nano | null;
  /** Above it something is armed; null: everything is. */
  readonly aboveNano: Nano | null;
}

/** Whoever looks at many balances asks onBalance only about those that are not in here. */
export function quietRange({ armed }: BalanceAlerts, basis: Nano): QuietRange {
  const unarmed = ALERT_PERCENTS.filter((percent) => !armed.includes(percent));
  return {
    belowNano: armed.length === 0 ? null : shareOf(basis, Math.max(...armed)),
    aboveNano: unarmed.length === 0 ? null : shareOf(basis, Math.min(...unarmed) + REARMED_ABOVE_PERCENT),
  };
}

function shareOf(basis: Nano, percent: number): Nano {
  return nano((basis * BigInt(percent)) / 100n);
}
