// What outsiders may know of automatic top-up's process: how it is started and found, and what its activities do. People switch it by the
// API, which works without Temporal; so it takes no Updates.
import type { ProcessView } from './billing-process.ts';

export const AUTO_TOP_UP = 'autoTopUp';
/** As it stands in workflow ids and in the outbox. */
export const TOP_UP = 'topup';

export function topUpWorkflowId(orgId: string): string {
  return `${TOP_UP}:${orgId}`;
}

export interface TopUpInput {
  readonly v: 1;
  readonly orgId: string;
}

/** The row as an activity saw it. */
export interface TopUpView extends ProcessView {
  readonly orgId: string;
  /** Null: off. */
  readonly settings: {
    readonly thresholdCents: number;
    readonly amountCents: number;
    readonly dailyCapCents: number;
    readonly monthlyCapCents: number;
  } | null;
  readonly isLow: boolean;
  /** Whose payment is awaited. */
  readonly open: { readonly number: number; readonly amountCents: number; readonly paymentId: string } | null;
  readonly declinesInARow: number;
}

export interface TopUpActivities {
  /** Steps the row with the time and the balance as they are now. */
  tickTopUp(input: { readonly orgId: string }): Promise<TopUpView>;
}
