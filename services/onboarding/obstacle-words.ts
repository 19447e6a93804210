// What keeps an application from being provisioned, in English: for the logs and Temporal's UI. Our pages have words of their own for the codes.
import type { GivenUp, Obstacle, ProvisioningAttention } from '../../domain/provisioning.ts';

const IN_WORDS: { readonly [C in Obstacle['code']]: (detail: string) => string } = {
  renewal_owed: (subscriptionId) => `subscription ${subscriptionId} owes a renewal: have it paid, or cancelled`,
  payment_under_way: (subscriptionId) => `subscription ${subscriptionId} has a payment under way`,
  contract_in_force: (orgId) => `organization ${orgId} has a contract that is in force: end it first`,
  contract_replaced: (orgId) => `the contract of organization ${orgId} was ended, or is another`,
  defect: (words) => words,
};

const BEFORE: { readonly [K in ProvisioningAttention['kind']]: string } = {
  waits: 'waits',
  fails: 'fails',
  undo_fails: 'cannot be undone',
};

export function attentionInWords({ kind, step, code, detail }: ProvisioningAttention): string {
  return `${step} ${BEFORE[kind]}: ${IN_WORDS[code](detail)}`;
}

export function failureInWords({ step, code, detail }: GivenUp): string {
  return `${step}: ${IN_WORDS[code](detail)}`;
}
