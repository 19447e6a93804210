// A card tried again that must not be costs our standing; one given up too early costs the customer.
import { expect, test } from '@jest/globals';
import { classifyDecline, type DeclineCodes } from '../../domain/declines.ts';

function decline(declineCode: string | null, advice: Partial<DeclineCodes> = {}) {
  return classifyDecline({ declineCode, adviceCode: null, networkAdviceCode: null, ...advice });
}

// billing.md 4.4, class by class
test.each([
  [
    'never',
    'stolen_card lost_card pickup_card fraudulent do_not_try_again revocation_of_authorization ' +
      'revocation_of_all_authorizations restricted_card invalid_account',
  ],
  [
    'needs_customer',
    'expired_card incorrect_number invalid_expiry_month invalid_expiry_year incorrect_cvc card_not_supported ' +
      'currency_not_supported transaction_not_allowed',
  ],
  ['authenticate', 'authentication_required'],
  [
    'later',
    'insufficient_funds card_velocity_exceeded withdrawal_count_limit_exceeded generic_decline do_not_honor call_issuer ' +
      'no_action_taken try_again_later issuer_not_available processing_error reenter_transaction',
  ],
  ['duplicate', 'duplicate_transaction'],
] as const)('%s: %s', (wanted, codes) => {
  for (const code of codes.split(' '))
    expect([code, decline(code)]).toMatchObject([code, { class: wanted, known: true }]);
});

test('advice overrules the code, in Stripe words and in those of Mastercard', () => {
  expect(decline('insufficient_funds', { adviceCode: 'do_not_try_again' }).class).toBe('never');
  expect(decline('insufficient_funds', { networkAdviceCode: '03' }).class).toBe('never');
  expect(decline('do_not_honor', { networkAdviceCode: '21' }).class).toBe('never');
  expect(decline('generic_decline', { adviceCode: 'confirm_card_data' }).class).toBe('needs_customer');
  expect(decline('generic_decline', { adviceCode: 'try_again_later' }).class).toBe('later');
});

test('a code that nobody has listed is tried again later and said to be unknown', () => {
  expect(decline('card_on_holiday')).toMatchObject({ class: 'later', known: false });
  expect(decline(null)).toMatchObject({ class: 'later', known: false });
});

test('lost, stolen and fraud are reviewed, and the customer is not told', () => {
  expect(['lost_card', 'stolen_card', 'pickup_card', 'fraudulent'].map((code) => decline(code).suspicious)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(decline('expired_card').suspicious).toBe(false);
});
