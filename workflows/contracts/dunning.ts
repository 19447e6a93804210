// What outsiders may know of the process of an unpaid invoice.
import { defineUpdate } from '@temporalio/workflow';
import type { ProcessView } from './billing-process.ts';
import type { Command } from './commands.ts';

export const DUNNING = 'dunning';

export function dunningWorkflowId(invoiceId: string): string {
  return `dunning:${invoiceId}`;
}

export interface DunningInput {
  readonly v: 1;
  readonly invoiceId: string;
}

/** ISO 8601. */
interface Moment {
  readonly what: string;
  readonly at: string;
}

export interface DunningView extends ProcessView {
  readonly orgId: string;
  /** For people; histories that began before they were told lack these three. */
  readonly dueAt?: string;
  /** Notices that the mail server took over. */
  readonly told?: readonly Moment[];
  /** Rungs of the ladder that are still to come. */
  readonly ahead?: readonly Moment[];
  readonly invoiceId: string;
  readonly policy: 'renewal' | 'postpaid';
  /** What this invoice alone brings upon its organization. */
  readonly stage: 'none' | 'limited' | 'stopped';
  readonly amountCents: number;
  readonly attempts: number;
  readonly closed: 'paid' | 'void' | 'waived' | null;
}

export type DunningCommandName = 'retryNow' | 'extend' | 'waive' | 'skipTo' | 'decideStop';

/** `until`: of extend, ISO 8601. `step`: of skipTo, a rung of domain/overdue-policy.ts. */
export interface DunningCommandInput extends Command {
  readonly until?: string;
  readonly step?: string;
}

export type DunningCommandOutcome =
  | { readonly kind: 'done'; readonly view: DunningView }
  | { readonly kind: 'refused'; readonly why: string };

export interface DunningActivities {
  tickDunning(input: { readonly invoiceId: string }): Promise<DunningView>;
  commandDunning(
    input: DunningCommandInput & { readonly invoiceId: string; readonly command: DunningCommandName },
  ): Promise<DunningCommandOutcome>;
}

export const retryNow = defineUpdate<DunningView, [DunningCommandInput]>('retryNow');
export const extend = defineUpdate<DunningView, [DunningCommandInput]>('extend');
export const waive = defineUpdate<DunningView, [DunningCommandInput]>('waive');
export const skipTo = defineUpdate<DunningView, [DunningCommandInput]>('skipTo');
export const decideStop = defineUpdate<DunningView, [DunningCommandInput]>('decideStop');
