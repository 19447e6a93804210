// What a person reads in Temporal's UI about an automatic top-up: where it stands, and what can be done now, as markdown.

import { inDollars } from '../domain/cents.ts';
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import { TOP_UP, type TopUpView, topUpWorkflowId } from './contracts/top-up.ts';
import { customerFact, type Fact, factList, looksAgainFact } from './facts.ts';
import { pokeCommand } from './operator-commands.ts';

type Settings = NonNullable<TopUpView['settings']>;

export type Standing = 'off' | 'charging' | 'in_doubt' | 'resting' | 'enough';

export function standing({ settings, open, asks, isLow }: TopUpView): Standing {
  if (open !== null) return asks.length > 0 ? 'charging' : 'in_doubt';
  if (settings === null) return 'off';
  return isLow ? 'resting' : 'enough';
}

const IN_WORDS: Readonly<Record<Standing, string>> = {
  off: 'Off',
  charging: 'The card is being asked',
  in_doubt: 'Stripe may have taken the money: asked again until it is known',
  resting:
    'Low, and nothing may be bought yet: a declined card rests for an hour, and a cap is full until the next day or month of UTC',
  enough: 'There is enough credit',
};

export function describe(view: TopUpView, attention: string | null): string {
  const headline = attention === null ? IN_WORDS[standing(view)] : `NEEDS ATTENTION: ${attention}`;
  return [`### ${headline}`, WHAT_IT_IS[TOP_UP], facts(view), whatToDo(view)].join('\n\n');
}

function facts(view: TopUpView): string {
  const { orgId, orgName, settings, open, declinesInARow, wakeAt } = view;
  const rows: Fact[] = [
    ['stands', standing(view)],
    ...customerFact(orgName),
    ['organization', orgId],
    ...(settings === null ? [] : asItIsSet(settings)),
    [
      'open',
      open === null ? 'none' : `number ${open.number}, ${inDollars(open.amountCents)}, payment ${open.paymentId}`,
    ],
    ['declines in a row', `${declinesInARow} of 3`],
    looksAgainFact(wakeAt),
  ];
  return factList(rows);
}

function asItIsSet({ thresholdCents, amountCents, dailyCapCents, monthlyCapCents }: Settings): Fact[] {
  return [
    ['bought below', inDollars(thresholdCents)],
    ['at once', inDollars(amountCents)],
    ['at most', `${inDollars(dailyCapCents)} a day, ${inDollars(monthlyCapCents)} a month`],
  ];
}

function whatToDo({ orgId, runbook }: TopUpView): string {
  return [
    '**What can be done**',
    '',
    `- Have it look again: ${pokeCommand(topUpWorkflowId(orgId))}`,
    `- Switch it on or off: \`PATCH /api/v1/organizations/${orgId}/auto-top-up\``,
    `- Read on: ${runbook}`,
  ].join('\n');
}
