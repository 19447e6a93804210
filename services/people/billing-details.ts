// To whom an organization's invoices are made out. The row changes as people correct it; an invoice freezes what it was.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { lockedOrganization, organization } from '../organizations/organizations.ts';
import type { Queryable } from '../platform/postgres.ts';

// A type and not an interface, so that it counts as JSON.
export type Address = {
  readonly line1: string;
  readonly line2: string | null;
  readonly city: string;
  readonly postalCode: string | null;
  readonly region: string | null;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
};

interface Details {
  readonly legalName: string | null;
  readonly address: Address | null;
  readonly taxId: string | null;
  /** As an operator has found by the tax id. */
  readonly taxExempt: boolean;
  /** The customer's own number of the order, which his bookkeeping wants to read on the invoice. */
  readonly poNumber: string | null;
  /** Null: the owners get the invoices. */
  readonly billingEmail: string | null;
}

export interface BillingDetails extends Details {
  readonly orgId: string;
  readonly version: number;
}

export type BillingDetailsChange = { readonly [F in keyof Details]?: Details[F] | undefined };

/** What is not given yet is version 1 as well. @throws TollgateError not_found */
export async function billingDetails(db: Queryable, orgId: string): Promise<BillingDetails> {
  const { id } = await organization(db, orgId);
  const { rows } = await db.query<BillingDetails>(
    `select org_id as "orgId", legal_name as "legalName", address, tax_id as "taxId", tax_exempt as "taxExempt", po_number as "poNumber",
            billing_email as "billingEmail", version
       from billing_details
      where org_id = $1`,
    [id],
  );
  return rows[0] ?? { orgId: id, ...NOTHING_GIVEN, version: 1 };
}

const NOTHING_GIVEN: Details = {
  legalName: null,
  address: null,
  taxId: null,
  taxExempt: false,
  poNumber: null,
  billingEmail: null,
};

/** With its organization. */
export async function lockedBillingDetails(tx: PoolClient, orgId: string): Promise<BillingDetails> {
  await lockedOrganization(tx, orgId);
  return billingDetails(tx, orgId);
}

/** What the change does not name stays as it is; null takes it away. @throws TollgateError conflict: exempt without a tax id */
export async function changeBillingDetails(
  tx: PoolClient,
  before: BillingDetails,
  change: BillingDetailsChange,
): Promise<BillingDetails> {
  const {
    legalName = before.legalName,
    address = before.address,
    taxId = before.taxId,
    taxExempt = before.taxExempt,
    poNumber = before.poNumber,
    billingEmail = before.billingEmail,
  } = change;
  if (taxExempt && taxId === null) {
    throw new TollgateError('conflict', {
      message: 'Whoever is exempt from tax has a tax id: give it together with the exemption, or take both away.',
      param: 'taxExempt',
    });
  }
  await tx.query('insert into billing_details (org_id) values ($1) on conflict do nothing', [before.orgId]);
  await tx.query(
    `update billing_details
        set legal_name = $2, address = $3, tax_id = $4, po_number = $5, billing_email = $6, tax_exempt = $7, version = version + 1
      where org_id = $1`,
    [
      before.orgId,
      legalName,
      address === null ? null : JSON.stringify(address),
      taxId,
      poNumber,
      billingEmail,
      taxExempt,
    ],
  );
  return billingDetails(tx, before.orgId);
}

export interface BillingSnapshot extends Details {
  readonly legalName: string;
  /** Of the billing details that were frozen. */
  readonly version: number;
}

/** What an invoice freezes, as plain JSON. Who has given no legal name is called as we know him. */
export async function billingSnapshot(tx: Queryable, orgId: string): Promise<BillingSnapshot> {
  const { name } = await organization(tx, orgId);
  const { orgId: _, ...details } = await billingDetails(tx, orgId);
  return { ...details, legalName: details.legalName ?? name };
}
