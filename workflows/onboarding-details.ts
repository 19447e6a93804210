// What a person reads in Temporal's UI about an enterprise's application: where it stands, and what can be done now, as markdown.
import { ONBOARDING, type OnboardingView, onboardingWorkflowId } from './contracts/onboarding.ts';
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import { type Fact, factList, looksAgainFact, verbatim } from './facts.ts';
import { pokeCommand } from './operator-commands.ts';

const IN_WORDS: Readonly<Record<OnboardingView['stage'], string>> = {
  draft: 'Not submitted yet',
  in_review: 'Waits for a decision of ours',
  info_requested: 'Waits for the applicant',
  provisioning: 'Being provisioned: no API key of the organization works meanwhile',
  active: 'The organization is an enterprise',
  rejected: 'Rejected',
  withdrawn: 'Withdrawn by the applicant',
  expired: 'Expired: the applicant did not answer',
};

export function describe(view: OnboardingView, attention: string | null): string {
  const headline = attention === null ? IN_WORDS[view.stage] : `NEEDS ATTENTION: ${attention}`;
  return [`### ${headline}`, WHAT_IT_IS[ONBOARDING], facts(view), ...(view.hasEnded ? [] : [whatToDo(view)])].join(
    '\n\n',
  );
}

function facts({
  applicationId,
  orgId,
  company,
  stage,
  formRevision,
  level,
  done,
  next,
  wakeAt,
}: OnboardingView): string {
  const rows: Fact[] = [
    ['application', applicationId],
    ['company', verbatim(company)],
    ['organization', orgId],
    ['stands', stage],
    ['revision', String(formRevision)],
    ...(level === null ? [] : [['waits for level', String(level)] as const]),
    ...(done.length === 0 ? [] : [['provisioned', done.join(', ')] as const]),
    ...(next === null ? [] : [['next step', next] as const]),
    looksAgainFact(wakeAt),
  ];
  return factList(rows);
}

function whatToDo({ applicationId, runbook }: OnboardingView): string {
  const workflowId = onboardingWorkflowId(applicationId);
  return [
    '**What can be done**',
    '',
    `- Decide: on its page, \`/console/staff/applications/${applicationId}\`. A decision is a row of our API; nothing that is sent to this workflow makes one.`,
    `- Have it look again: ${pokeCommand(workflowId)}`,
    `- Read on: ${runbook}`,
  ].join('\n');
}
