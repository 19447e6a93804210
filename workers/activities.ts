// What workflows may have done, wired to the services that do it.
import type { Pool } from 'pg';
import { createApiKeyRotationActivities, type SteppedApiKeyRotations } from '../activities/api-key-rotation.ts';
import { createBackupActivities, createRestoreCheckActivities } from '../activities/backup.ts';
import { createCardAskActivities } from '../activities/card-asks.ts';
import { createChannelKeyRotationActivities } from '../activities/channel-key-rotation.ts';
import { createDunningActivities, type SteppedDunnings } from '../activities/dunning.ts';
import { lookAfter } from '../activities/look-after.ts';
import { createMasterKeyRotationActivities } from '../activities/master-key-rotation.ts';
import { createOnboardingActivities } from '../activities/onboarding.ts';
import { createReconciliationActivities } from '../activities/reconciliation.ts';
import { createRefusedRefundActivities } from '../activities/refused-refund.ts';
import { createRepairActivities } from '../activities/repair.ts';
import { createSubscriptionActivities, type SteppedSubscriptions } from '../activities/subscription.ts';
import { createTopUpActivities } from '../activities/top-up.ts';
import { ApiKeyRotations, rotationCommandFrom } from '../services/api-keys/rotations.ts';
import type { Backups } from '../services/backups/backups.ts';
import type { RestoreChecks } from '../services/backups/restore-checks.ts';
import type { OutsideParts } from '../services/channel-key-rotation/outside-steps.ts';
import { ChannelKeyRotations } from '../services/channel-key-rotation/rotations.ts';
import { caseCommandFrom, Dunnings } from '../services/dunning/dunnings.ts';
import { MasterKeyRotations } from '../services/master-keys/rotations.ts';
import { Onboardings } from '../services/onboarding/onboardings.ts';
import { answerCardAsk } from '../services/payments/card-asks.ts';
import { RefusedRefunds } from '../services/payments/refused-refunds.ts';
import { StripeApi } from '../services/payments/stripe-api.ts';
import type { StripeSettings } from '../services/platform/config.ts';
import { dunningWorkflowId, subscriptionWorkflowId } from '../services/processes/poke.ts';
import { pokeStranded } from '../services/processes/stranded.ts';
import type { Reconciliations } from '../services/reconciliation/reconciliations.ts';
import { unlessHeld } from '../services/restores/billing-holds.ts';
import { planCommandFrom, Subscriptions } from '../services/subscriptions/subscriptions.ts';
import { TopUps } from '../services/top-ups/top-ups.ts';

/** What takes minutes, and connections of its own. */
export interface ProvingServices {
  readonly reconciliations: Reconciliations;
  readonly backups: Backups;
  readonly drills: RestoreChecks;
}

/** `runbook`: where people read what to do, as markdown. */
export function coreActivities(
  outside: OutsideParts,
  { reconciliations, backups, drills }: ProvingServices,
  runbook: string,
): object {
  const { db, vault } = outside;
  return {
    ...processActivities(db, runbook),
    ...createMasterKeyRotationActivities(new MasterKeyRotations(db, vault), `${runbook}, "The master key"`),
    ...createChannelKeyRotationActivities(new ChannelKeyRotations(outside), `${runbook}, "Keys of channels"`),
    ...createBackupActivities(backups, `${runbook}, "Backups"`),
    ...createRestoreCheckActivities(drills, `${runbook}, "Backups"`),
    ...createReconciliationActivities(reconciliations, `${runbook}, "The nightly reconciliation"`),
    ...createRepairActivities(() => pokeStranded(db)),
  };
}

function processActivities(db: Pool, runbook: string) {
  return {
    ...createSubscriptionActivities(typedSubscriptions(new Subscriptions(db)), `${runbook}, "Subscriptions"`),
    ...createDunningActivities(typedDunnings(new Dunnings(db)), `${runbook}, "Unpaid invoices"`),
    ...createTopUpActivities(new TopUps(db), `${runbook}, "Automatic top-up"`),
    ...createRefusedRefundActivities(new RefusedRefunds(db), `${runbook}, "Refused refunds"`),
    ...createOnboardingActivities(new Onboardings(db), `${runbook}, "Enterprise onboarding"`),
    ...createApiKeyRotationActivities(
      typedRotations(new ApiKeyRotations(db)),
      `${runbook}, "Rolled and frozen API keys"`,
    ),
  };
}

/** Without Stripe nobody can owe anything by card: what is asked all the same waits until the operator gives us his key. */
export function billingActivities(db: Pool, stripeSettings: StripeSettings | null, runbook: string): object {
  const look = lookAfter(processActivities(db, runbook));
  if (stripeSettings === null) {
    return createCardAskActivities(
      () => Promise.reject(new Error('STRIPE_SECRET_KEY is not set for this worker')),
      look,
    );
  }
  const stripe = new StripeApi(stripeSettings, unlessHeld(db));
  return createCardAskActivities((ask, asker, onTrouble) => answerCardAsk({ db, stripe, asker, onTrouble }, ask), look);
}

const INCOMPLETE = { kind: 'refused', why: 'this command does not exist, or lacks a field that it needs' } as const;

function typedSubscriptions(subscriptions: Subscriptions): SteppedSubscriptions {
  return {
    tick: (subscriptionId) => subscriptions.tick(subscriptionId),
    async command(subscriptionId, { actor, reason, requestId, ...told }) {
      const command = planCommandFrom(told);
      if (command === null) return INCOMPLETE;
      const asker = subscriptionWorkflowId(subscriptionId);
      return subscriptions.command(subscriptionId, { ...command, actor, reason, requestId, asker });
    },
  };
}

function typedDunnings(dunnings: Dunnings): SteppedDunnings {
  return {
    tick: (invoiceId) => dunnings.tick(invoiceId),
    async command(invoiceId, { actor, reason, requestId, ...told }) {
      const command = caseCommandFrom(told);
      if (command === null) return INCOMPLETE;
      return dunnings.command(invoiceId, { ...command, actor, reason, requestId, asker: dunningWorkflowId(invoiceId) });
    },
  };
}

export function typedRotations(rotations: ApiKeyRotations): SteppedApiKeyRotations {
  return {
    tick: (rotationId) => rotations.tick(rotationId),
    async command(rotationId, { actor, reason, requestId, ...told }) {
      const command = rotationCommandFrom(told);
      return command === null ? INCOMPLETE : rotations.command(rotationId, { ...command, actor, reason, requestId });
    },
  };
}
