// Where stripe-node 23.1.0 (API 2026-10-28.endive) and the extract (stripe-mock v0.203.0, API 2026-08-26.dahlia) differ, the SDK
// is right (D31). test/fake-stripe/sdk-types.test.ts reads both and fails on a difference that does not stand here.
import type { ParameterSchema } from './parameter-schema.ts';

export interface AddedParameter {
  readonly operation: RegExp;
  readonly path: readonly string[];
  readonly schema: ParameterSchema;
  readonly reason: string;
}

const METHOD_TYPES: ParameterSchema = { type: 'array', items: { type: 'string' } };
const CREDENTIAL_USAGE: ParameterSchema = { type: 'string', enum: ['installment', 'recurring', 'unscheduled'] };
const INTENT_WITH_CARD = /^POST \/v1\/payment_intents(\/\{intent\}(\/confirm)?)?$/;
const SETUP_WITH_CARD = /^POST \/v1\/setup_intents(\/\{intent\}\/confirm)?$/;

/** The SDK has them, the extract has not. */
export const ADDED: readonly AddedParameter[] = [
  {
    operation: /^POST \/v1\/checkout\/sessions$/,
    path: ['allowed_payment_method_types'],
    schema: METHOD_TYPES,
    reason: 'SDK 23.0 put it in the place of payment_method_types.',
  },
  {
    operation: INTENT_WITH_CARD,
    path: ['payment_method_options', 'card', 'stored_credential_usage'],
    schema: CREDENTIAL_USAGE,
    reason: 'New in SDK 23.1.',
  },
  {
    operation: INTENT_WITH_CARD,
    path: ['payment_method_options', 'card', 'setup_credential_usage'],
    schema: CREDENTIAL_USAGE,
    reason: 'New in SDK 23.1.',
  },
  {
    operation: SETUP_WITH_CARD,
    path: ['payment_method_options', 'card', 'setup_credential_usage'],
    schema: CREDENTIAL_USAGE,
    reason: 'New in SDK 23.1.',
  },
];

/** The extract still has it, SDK 23.0 and the API since 2026-09-30.endive have not: refused with Stripe's own code. */
export const REMOVED = {
  operation: /^POST \/v1\/(payment_intents|setup_intents|checkout\/sessions)/,
  parameter: 'payment_method_types',
  code: 'payment_method_types_no_longer_supported',
} as const;

/** Inside served parameters, about things that we do not send: the extract stays as it is, and sending them is refused. */
export const UNSERVED: readonly { readonly path: RegExp; readonly reason: string }[] = [
  {
    path: /^payment_method_options\.(?!card\.)/,
    reason: 'The fake takes cards alone; options of other methods are refused.',
  },
  { path: /^payment_method_options\.card\.moto$/, reason: 'Nobody reads card numbers over the telephone to us.' },
  { path: /types?(\[\])?=(card_present|interac_present|paypay|sequra)$/, reason: 'Methods that we do not take.' },
  {
    path: /^line_items\[\]\.(price_data\.product_data\.tax_details|performance_location)$/,
    reason: 'Where something is performed changes no rate here.',
  },
  { path: /^customer_details\.tax_ids\[\]\.type=/, reason: 'Newer countries; tax ids change nothing here.' },
  { path: /^locale=hi-IN$/, reason: 'Our pages are English and Chinese.' },
  { path: /^ui_mode=form$/, reason: 'Sessions here are hosted pages.' },
  { path: /^flow_data\.(type=)?subscription_pause$/, reason: 'We have no Stripe subscriptions.' },
];
