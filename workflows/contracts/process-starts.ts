// How a process of billing is started under its fixed id, whoever does it. The texts are what Temporal's UI shows of it for ever.
import { DUNNING, type DunningInput, dunningWorkflowId } from './dunning.ts';
import { SUBSCRIPTION, type SubscriptionInput, subscriptionWorkflowId } from './subscription.ts';

export type ProcessName = typeof SUBSCRIPTION | typeof DUNNING;

export interface ProcessStart {
  readonly workflowType: ProcessName;
  readonly workflowId: string;
  readonly input: SubscriptionInput | DunningInput;
  readonly staticSummary: string;
  readonly staticDetails: string;
}

/** Temporal forgets the static texts when a run goes on in another (seen on 1.32), so current details say it again. */
export const WHAT_IT_IS: Readonly<Record<ProcessName, string>> = {
  [SUBSCRIPTION]: 'Charges each period of a subscription when it begins, and gives its credit.',
  [DUNNING]:
    'Reminds of an unpaid invoice, tries its card again, and restricts in the end. It ends when the invoice is paid, void or waived.',
};

/** One line to a paragraph: the UI breaks where the text does. */
const HOW_IT_GOES_ON = [
  'PostgreSQL holds the truth: each turn looks at the row, has Stripe asked for what the row asks, and waits for time or news.',
  'What can be done now is in the current details.',
  'To stop it: close the case with one of its Updates. One that is terminated comes back when its row is due.',
];

/** The subject: of a subscription its own id, of a case of dunning the id of its invoice. */
export function processStart(process: ProcessName, subject: string): ProcessStart {
  const staticDetails = [WHAT_IT_IS[process], ...HOW_IT_GOES_ON].join('\n\n');
  switch (process) {
    case SUBSCRIPTION:
      return {
        workflowType: SUBSCRIPTION,
        workflowId: subscriptionWorkflowId(subject),
        input: { v: 1, subscriptionId: subject },
        staticSummary: `Renews subscription ${subject}`,
        staticDetails,
      };
    case DUNNING:
      return {
        workflowType: DUNNING,
        workflowId: dunningWorkflowId(subject),
        input: { v: 1, invoiceId: subject },
        staticSummary: `Sees to unpaid invoice ${subject}`,
        staticDetails,
      };
  }
}
