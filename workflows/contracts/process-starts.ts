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

/** One line to a paragraph: the UI breaks where the text does. */
const HOW_IT_GOES_ON = [
  'PostgreSQL holds the truth: each turn looks at the row, has Stripe asked for what the row asks, and waits for time or news.',
  'What can be done now is in the current details. To have it look at its row again: the Signal `poke`.',
  'To stop it: close the case with one of its Updates. One that is terminated comes back when its row is due.',
].join('\n\n');

/** The subject: of a subscription its own id, of a case of dunning the id of its invoice. */
export function processStart(process: ProcessName, subject: string): ProcessStart {
  switch (process) {
    case SUBSCRIPTION:
      return {
        workflowType: SUBSCRIPTION,
        workflowId: subscriptionWorkflowId(subject),
        input: { v: 1, subscriptionId: subject },
        staticSummary: `Renews subscription ${subject}`,
        staticDetails: `Charges each period of a subscription when it begins, and gives its credit.\n\n${HOW_IT_GOES_ON}`,
      };
    case DUNNING:
      return {
        workflowType: DUNNING,
        workflowId: dunningWorkflowId(subject),
        input: { v: 1, invoiceId: subject },
        staticSummary: `Sees to unpaid invoice ${subject}`,
        staticDetails: `Reminds of an unpaid invoice, tries its card again, and restricts in the end; ends when it is paid, void or waived.\n\n${HOW_IT_GOES_ON}`,
      };
  }
}
