// What a billing campaign is asked to do: run.ts orders the long one, a test the short one.
export interface BillingOrder {
  readonly seed: number;
  readonly kills: number;
  readonly subscriptions: number;
  /** Each steady customer is to pay for so many at least. */
  readonly periods: number;
  /** That pay afterwards, and do not. */
  readonly enterprises: number;
  /** On how many days people buy: so that at the end those who owe stand at different steps. */
  readonly buyingDays: number;
  /** Cases of dunning that must have been opened. */
  readonly dunnings: number;
  /** Every way out of a debt must have been taken. */
  readonly everyExit: boolean;
  /** It is not as much as a campaign that counts. */
  readonly isShort: boolean;
  /** Webhooks that came over each fault. */
  readonly webhooksFaulted: number;
  /** By how many hours the clock leaps at once, at least and at most. */
  readonly leapHours: readonly [number, number];
  say(line: string): void;
}
