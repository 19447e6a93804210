// What is proposed, in words: by the route that was asked for.
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
} as const;

/** One that has no words yet is told as it is. */
export function wordOfRoute(route: string, t: Words): string {
  return isKnown(route) ? t(`proposed.${PROPOSED[route]}`) : route;
}

function isKnown(route: string): route is keyof typeof PROPOSED {
  return route in PROPOSED;
}
