// News for a workflow: a row that is committed with what is new, delivered by whichever worker comes first. Temporal may be away.
import type { PoolClient } from 'pg';

export type ProcessName =
  | 'subscription'
  | 'dunning'
  | 'topup'
  | 'refund'
  | 'onboarding'
  | 'rotate:api-key'
  | 'rotate:channel-key'
  | 'rotate:master-key';

export function subscriptionWorkflowId(subscriptionId: string): string {
  return `subscription:${subscriptionId}`;
}

export function dunningWorkflowId(invoiceId: string): string {
  return `dunning:${invoiceId}`;
}

export function topUpWorkflowId(orgId: string): string {
  return `topup:${orgId}`;
}

export function refundWorkflowId(paymentId: string): string {
  return `refund:${paymentId}`;
}

export function onboardingWorkflowId(applicationId: string): string {
  return `onboarding:${applicationId}`;
}

export function apiKeyRotationWorkflowId(rotationId: string): string {
  return `rotate:api-key:${rotationId}`;
}

export function masterKeyRotationWorkflowId(version: number): string {
  return `rotate:master-key:${version}`;
}

export function channelKeyRotationWorkflowId(slotId: string): string {
  return `rotate:channel-key:${slotId}`;
}

/** Whose workflow that is. */
export function processOf(workflowId: string): { readonly process: string; readonly subject: string } {
  // Some names have a colon of their own, no subject has.
  const colon = workflowId.lastIndexOf(':');
  return { process: workflowId.slice(0, colon), subject: workflowId.slice(colon + 1) };
}

export async function pokeProcess(
  tx: PoolClient,
  workflowId: string,
  process: ProcessName,
  subject: string,
): Promise<void> {
  await tx.query('select poke_process($1, $2, $3)', [workflowId, process, subject]);
}
