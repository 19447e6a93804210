// What a person reads in Temporal's UI about a refused refund: whose it is, and what can be done now, as markdown.

import { inDollars } from '../domain/cents.ts';
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import { REFUND, type RefusedRefundView, refundWorkflowId } from './contracts/refused-refund.ts';
import { customerFact, type Fact, factList } from './facts.ts';
import { updateCommand } from './operator-commands.ts';

export function describe(view: RefusedRefundView, attention: string | null): string {
  const headline = attention === null ? 'Seen to' : `NEEDS ATTENTION: ${attention}`;
  return [`### ${headline}`, WHAT_IT_IS[REFUND], facts(view), ...(view.hasEnded ? [] : [whatToDo(view)])].join('\n\n');
}

function facts({ orgId, orgName, paymentId, purpose, refusedCents }: RefusedRefundView): string {
  const rows: Fact[] = [
    ...customerFact(orgName),
    ['organization', orgId],
    ['payment', `${paymentId} (${purpose})`],
    ['refused', refusedCents === null ? 'nothing any more' : inDollars(refusedCents)],
  ];
  return factList(rows);
}

function whatToDo({ paymentId, runbook }: RefusedRefundView): string {
  const workflowId = refundWorkflowId(paymentId);
  return [
    '**What can be done**',
    '',
    `- Ask Stripe again: ${updateCommand(workflowId, 'retryRefund')}`,
    `- Leave it as it is: ${updateCommand(workflowId, 'dismiss')}`,
    `- Read on: ${runbook}`,
  ].join('\n');
}
