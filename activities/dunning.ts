// Cases of unpaid invoices as workflows call them: plain JSON in and out, and lines for those on watch.
import { log } from '@temporalio/activity';
import type {
  DunningActivities,
  DunningCommandInput,
  DunningCommandName,
  DunningView,
} from '../workflows/contracts/dunning.ts';
import { dunningWorkflowId } from '../workflows/contracts/dunning.ts';

type Row = Omit<DunningView, 'runbook'>;

/** The row is stepped and saved, and who else has news of it is poked, before either answers. */
export interface SteppedDunnings {
  tick(invoiceId: string): Promise<Row & { readonly isCloseNews: boolean }>;
  command(
    invoiceId: string,
    command: DunningCommandInput & { readonly command: DunningCommandName },
  ): Promise<{ readonly kind: 'done'; readonly answer: Row } | { readonly kind: 'refused'; readonly why: string }>;
}

export function createDunningActivities(dunnings: SteppedDunnings, runbook: string): DunningActivities {
  const told = (row: Row): DunningView => ({ ...row, runbook });
  return {
    async tickDunning({ invoiceId }) {
      const { isCloseNews, ...row } = await dunnings.tick(invoiceId);
      const about = { workflowId: dunningWorkflowId(invoiceId), orgId: row.orgId };
      if (row.attention !== null) log.error('dunning_needs_attention', { ...about, attention: row.attention });
      if (isCloseNews) log.info('dunning_closed', { ...about, how: row.closed });
      return told(row);
    },

    async commandDunning({ invoiceId, ...command }) {
      const outcome = await dunnings.command(invoiceId, command);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: told(outcome.answer) };
    },
  };
}
