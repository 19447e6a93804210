// What outsiders may know of the process of a refused refund: how it is started, found and told, and what its activities do.
import { defineUpdate } from '@temporalio/workflow';
import type { ProcessView } from './billing-process.ts';
import type { Command } from './commands.ts';

export const REFUSED_REFUND = 'refusedRefund';
/** As it stands in workflow ids and in the outbox. */
export const REFUND = 'refund';

export function refundWorkflowId(paymentId: string): string {
  return `${REFUND}:${paymentId}`;
}

export interface RefusedRefundInput {
  readonly v: 1;
  readonly paymentId: string;
}

/** The row as an activity saw it. */
export interface RefusedRefundView extends ProcessView {
  readonly orgId: string;
  readonly paymentId: string;
  /** What was paid for: a pack, a top-up, an invoice, or nothing, since it was captured twice. */
  readonly purpose: string;
  /** Null: nobody must see to it any more. */
  readonly refusedCents: number | null;
}

/** `dismiss`: nothing is asked for again, and who has paid keeps what he has for it. */
export type RefusedRefundCommandName = 'retryRefund' | 'dismiss';

export type RefusedRefundOutcome =
  | { readonly kind: 'done'; readonly view: RefusedRefundView }
  | { readonly kind: 'refused'; readonly why: string };

export interface RefusedRefundActivities {
  tickRefusedRefund(input: { readonly paymentId: string }): Promise<RefusedRefundView>;
  commandRefusedRefund(
    input: Command & { readonly paymentId: string; readonly command: RefusedRefundCommandName },
  ): Promise<RefusedRefundOutcome>;
}

export const retryRefund = defineUpdate<RefusedRefundView, [Command]>('retryRefund');
export const dismiss = defineUpdate<RefusedRefundView, [Command]>('dismiss');
