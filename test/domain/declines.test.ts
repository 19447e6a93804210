// A card tried again that must not be costs our standing; one given up too early costs the customer.
import { expect, test } from '@jest/globals';
import { classifyDecline, type DeclineCodes } from '../../domain/declines.ts';

function decline(declineCode: string | null, advice: Partial<DeclineCodes> = {}) {
  return classifyDecline({ declineCode, adviceCode: null, networkAdviceCode: null, ...advice });
}

test.each([
  ['stolen_card', 'never'],
  ['fraudulent', 'never'],
  ['invalid_account', 'never'],
  ['revocation_of_all_authorizations', 'never'],
  ['expired_card', 'needs_customer'],
  ['invalid_expiry_year', 'needs_customer'],
  ['transaction_not_allowed', 'needs_customer'],
  ['authentication_required', 'authenticate'],
  ['insufficient_funds', 'later'],
  ['do_not_honor', 'later'],
  ['processing_error', 'later'],
  ['duplicate_transaction', 'duplicate'],
] as const)('%s: %s', (code, wanted) => {
  expect(decline(code)).toMatchObject({ class: wanted, known: true });
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
