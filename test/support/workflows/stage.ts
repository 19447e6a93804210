// What the round trip can be found by; the server must be told of it before the workflow sets it.
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const STAGE = defineSearchAttributeKey('BillingStage', SearchAttributeType.KEYWORD);
