// The extract and the SDK are two witnesses of the same API. Where they disagree about something that the fake serves, a person has
// looked at it and written down who is right.
import { expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { API_VERSION } from '../support/fake-stripe/resources/events.ts';
import { ROUTES } from '../support/fake-stripe/routes.ts';
import { rawSchemas, requestSchemas } from '../support/fake-stripe/wire/request-schemas.ts';
import { ADDED, REMOVED, UNSERVED } from '../support/fake-stripe/wire/sdk-differences.ts';
import { differences, sdkTypes } from './sdk-parameters.ts';

const SDK = sdkTypes({
  'POST /v1/customers': 'CustomerCreateParams',
  'GET /v1/customers': 'CustomerListParams',
  'GET /v1/customers/{customer}': 'CustomerRetrieveParams',
  'POST /v1/customers/{customer}': 'CustomerUpdateParams',
  'DELETE /v1/customers/{customer}': 'CustomerDeleteParams',
  'GET /v1/customers/{customer}/payment_methods': 'CustomerListPaymentMethodsParams',
  'POST /v1/payment_methods': 'PaymentMethodCreateParams',
  'GET /v1/payment_methods': 'PaymentMethodListParams',
  'GET /v1/payment_methods/{payment_method}': 'PaymentMethodRetrieveParams',
  'POST /v1/payment_methods/{payment_method}/attach': 'PaymentMethodAttachParams',
  'POST /v1/payment_methods/{payment_method}/detach': 'PaymentMethodDetachParams',
  'POST /v1/setup_intents': 'SetupIntentCreateParams',
  'GET /v1/setup_intents/{intent}': 'SetupIntentRetrieveParams',
  'POST /v1/setup_intents/{intent}/confirm': 'SetupIntentConfirmParams',
  'POST /v1/setup_intents/{intent}/cancel': 'SetupIntentCancelParams',
  'POST /v1/payment_intents': 'PaymentIntentCreateParams',
  'GET /v1/payment_intents': 'PaymentIntentListParams',
  'GET /v1/payment_intents/{intent}': 'PaymentIntentRetrieveParams',
  'POST /v1/payment_intents/{intent}': 'PaymentIntentUpdateParams',
  'POST /v1/payment_intents/{intent}/confirm': 'PaymentIntentConfirmParams',
  'POST /v1/payment_intents/{intent}/cancel': 'PaymentIntentCancelParams',
  'GET /v1/charges': 'ChargeListParams',
  'GET /v1/charges/{charge}': 'ChargeRetrieveParams',
  'POST /v1/checkout/sessions': 'Checkout.SessionCreateParams',
  'GET /v1/checkout/sessions': 'Checkout.SessionListParams',
  'GET /v1/checkout/sessions/{session}': 'Checkout.SessionRetrieveParams',
  'POST /v1/checkout/sessions/{session}/expire': 'Checkout.SessionExpireParams',
  'POST /v1/refunds': 'RefundCreateParams',
  'GET /v1/refunds': 'RefundListParams',
  'GET /v1/refunds/{refund}': 'RefundRetrieveParams',
  'POST /v1/refunds/{refund}/cancel': 'RefundCancelParams',
  'GET /v1/balance_transactions': 'BalanceTransactionListParams',
  'GET /v1/balance_transactions/{id}': 'BalanceTransactionRetrieveParams',
  'GET /v1/disputes/{dispute}': 'DisputeRetrieveParams',
  'GET /v1/radar/early_fraud_warnings/{early_fraud_warning}': 'Radar.EarlyFraudWarningRetrieveParams',
  'GET /v1/events': 'EventListParams',
  'GET /v1/events/{id}': 'EventRetrieveParams',
  'POST /v1/billing_portal/sessions': 'BillingPortal.SessionCreateParams',
  'POST /v1/tax/calculations': 'Tax.CalculationCreateParams',
  'GET /v1/tax/calculations/{calculation}': 'Tax.CalculationRetrieveParams',
  'POST /v1/tax/transactions/create_from_calculation': 'Tax.TransactionCreateFromCalculationParams',
  'POST /v1/tax/transactions/create_reversal': 'Tax.TransactionCreateReversalParams',
  'GET /v1/tax/transactions/{transaction}': 'Tax.TransactionRetrieveParams',
});

const told = ({ operation, onlyIn, path }: { operation: string; onlyIn: string; path: string }) =>
  `${operation} ${path} only in ${onlyIn}`;

test('the SDK and the extract agree about every parameter that is served, but for what stands in the list', () => {
  const found = differences(ROUTES, SDK, requestSchemas());
  const unexplained = found.filter(({ path }) => !UNSERVED.some(({ path: known }) => known.test(path)));
  expect(unexplained.map(told)).toEqual([]);
  for (const { path } of UNSERVED) expect(found.some((one) => path.test(one.path))).toBe(true);
});

test('what the list adds is in the SDK and not in the extract; what it removes is in the extract and not in the SDK', () => {
  const found = differences(ROUTES, SDK, rawSchemas());
  for (const { operation, path } of ADDED) {
    const added = found.filter((one) => operation.test(one.operation) && one.path === path.join('.'));
    expect(added.map(({ onlyIn }) => onlyIn)).toContain('sdk');
  }
  const everything = ROUTES.map((route) => ({ ...route, serves: [REMOVED.parameter] }));
  const removed = differences(everything, SDK, rawSchemas()).filter(({ path }) => path === REMOVED.parameter);
  expect(removed.length).toBeGreaterThan(4);
  for (const { operation, onlyIn } of removed) {
    expect({ onlyIn, refused: REMOVED.operation.test(operation) }).toEqual({ onlyIn: 'extract', refused: true });
  }
});

test('the version that the fake speaks is the one that the SDK pins', () => {
  expect(Stripe.API_VERSION).toBe(API_VERSION);
});
