// What a person reads in Temporal's UI about a rolled API key: which credential ends when, whether it is still used, and what can be done now, as markdown.

import { type ApiKeyRotationView, apiKeyRotationWorkflowId, ROTATE_API_KEY } from './contracts/api-key-rotation.ts';
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import { customerFact, type Fact, factList, inUtc, looksAgainFact, verbatim } from './facts.ts';
import { pokeCommand, updateCommand } from './operator-commands.ts';

/** The stage by which it is found. */
export function standing({ ended }: ApiKeyRotationView): string {
  return ended ?? 'overlap';
}

const IN_WORDS: Readonly<Record<string, string>> = {
  overlap: 'Two credentials work',
  over: 'The overlap is over',
  ended_now: 'The replaced credential was ended before its time',
  taken_back: 'The rotation was taken back: the credential before is the one of the key',
  leaked: 'The replaced credential was found elsewhere, and ended at once',
};

export function describe(view: ApiKeyRotationView, attention: string | null): string {
  const stands = standing(view);
  const headline = attention === null ? (IN_WORDS[stands] ?? stands) : `NEEDS ATTENTION: ${attention}`;
  const parts = [`### ${headline}`, WHAT_IT_IS[ROTATE_API_KEY], facts(view)];
  return [...parts, ...(view.hasEnded ? [] : [whatToDo(view)])].join('\n\n');
}

function facts({ orgId, orgName, apiKeyId, apiKeyName, shape, endsAt, usedAt, wakeAt }: ApiKeyRotationView): string {
  const rows: Fact[] = [
    ...customerFact(orgName),
    ['organization', orgId],
    ['API key', `${apiKeyId} (${verbatim(apiKeyName)})`],
    ['replaced credential', `\`${shape}\``],
    ['works until', inUtc(endsAt)],
    ['last used', usedAt === null ? 'not since it was replaced' : inUtc(usedAt)],
    looksAgainFact(wakeAt),
  ];
  return factList(rows);
}

function whatToDo({ rotationId, runbook }: ApiKeyRotationView): string {
  const workflowId = apiKeyRotationWorkflowId(rotationId);
  return [
    '**What can be done**',
    '',
    `- Have it work longer, at most 720 hours in all: ${updateCommand(workflowId, 'extendOverlap', { overlapHours: 720 })}`,
    `- End it now: ${updateCommand(workflowId, 'endOverlap')}`,
    `- Have it look again: ${pokeCommand(workflowId)}`,
    `- Read on: ${runbook}`,
  ].join('\n');
}
