// To whom an organization's invoices are made out.
import { z } from 'zod';
import { isCountry } from '../../domain/countries.ts';
import { pseudonymous } from '../../services/audit/audit.ts';
import { billingDetails, changeBillingDetails, lockedBillingDetails } from '../../services/people/billing-details.ts';
import { line, mailAddress, uuid, version } from './field-schemas.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

export const address = z
  .strictObject({
    line1: line(200),
    line2: line(200).nullable().default(null),
    city: line(100),
    postalCode: line(20).nullable().default(null),
    region: line(100).nullable().default(null),
    country: z
      .string()
      .refine(isCountry, 'write a country by its two letters of ISO 3166-1, as in "DE" or "CN"')
      .meta({ example: 'DE' }),
  })
  .meta({ id: 'Address' });

const BillingDetails = z
  .object({
    orgId: uuid,
    legalName: z.string().nullable().meta({ description: 'null: invoices name the organization as it is called here' }),
    address: address.nullable(),
    taxId: z.string().nullable(),
    taxExempt: z.boolean().meta({ description: 'Nothing that is sold to it is taxed' }),
    poNumber: z.string().nullable(),
    billingEmail: z.string().nullable().meta({ description: 'null: invoices go to the owners' }),
    version,
  })
  .meta({ id: 'BillingDetails' });

const ofOrganization = z.object({ orgId: uuid });

export const billingDetailsRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/billing-details',
    permission: 'billing_details.read',
    of: ({ params }) => params,
    summary: 'To whom invoices are made out from now on',
    query: none,
    params: ofOrganization,
    response: BillingDetails,
    handler: ({ params }, { db }) => billingDetails(db, params.orgId),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/organizations/{orgId}/billing-details',
    permission: 'billing_details.change',
    of: ({ params }) => params,
    staffFields: ['taxExempt'],
    summary: 'Change to whom invoices are made out; those that exist stay as they are',
    ifMatch: 'required',
    params: ofOrganization,
    body: z.strictObject({
      legalName: line(200).nullable().optional(),
      address: address.nullable().optional(),
      taxId: line(50).nullable().optional(),
      taxExempt: z.boolean().optional(),
      poNumber: line(100).nullable().optional(),
      billingEmail: mailAddress.nullable().optional(),
    }),
    response: BillingDetails,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedBillingDetails(tx, params.orgId);
        requireSeen(ifMatch, before);
        const answer = await changeBillingDetails(tx, before, body);
        const what = {
          action: 'billing_details.changed',
          targetKind: 'billing_details',
          targetId: answer.orgId,
        } as const;
        return { answer, audit: { ...what, ...pseudonymous(['orgId', 'taxExempt', 'version'], before, answer) } };
      }),
  }),
];
