// What a person reads in Temporal's UI about an unpaid invoice: where its case stands, and what can be done now, as markdown.

import { inDollars } from '../domain/cents.ts';
import { DUNNING, type DunningCommandName, type DunningView, dunningWorkflowId } from './contracts/dunning.ts';
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import { customerFact, type Fact, factList, inUtc, looksAgainFact } from './facts.ts';
import { pokeCommand, updateCommand } from './operator-commands.ts';

export function describe(view: DunningView, attention: string | null): string {
  const headline = attention === null ? standing(view) : `NEEDS ATTENTION: ${attention}`;
  return [`### ${headline}`, WHAT_IT_IS[DUNNING], facts(view, attention), course(view), whatToDo(view)].join('\n\n');
}

function standing({ stage, closed, amountCents }: DunningView): string {
  if (closed !== null) return { paid: 'Paid', void: 'Void: nothing is owed any more', waived: 'Waived' }[closed];
  const owed = inDollars(amountCents);
  const inWords = {
    none: `${owed} unpaid, nothing is restricted for it yet`,
    limited: `${owed} unpaid: the organization is limited`,
    stopped: `${owed} unpaid: the organization is stopped`,
  };
  return inWords[stage];
}

function facts(view: DunningView, attention: string | null): string {
  const { invoiceId, orgId, orgName, dueAt, policy, attempts, wakeAt } = view;
  const rows: Fact[] = [
    ...(attention === null ? [] : [['stands', standing(view)] as const]),
    ...customerFact(orgName),
    ['organization', orgId],
    ['invoice', invoiceId],
    ...(dueAt === undefined ? [] : [['due', inUtc(dueAt)] as const]),
    ['ladder', policy],
    ['card tried', `${attempts} times`],
    looksAgainFact(wakeAt),
  ];
  return factList(rows);
}

/** Billing time, and the names by which `skipTo` knows the steps. */
function course({ told = [], ahead = [] }: DunningView): string {
  const lines = (heading: string, moments: typeof told) =>
    moments.length === 0
      ? []
      : [[`**${heading}**`, '', ...moments.map(({ what, at }) => `- ${inUtc(at)}: \`${what}\``)].join('\n')];
  return [...lines('Told so far', told), ...lines('Still to come, if nobody pays', ahead)].join('\n\n');
}

const FURTHER: Readonly<Partial<Record<DunningCommandName, Readonly<Record<string, string>>>>> = {
  extend: { until: '<2027-04-30T00:00:00Z>' },
  skipTo: { step: '<step>' },
};
const WHAT_FOR: Readonly<Record<DunningCommandName, string>> = {
  retryNow: 'Try the card now',
  extend: 'Give the customer time',
  waive: 'Ask for nothing more',
  skipTo: 'Go on at another step of the ladder',
  decideStop: 'Stop the organization',
};

function possible({ closed, policy }: DunningView): DunningCommandName[] {
  if (closed !== null) return [];
  return policy === 'renewal' ? ['retryNow', 'extend', 'waive', 'skipTo'] : ['extend', 'waive', 'skipTo', 'decideStop'];
}

function whatToDo(view: DunningView): string {
  const workflowId = dunningWorkflowId(view.invoiceId);
  return [
    '**What can be done**',
    '',
    ...possible(view).map(
      (command) => `- ${WHAT_FOR[command]}: ${updateCommand(workflowId, command, FURTHER[command])}`,
    ),
    `- Have it look again: ${pokeCommand(workflowId)}`,
    `- Read on: ${view.runbook}`,
  ].join('\n');
}
