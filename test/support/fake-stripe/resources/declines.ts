// What a card answers when it does not pay. Codes, advice and the parameter blamed are those of Stripe's test mode where it has a
// card for them; the rest follows docs.stripe.com/declines/codes.
import type { ErrorBody } from '../wire/refusals.ts';

interface Decline {
  /** Left out: card_declined, and the decline code tells more. */
  readonly code?: string;
  readonly param?: string;
  readonly message: string;
  readonly advice?: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later';
  /** What the card's network said. */
  readonly network: string;
  readonly networkAdvice?: string;
}

const DECLINED = 'Your card was declined.';
const UNSUPPORTED = 'Your card does not support this type of purchase.';
const again = (network: string, message = DECLINED): Decline => ({ message, advice: 'try_again_later', network });
const never = (network: string, networkAdvice?: string): Decline => ({
  message: DECLINED,
  advice: 'do_not_try_again',
  network,
  ...(networkAdvice === undefined ? {} : { networkAdvice }),
});

export const DECLINES = {
  generic_decline: again('05'),
  insufficient_funds: again('51', 'Your card has insufficient funds.'),
  card_velocity_exceeded: again('61', 'Your card was declined for making repeated attempts too frequently.'),
  withdrawal_count_limit_exceeded: again('65'),
  do_not_honor: again('05'),
  call_issuer: again('01'),
  no_action_taken: again('21'),
  try_again_later: again('19'),
  issuer_not_available: again('91'),
  reenter_transaction: again('19'),
  processing_error: {
    code: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
    advice: 'try_again_later',
    network: '96',
  },
  lost_card: never('41'),
  stolen_card: never('43'),
  pickup_card: never('04'),
  restricted_card: never('62'),
  invalid_account: never('14'),
  do_not_try_again: never('03', '03'),
  revocation_of_authorization: never('R1', '21'),
  revocation_of_all_authorizations: never('R3', '21'),
  fraudulent: { message: DECLINED, network: '59' },
  expired_card: {
    code: 'expired_card',
    param: 'exp_month',
    message: 'Your card has expired.',
    advice: 'confirm_card_data',
    network: '54',
  },
  incorrect_number: {
    code: 'incorrect_number',
    param: 'number',
    message: 'Your card number is incorrect.',
    advice: 'confirm_card_data',
    network: '14',
  },
  incorrect_cvc: {
    code: 'incorrect_cvc',
    param: 'cvc',
    message: "Your card's security code is incorrect.",
    advice: 'confirm_card_data',
    network: 'N7',
  },
  card_not_supported: { message: UNSUPPORTED, network: '57' },
  currency_not_supported: { message: 'Your card is not supported in this currency.', network: '57' },
  transaction_not_allowed: { message: UNSUPPORTED, network: '57' },
  duplicate_transaction: { message: DECLINED, network: '94' },
  /** In nobody's list, to see what becomes of a code that the network has invented since. */
  made_up_code: again('99'),
} as const satisfies Readonly<Record<string, Decline>>;

export type DeclineCode = keyof typeof DECLINES;

export function isDeclineCode(code: string): code is DeclineCode {
  return Object.hasOwn(DECLINES, code);
}

export function declineError(declineCode: DeclineCode): ErrorBody {
  const { code = 'card_declined', param, message, advice, network, networkAdvice }: Decline = DECLINES[declineCode];
  return {
    type: 'card_error',
    code,
    decline_code: declineCode,
    message,
    ...(param === undefined ? {} : { param }),
    ...(advice === undefined ? {} : { advice_code: advice }),
    network_decline_code: network,
    ...(networkAdvice === undefined ? {} : { network_advice_code: networkAdvice }),
  };
}
