// What one person of ours sends where it takes two: by route, a body that is as it has to be.
import { PRICE } from './one-of-everything.ts';

const reason = 'as agreed';

export const SENT_BY_ONE: Readonly<Record<string, object>> = {
  'post /api/v1/grants': { orgId: '0193f000-0000-7000-8000-000000000001', amountNano: '50000000001' },
  'patch /api/v1/organizations/{id}': { enforcement: 'stopped', reason },
  'patch /api/v1/persons/{id}': { email: 'elsewhere@example.com' },
  'post /api/v1/persons/{id}/second-factor/remove': { reason },
  'post /api/v1/persons/{id}/staff-roles': { roles: ['admin'], reason },
  'post /api/v1/master-keys/{version}/destroy': { reason },
  'post /api/v1/models': { id: 'acme/below', price: PRICE, belowMargin: true, reason },
  'post /api/v1/models/{id}/prices': { price: PRICE, belowMargin: true, reason },
  'post /api/v1/organizations/{orgId}/contract': { creditLineCents: 1, reason },
  'patch /api/v1/organizations/{orgId}/contract': { creditLineCents: 1, reason },
  'post /api/v1/projects/{id}/prices': { priceOfListPpm: 842_105, reason },
  'post /api/v1/invoices/{id}/bank-transfers': { amountCents: 1, reference: 'X', receivedOn: '2027-01-31', reason },
  'post /api/v1/bank-transfers/{id}/reversals': { reason },
  'post /api/v1/invoices/{id}/dunning/decide-stop': { reason },
};
