// Refused refunds as their workflow calls them: plain JSON in and out, and a line for those on watch.
import { log } from '@temporalio/activity';
import type { Command } from '../workflows/contracts/commands.ts';
import {
  type RefusedRefundActivities,
  type RefusedRefundCommandName,
  type RefusedRefundView,
  refundWorkflowId,
} from '../workflows/contracts/refused-refund.ts';

type Row = Omit<RefusedRefundView, 'runbook'>;

/** What a command changes is saved before it answers. */
export interface SteppedRefusedRefunds {
  tick(paymentId: string): Promise<Row>;
  command(
    paymentId: string,
    command: Command & { readonly command: RefusedRefundCommandName },
  ): Promise<{ readonly kind: 'done'; readonly answer: Row } | { readonly kind: 'refused'; readonly why: string }>;
}

export function createRefusedRefundActivities(
  refunds: SteppedRefusedRefunds,
  runbook: string,
): RefusedRefundActivities {
  return {
    async tickRefusedRefund({ paymentId }) {
      const row = await refunds.tick(paymentId);
      const { orgId, attention } = row;
      if (attention !== null) {
        log.error('refund_needs_attention', { workflowId: refundWorkflowId(paymentId), orgId, attention });
      }
      return { ...row, runbook };
    },

    async commandRefusedRefund({ paymentId, ...command }) {
      const outcome = await refunds.command(paymentId, command);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: { ...outcome.answer, runbook } };
    },
  };
}
