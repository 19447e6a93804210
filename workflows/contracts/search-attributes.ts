// What a case is found by, in lists and in the UI. They are not encrypted: no name, no mail, nothing of a customer goes in here.
// The server must know an attribute before the first workflow sets it.
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** A person must say how to go on. */
export const NEEDS_ATTENTION = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);
/** All that wait for a person: a list, a saved view of the UI, and a figure that wakes somebody. */
export const WAITING_FOR_A_PERSON = `${NEEDS_ATTENTION.name} = true and ExecutionStatus = 'Running'`;
/** When it acts next, if nobody does before. */
export const NEXT_ACTION_AT = defineSearchAttributeKey('NextActionAt', SearchAttributeType.DATETIME);
/** The organization's id. */
export const ACCOUNT_ID = defineSearchAttributeKey('AccountId', SearchAttributeType.KEYWORD);
/** Where a process of billing stands: the phase of a subscription, the stage of a case of dunning or how it was closed. */
export const BILLING_STAGE = defineSearchAttributeKey('BillingStage', SearchAttributeType.KEYWORD);
export const AMOUNT_DUE_CENTS = defineSearchAttributeKey('AmountDueCents', SearchAttributeType.INT);

export const SEARCH_ATTRIBUTES = [
  NEEDS_ATTENTION,
  NEXT_ACTION_AT,
  ACCOUNT_ID,
  BILLING_STAGE,
  AMOUNT_DUE_CENTS,
] as const;
