// Whatever publishes a price may be told to sell below the margin floor, and is never told so without a reason (D23), nor by one person alone.
import { TollgateError } from '../../domain/errors.ts';

export const WHY_BELOW = 'say in reason why it may be below the margin';

export const isExplained = (body: { readonly belowMargin: boolean; readonly reason?: string | undefined }): boolean =>
  !body.belowMargin || body.reason !== undefined;

export function whyTwoPublish({ belowMargin }: { readonly belowMargin: boolean }): string | null {
  return belowMargin ? 'a price below the margin floor' : null;
}

/** What a request with upstream keys in it asks for is kept nowhere, so nobody could approve it later. */
export function refuseBelowMargin({ belowMargin }: { readonly belowMargin: boolean }): void {
  if (!belowMargin) return;
  throw new TollgateError('forbidden', {
    message:
      'A price below the margin takes two persons: publish it by POST /api/v1/models/{id}/prices, where another one approves it.',
    param: 'belowMargin',
  });
}
