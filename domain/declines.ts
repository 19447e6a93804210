// What a bank's refusal asks for (billing.md 4.4). Trying a card again that its bank has ruled out costs us our standing with the
// card networks; not trying one again that was short of money for a day costs the customer.

export type DeclineClass = 'never' | 'needs_customer' | 'authenticate' | 'later' | 'duplicate';

/** As Stripe says them; null where it says nothing. */
export interface DeclineCodes {
  readonly declineCode: string | null;
  readonly adviceCode: string | null;
  readonly networkAdviceCode: string | null;
}

export interface Decline {
  readonly class: DeclineClass;
  /** Mail in neutral words, and a look at who this is. */
  readonly suspicious: boolean;
  /** Passes within hours, more often than not. */
  readonly passing: boolean;
  /** Read as `later`; somebody should give it its place in the list. */
  readonly known: boolean;
}

const CLASSES: Readonly<Record<DeclineClass, readonly string[]>> = {
  never: [
    'stolen_card',
    'lost_card',
    'pickup_card',
    'fraudulent',
    'do_not_try_again',
    'revocation_of_authorization',
    'revocation_of_all_authorizations',
    'restricted_card',
    'invalid_account',
  ],
  needs_customer: [
    'expired_card',
    'incorrect_number',
    'invalid_expiry_month',
    'invalid_expiry_year',
    'incorrect_cvc',
    'card_not_supported',
    'currency_not_supported',
    'transaction_not_allowed',
    // Ours, of a card that was not asked.
    'no_card',
    'card_tried_too_often',
  ],
  authenticate: [
    'authentication_required',
    'payment_intent_authentication_failure',
    // Ours, of a customer who did not come back from his bank.
    'authentication_abandoned',
  ],
  later: [
    'insufficient_funds',
    'card_velocity_exceeded',
    'withdrawal_count_limit_exceeded',
    'generic_decline',
    'do_not_honor',
    'call_issuer',
    'no_action_taken',
    'try_again_later',
    'issuer_not_available',
    'processing_error',
    'reenter_transaction',
  ],
  duplicate: ['duplicate_transaction'],
};

const SUSPICIOUS: ReadonlySet<string | null> = new Set(['stolen_card', 'lost_card', 'pickup_card', 'fraudulent']);
const PASSING: ReadonlySet<string | null> = new Set(['processing_error', 'issuer_not_available']);
/** Mastercard's "do not try again" and "stop recurring payment". */
const NEVER_BY_NETWORK: ReadonlySet<string | null> = new Set(['03', '21']);

const CLASS_BY_CODE: ReadonlyMap<string | null, DeclineClass> = new Map(
  (Object.keys(CLASSES) as DeclineClass[]).flatMap((name) => CLASSES[name].map((code) => [code, name] as const)),
);

/** Advice goes before the code: it is the same bank's second thought about the same refusal. */
export function classifyDecline({ declineCode, adviceCode, networkAdviceCode }: DeclineCodes): Decline {
  const byCode = CLASS_BY_CODE.get(declineCode);
  return {
    class: byAdvice(adviceCode, networkAdviceCode) ?? byCode ?? 'later',
    suspicious: SUSPICIOUS.has(declineCode),
    passing: PASSING.has(declineCode),
    known: byCode !== undefined,
  };
}

function byAdvice(adviceCode: string | null, networkAdviceCode: string | null): DeclineClass | undefined {
  if (adviceCode === 'do_not_try_again' || NEVER_BY_NETWORK.has(networkAdviceCode)) return 'never';
  return adviceCode === 'confirm_card_data' ? 'needs_customer' : undefined;
}
