// How a process is started under its fixed id, whoever does it. The texts are what Temporal's UI shows of it for ever.
import {
  API_KEY_ROTATION,
  type ApiKeyRotationInput,
  apiKeyRotationWorkflowId,
  ROTATE_API_KEY,
} from './api-key-rotation.ts';
import {
  CHANNEL_KEY_ROTATION,
  type ChannelKeyRotationInput,
  channelKeyRotationWorkflowId,
  ROTATE_CHANNEL_KEY,
} from './channel-key-rotation.ts';
import { DUNNING, type DunningInput, dunningWorkflowId } from './dunning.ts';
import {
  MASTER_KEY_ROTATION,
  type MasterKeyRotationInput,
  masterKeyRotationWorkflowId,
  ROTATE_MASTER_KEY,
} from './master-key-rotation.ts';
import { ENTERPRISE_ONBOARDING, ONBOARDING, type OnboardingInput, onboardingWorkflowId } from './onboarding.ts';
import { REFUND, REFUSED_REFUND, type RefusedRefundInput, refundWorkflowId } from './refused-refund.ts';
import { SUBSCRIPTION, type SubscriptionInput, subscriptionWorkflowId } from './subscription.ts';
import { AUTO_TOP_UP, TOP_UP, type TopUpInput, topUpWorkflowId } from './top-up.ts';

/** As in the outbox, and in front of the subject in a workflow id. */
export type ProcessName =
  | typeof SUBSCRIPTION
  | typeof DUNNING
  | typeof TOP_UP
  | typeof REFUND
  | typeof ONBOARDING
  | typeof ROTATE_API_KEY
  | typeof ROTATE_CHANNEL_KEY
  | typeof ROTATE_MASTER_KEY;

export interface ProcessStart {
  readonly workflowType:
    | typeof SUBSCRIPTION
    | typeof DUNNING
    | typeof AUTO_TOP_UP
    | typeof REFUSED_REFUND
    | typeof ENTERPRISE_ONBOARDING
    | typeof API_KEY_ROTATION
    | typeof CHANNEL_KEY_ROTATION
    | typeof MASTER_KEY_ROTATION;
  readonly workflowId: string;
  readonly input:
    | SubscriptionInput
    | DunningInput
    | TopUpInput
    | RefusedRefundInput
    | OnboardingInput
    | ApiKeyRotationInput
    | ChannelKeyRotationInput
    | MasterKeyRotationInput;
  readonly staticSummary: string;
  readonly staticDetails: string;
}

/** Temporal forgets the static texts when a run goes on in another (seen on 1.32), so current details say it again. */
export const WHAT_IT_IS: Readonly<Record<ProcessName, string>> = {
  [SUBSCRIPTION]: 'Charges each period of a subscription when it begins, and gives its credit.',
  [DUNNING]:
    'Reminds of an unpaid invoice, tries its card again, and restricts in the end. It ends when the invoice is paid, void or waived.',
  [TOP_UP]:
    'Buys credit for an organization that runs low, as its settings allow. It ends when there is enough, or when it is off.',
  [REFUND]:
    'Waits for a person because Stripe would not give money back. It ends when that was asked for again or dismissed, or the money went back by another way.',
  [ONBOARDING]:
    'Makes an enterprise of an organization: waits for what people decide, reminds them, and provisions what was approved. It ends when its customer is welcomed, or when it was rejected, withdrawn or not answered.',
  [ROTATE_API_KEY]:
    'Reminds whoever still uses a credential that was replaced, and writes its end down. It ends when that credential does; that it is refused then every gateway sees to by itself.',
  [ROTATE_CHANNEL_KEY]:
    'Changes the key of a channel for another one: has it made or waits for it, tries it on ever more requests, and revokes the old one. It ends when the old one is refused, or when all is as it was.',
  [ROTATE_MASTER_KEY]:
    'Has every secret sealed under another master key: waits until all processes have it, then renews what was sealed before. It ends when nothing is left under an older one, or when it was cancelled before.',
};

/** One line to a paragraph: the UI breaks where the text does. */
const HOW_IT_GOES_ON = [
  'PostgreSQL holds the truth: each turn looks at the row, has done outside what the row asks for, and waits for time or news.',
  'What can be done now is in the current details.',
  'To stop it: end the case as its details say. One that is terminated comes back when its row is due.',
];

/** The subject: of a subscription its own id, of a case of dunning the id of its invoice, of a top-up its organization, of a refused refund its payment, of an onboarding its application, of a rolled API key the rotation, of a channel's key its place, of a master key the new version. */
export function processStart(process: ProcessName, subject: string): ProcessStart {
  return { ...startOf(process, subject), staticDetails: [WHAT_IT_IS[process], ...HOW_IT_GOES_ON].join('\n\n') };
}

function startOf(process: ProcessName, subject: string): Omit<ProcessStart, 'staticDetails'> {
  switch (process) {
    case SUBSCRIPTION:
      return {
        workflowType: SUBSCRIPTION,
        workflowId: subscriptionWorkflowId(subject),
        input: { v: 1, subscriptionId: subject },
        staticSummary: `Renews subscription ${subject}`,
      };
    case DUNNING:
      return {
        workflowType: DUNNING,
        workflowId: dunningWorkflowId(subject),
        input: { v: 1, invoiceId: subject },
        staticSummary: `Sees to unpaid invoice ${subject}`,
      };
    case TOP_UP:
      return {
        workflowType: AUTO_TOP_UP,
        workflowId: topUpWorkflowId(subject),
        input: { v: 1, orgId: subject },
        staticSummary: `Tops up organization ${subject}`,
      };
    case REFUND:
      return {
        workflowType: REFUSED_REFUND,
        workflowId: refundWorkflowId(subject),
        input: { v: 1, paymentId: subject },
        staticSummary: `Sees to a refused refund of payment ${subject}`,
      };
    case ONBOARDING:
      return {
        workflowType: ENTERPRISE_ONBOARDING,
        workflowId: onboardingWorkflowId(subject),
        input: { v: 1, applicationId: subject },
        staticSummary: `Onboards the enterprise of application ${subject}`,
      };
    case ROTATE_API_KEY:
      return {
        workflowType: API_KEY_ROTATION,
        workflowId: apiKeyRotationWorkflowId(subject),
        input: { v: 1, rotationId: subject },
        staticSummary: `Ends the overlap of API key rotation ${subject}`,
      };
    case ROTATE_CHANNEL_KEY:
      return {
        workflowType: CHANNEL_KEY_ROTATION,
        workflowId: channelKeyRotationWorkflowId(subject),
        input: { v: 1, slotId: subject },
        staticSummary: `Changes the key in place ${subject} of a channel`,
      };
    case ROTATE_MASTER_KEY:
      return {
        workflowType: MASTER_KEY_ROTATION,
        workflowId: masterKeyRotationWorkflowId(Number(subject)),
        input: { v: 1, version: Number(subject) },
        staticSummary: `Rotates to master key ${subject}`,
      };
  }
}
