// What a person reads in Temporal's UI about a subscription: where it stands, and what can be done now, as markdown.
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import {
  SUBSCRIPTION,
  type SubscriptionCommandName,
  type SubscriptionView,
  subscriptionWorkflowId,
} from './contracts/subscription.ts';
import { customerFact, type Fact, factList, inUtc, looksAgainFact } from './facts.ts';
import { pokeCommand, updateCommand } from './operator-commands.ts';

export function describe(subscriptionId: string, view: SubscriptionView, attention: string | null): string {
  const headline = attention === null ? standing(view) : `NEEDS ATTENTION: ${attention}`;
  return [`### ${headline}`, WHAT_IT_IS[SUBSCRIPTION], facts(view, attention), whatToDo(subscriptionId, view)].join(
    '\n\n',
  );
}

function standing({ phase, atPeriodEnd, periodEndsAt }: SubscriptionView): string {
  const then = { renew: 'Renews', cancel: 'Ends', pause: 'Pauses' }[atPeriodEnd];
  const inWords: Record<SubscriptionView['phase'], string> = {
    active: `${then} on ${inUtc(periodEndsAt)}`,
    paying: 'A payment is under way',
    past_due: 'Past due: its case of dunning goes on',
    voiding: 'An unpaid invoice is being cancelled',
    paused: 'Paused, until somebody resumes it',
    ended: 'Ended',
  };
  return inWords[phase];
}

function facts(view: SubscriptionView, attention: string | null): string {
  const { orgName, plan, phase, invoiceId, periodEndsAt, wakeAt } = view;
  const rows: Fact[] = [
    ...(attention === null ? [] : [['stands', standing(view)] as const]),
    ...customerFact(orgName),
    ['organization', view.orgId],
    ['plan', plan],
    ['phase', phase],
    ['paid until', inUtc(periodEndsAt)],
    ['invoice', invoiceId === null ? 'none is open' : `${invoiceId}; if it is past due: \`dunning:${invoiceId}\``],
    looksAgainFact(wakeAt),
  ];
  return factList(rows);
}

/** In the order in which they are asked for; which of them is possible is the row's to say (domain/subscription-commands.ts). */
function possible({ phase, atPeriodEnd }: SubscriptionView): SubscriptionCommandName[] {
  switch (phase) {
    case 'active':
    case 'paying': {
      if (atPeriodEnd === 'cancel') return ['reactivate'];
      return atPeriodEnd === 'pause' ? ['resume', 'cancel'] : ['cancel', 'pause', 'changePlan'];
    }
    case 'past_due':
      return ['cancel', 'pause', 'changePlan'];
    case 'voiding':
      return ['cancel'];
    case 'paused':
      return ['resume', 'cancel'];
    case 'ended':
      return [];
  }
}

const WHAT_FOR: Readonly<Record<SubscriptionCommandName, string>> = {
  retryRefund: 'Ask Stripe again to give back what it would not',
  cancel: 'End it with what is paid',
  reactivate: 'Let it renew after all',
  pause: 'Pause it with what is paid',
  resume: 'Resume it',
  changePlan: 'Change its plan',
};

function whatToDo(subscriptionId: string, view: SubscriptionView): string {
  const workflowId = subscriptionWorkflowId(subscriptionId);
  const further = (command: SubscriptionCommandName) => (command === 'changePlan' ? { plan: '<plan>', months: 1 } : {});
  return [
    '**What can be done**',
    '',
    ...[...(view.refundsRefused > 0 ? (['retryRefund'] as const) : []), ...possible(view)].map(
      (command) => `- ${WHAT_FOR[command]}: ${updateCommand(workflowId, command, further(command))}`,
    ),
    `- Have it look again: ${pokeCommand(workflowId)}`,
    `- Read on: ${view.runbook}`,
  ].join('\n');
}
