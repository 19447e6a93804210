// Whatever publishes a price may be told to sell below the margin floor, and is never told so without a reason (D23).

export const WHY_BELOW = 'say in reason why it may be below the margin';

export const isExplained = (body: { readonly belowMargin: boolean; readonly reason?: string | undefined }): boolean =>
  !body.belowMargin || body.reason !== undefined;
