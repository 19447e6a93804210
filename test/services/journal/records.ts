// Records of a journal in which only the request matters.
import { nano } from '../../../domain/nano.ts';
import type { Intent, Spilled } from '../../../services/journal/journal-lines.ts';
import { rowsOf, SOME_ID } from '../../support/bare-gateway.ts';

const CUSTOMER = { id: SOME_ID, orgId: SOME_ID, projectId: SOME_ID, enforcementSeq: 0 };

export function intentOf(
  requestId: string,
  customer: { readonly id: string; readonly orgId: string } = CUSTOMER,
): Intent {
  return {
    kind: 'intent',
    requestId,
    n: 1,
    orgId: customer.orgId,
    apiKeyId: customer.id,
    channelId: SOME_ID,
    channelKeyId: SOME_ID,
    modelId: 'std',
    upstreamModel: 'std',
    priceVersionId: SOME_ID,
    costVersionId: null,
    estimateNano: '1',
    sentMs: Date.now(),
  };
}

export function spilledOf(requestId: string): Spilled {
  return { kind: 'spilled', ...rowsOf(CUSTOMER, SOME_ID, nano(1n), requestId) };
}
