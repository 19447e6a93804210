// Enterprises that pay afterwards: their contracts, what an invoice of their usage says, and money that came by bank.
import { z } from 'zod';
import { ownerOf } from '../../services/organizations/owners.ts';
import { bankTransfersOf, recordBankTransfer, reverseBankTransfer } from '../../services/postpaid/bank-transfers.ts';
import {
  changeCreditLine,
  contract,
  creditStanding,
  endContract,
  lockedContract,
  makeContract,
} from '../../services/postpaid/contracts.ts';
import { usageInvoice } from '../../services/postpaid/usage-invoices.ts';
import { address } from './billing-details.ts';
import { instant, line, money, reason, uuid, version } from './field-schemas.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const Contract = z
  .object({
    id: uuid,
    orgId: uuid,
    creditLineCents: z.int(),
    netDays: z.int().meta({ description: 'From the issue of an invoice to the day that it is due' }),
    priceOfListPpm: z.int().meta({ description: 'What its requests cost, in millionths of list price' }),
    effectiveAt: instant,
    endedAt: instant.nullable(),
    madeBy: z.string(),
    note: z.string().nullable(),
    version,
  })
  .meta({ id: 'Contract' });

const Standing = z
  .object({
    creditLineCents: z.int(),
    openInvoicesCents: z.int(),
    unbilledNano: money,
    heldNano: money.meta({ description: 'Leased to gateways and not spent' }),
    availableNano: money.meta({ description: 'The line less all of these; below zero where it was cut to less' }),
  })
  .meta({ id: 'CreditStanding' });

const Line = z.object({
  kind: z.enum(['usage', 'prepaid', 'earlier_usage']).meta({
    description:
      'prepaid: what other credit paid of the usage; earlier_usage: what was used before and is owed only now',
  }),
  projectId: uuid.optional(),
  project: z.string().nullable().optional(),
  modelId: z.string().optional(),
  priceVersionId: uuid.optional(),
  requests: z.int().optional(),
  amountNano: money,
});

const UsageInvoice = z
  .object({
    invoiceId: uuid,
    number: z.string().meta({ description: 'Without a gap in each year', example: '2027-000001' }),
    month: z.string().meta({ example: '2027-01' }),
    amountCents: z.int(),
    taxCents: z.int().meta({ description: 'Of the amount, a line of its own' }),
    remainingCents: z.int(),
    usageNano: money,
    roundingNano: money.meta({ description: 'usage + rounding + tax = amount' }),
    lines: z.array(Line).readonly(),
    billTo: z
      .object({
        legalName: z.string(),
        address: address.nullable(),
        taxId: z.string().nullable(),
        taxExempt: z.boolean(),
        poNumber: z.string().nullable(),
        billingEmail: z.string().nullable(),
        version,
      })
      .meta({ description: 'The billing details of its day' }),
  })
  .meta({ id: 'UsageInvoice' });

const BankTransfer = z
  .object({
    id: uuid,
    invoiceId: uuid,
    orgId: uuid,
    amountCents: z.int(),
    reference: z.string(),
    receivedOn: z.string(),
    recordedBy: z.string(),
    recordedAt: instant,
    reversedAt: instant.nullable(),
  })
  .meta({ id: 'BankTransfer' });

const ofOrganization = z.object({ orgId: uuid });
const byId = z.object({ id: uuid });
const creditLineCents = z.int().min(1).max(1_000_000_000);
const transferCents = z.int().min(1).max(1_000_000_000);

