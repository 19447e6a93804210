// What is proposed, in words: by the route that was asked for, and why it takes two by what the API says of it.
import type { Words } from './messages/language.ts';

const PROPOSED = {
  'post /api/v1/grants': 'grant',
  'post /api/v1/organizations/{orgId}/contract': 'contract',
  'patch /api/v1/organizations/{orgId}/contract': 'contractChange',
  'post /api/v1/invoices/{id}/bank-transfers': 'transfer',
  'post /api/v1/bank-transfers/{id}/reversals': 'reversal',
  'post /api/v1/invoices/{id}/dunning/decide-stop': 'stop',
  'post /api/v1/projects/{id}/prices': 'subAccountPrice',
  'post /api/v1/models': 'newModel',
  'post /api/v1/models/{id}/prices': 'price',
  'patch /api/v1/organizations/{id}': 'organization',
  'post /api/v1/persons/{id}/staff-roles': 'staffRoles',
  'patch /api/v1/persons/{id}': 'staffMail',
  'post /api/v1/persons/{id}/second-factor/remove': 'lostFactor',
  'post /api/v1/master-keys/{version}/destroy': 'masterKey',
} as const;

/** One that has no words yet is told as it is. */
export function wordOfRoute(route: string, t: Words): string {
  return isKnown(route) ? t(`proposed.${PROPOSED[route]}`) : route;
}

function isKnown(route: string): route is keyof typeof PROPOSED {
  return route in PROPOSED;
}

const BECAUSE = {
  'credit above $50 in a day': 'credit',
  'a credit line': 'creditLine',
  'money said to have come by bank': 'transfer',
  'stopping an enterprise': 'stop',
  'a price below the margin floor': 'price',
  'a price below 84.2 % of list': 'listPrice',
  'what our own people may do': 'staffRoles',
  'the mail address of one of our own people': 'staffMail',
  'the second factor of an account': 'lostFactor',
  'a master key is not brought back': 'masterKey',
} as const;

/** One that has no words yet is told as it is. */
export function wordOfReason(why: string, t: Words): string {
  return isReason(why) ? t(`because.${BECAUSE[why]}`) : why;
}

function isReason(why: string): why is keyof typeof BECAUSE {
  return why in BECAUSE;
}
