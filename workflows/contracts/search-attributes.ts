// What a case is found by, in lists and in the UI. They are not encrypted: no name, no mail, nothing of a customer goes in here.
// The server must know an attribute before the first workflow sets it.
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** A person must say how to go on. */
export const NEEDS_ATTENTION = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);
/** When it acts next, if nobody does before. */
export const NEXT_ACTION_AT = defineSearchAttributeKey('NextActionAt', SearchAttributeType.DATETIME);

export const SEARCH_ATTRIBUTES = [NEEDS_ATTENTION, NEXT_ACTION_AT] as const;