const routesOfContracts: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/contract',
    permission: 'contract.read',
    summary: 'The contract under which an organization pays afterwards, or the last that it had',
    params: ofOrganization,
    query: none,
    response: Contract,
    handler: ({ params }, { db }) => contract(db, params.orgId),
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/contract/standing',
    permission: 'contract.read',
    summary: 'How much of the credit line is used, invoiced and left',
    params: ofOrganization,
    query: none,
    response: Standing,
    handler: async ({ params }, { db }) => creditStanding(db, await contract(db, params.orgId)),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/contract',
    permission: 'contract.change',
    twoPersons: () => 'a credit line',
    summary: 'Let an organization pay afterwards, from now on',
    params: ofOrganization,
    status: 201,
    body: z.strictObject({
      creditLineCents,
      netDays: z.int().min(0).max(120).default(30),
      priceOfListPpm: z.int().min(1).max(1_000_000).default(1_000_000),
      note: line(500).nullable().default(null),
      reason,
    }),
    response: Contract,
    handler: ({ params, body, actor }, _app, change) =>
      change(async (tx) => {
        const answer = await makeContract(tx, params.orgId, { ...body, actor });
        const what = { action: 'contract.made', targetKind: 'contract', targetId: answer.id } as const;
        return { answer, audit: { ...what, after: answer, reason: body.reason } };
      }),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/organizations/{orgId}/contract',
    permission: 'contract.change',
    twoPersons: () => 'a credit line',
    summary: 'Raise or cut the credit line',
    ifMatch: 'required',
    params: ofOrganization,
    body: z.strictObject({ creditLineCents, reason }),
    response: Contract,
    handler: ({ params, body, actor, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedContract(tx, params.orgId);
        requireSeen(ifMatch, before);
        const answer = await changeCreditLine(tx, before, body.creditLineCents, actor);
        const what = { action: 'contract.changed', targetKind: 'contract', targetId: answer.id } as const;
        return { answer, audit: { ...what, before, after: answer, reason: body.reason } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/contract/end',
    permission: 'contract.change',
    summary: 'Lend nothing more; what was used is invoiced as before',
    ifMatch: 'optional',
    params: ofOrganization,
    body: z.strictObject({ reason }),
    response: Contract,
    handler: ({ params, body, actor, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedContract(tx, params.orgId);
        requireSeen(ifMatch, before);
        const answer = await endContract(tx, before, actor);
        const what = { action: 'contract.ended', targetKind: 'contract', targetId: answer.id } as const;
        return { answer, audit: { ...what, before, after: answer, reason: body.reason } };
      }),
  }),
];

const routesOfInvoices: readonly Route[] = [
  adminRead({
    path: '/api/v1/invoices/{id}/usage',
    permission: 'invoice.read',
    of: ({ params }, db) => ownerOf(db, 'invoice', params.id),
    summary: 'What an invoice of usage says, as it was issued',
    params: byId,
    query: none,
    response: UsageInvoice,
    handler: ({ params }, { db }) => usageInvoice(db, params.id),
  }),
  adminRead({
    path: '/api/v1/invoices/{id}/bank-transfers',
    permission: 'invoice.read',
    of: ({ params }, db) => ownerOf(db, 'invoice', params.id),
    summary: 'Transfers that were recorded for an invoice, newest first',
    params: byId,
    query: none,
    response: z.object({ items: z.array(BankTransfer) }),
    handler: async ({ params }, { db }) => ({ items: await bankTransfersOf(db, params.id) }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/invoices/{id}/bank-transfers',
    permission: 'bank_transfer.record',
    twoPersons: () => 'money said to have come by bank',
    summary: 'Record money that came by bank for an invoice of usage, all of it or a part',
    params: byId,
    status: 201,
    body: z.strictObject({
      amountCents: transferCents,
      reference: line(140).meta({ description: 'As on the statement of the bank; once per invoice' }),
      receivedOn: z.iso.date().meta({ example: '2027-03-31' }),
      reason,
    }),
    response: BankTransfer,
    handler: ({ params, body, actor }, _app, change) =>
      change(async (tx) => {
        const answer = await recordBankTransfer(tx, params.id, { ...body, actor });
        const what = { action: 'bank_transfer.recorded', targetKind: 'bank_transfer', targetId: answer.id } as const;
        return { answer, audit: { ...what, after: answer, reason: body.reason } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/bank-transfers/{id}/reversals',
    permission: 'bank_transfer.record',
    twoPersons: () => 'money said to have come by bank',
    summary: 'Take a recorded transfer back: its invoice wants the money again',
    params: byId,
    status: 201,
    body: z.strictObject({ reason }),
    response: BankTransfer,
    handler: ({ params, body, actor }, _app, change) =>
      change(async (tx) => {
        const answer = await reverseBankTransfer(tx, params.id, actor);
        const what = { action: 'bank_transfer.reversed', targetKind: 'bank_transfer', targetId: answer.id } as const;
        return { answer, audit: { ...what, after: answer, reason: body.reason } };
      }),
  }),
];

export const contractRoutes: readonly Route[] = [...routesOfContracts, ...routesOfInvoices];
