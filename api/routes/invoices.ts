// Invoices, and the cases of those that were not paid. What a person decides about a case is a row before it is answered.
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { dunningRow } from '../../services/dunning/dunning-rows.ts';
import {
  type CaseCommand,
  commandDunning,
  type DunningView,
  RUNGS,
  viewOf,
  waitsForUs,
} from '../../services/dunning/dunnings.ts';
import { overdueInvoices } from '../../services/dunning/overdue-invoices.ts';
import { sendPayLink } from '../../services/dunning/pay-link-mails.ts';
import { invoice, listInvoices, type Invoice as ShownInvoice } from '../../services/invoices/invoices.ts';
import { lockedOrganization, organization } from '../../services/organizations/organizations.ts';
import { ownerOf } from '../../services/organizations/owners.ts';
import type { PayLinks } from '../../services/payments/pay-links.ts';
import { newId } from '../../services/platform/ids.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { instant, reason, uuid, version } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { type IfMatch, requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';
import { Tax } from './taxes.ts';

const Invoice = z
  .object({
    id: uuid,
    orgId: uuid,
    kind: z.enum(['plan', 'usage']),
    subscriptionId: uuid.nullable(),
    plan: z.string().nullable(),
    months: z.int().nullable(),
    amountCents: z.int(),
    taxCents: z.int().meta({ description: 'Of the amount, a line of its own' }),
    tax: Tax,
    awaitsTax: z.boolean().meta({ description: 'The amount is net: Stripe says the tax before anybody is asked' }),
    currency: z.string(),
    state: z.enum(['open', 'paid', 'void']),
    payUrl: z
      .url()
      .nullable()
      .meta({ description: 'Our page; whoever has it may pay. Null: closed, or for sale on a page of Stripe' }),
    issuedAt: instant,
    dueAt: instant,
    closedAt: instant.nullable(),
  })
  .meta({ id: 'Invoice' });

/** Of billing time. */
const moments = z.array(z.object({ what: z.string(), at: z.iso.datetime() }));

const Dunning = z
  .object({
    invoiceId: uuid,
    orgId: uuid,
    orgName: z.string(),
    dueAt: z.iso.datetime(),
    version,
    policy: z.enum(['renewal', 'postpaid']),
    stage: z.enum(['none', 'limited', 'stopped']).meta({ description: 'What this invoice alone brings about' }),
    amountCents: z.int().meta({ description: 'Of the invoice, what is still to be paid' }),
    attempts: z.int(),
    closed: z.enum(['paid', 'void', 'waived']).nullable(),
    wakeAt: z.iso.datetime().nullable().meta({ description: 'When something happens next, if nobody does anything' }),
    told: moments.meta({ description: 'Notices that the mail server took over, oldest first' }),
    ahead: moments.meta({ description: 'What is still to come if nothing is paid and nobody decides' }),
    attention: z
      .object({
        code: z.enum(['stop_decision', 'charge_faults']),
        fault: z.string().nullable().meta({ description: 'In Stripe’s words, where it refuses to charge' }),
      })
      .nullable()
      .meta({ description: 'What a person of ours is asked' }),
  })
  .meta({ id: 'Dunning' });

const OverdueInvoice = z
  .object({
    invoice: Invoice,
    remainingCents: z.int().meta({ description: 'Of the amount, what is still to be paid' }),
    policy: Dunning.shape.policy,
    stage: Dunning.shape.stage,
    ahead: z
      .array(z.object({ what: z.enum(['limit', 'stop', 'end_plan']), at: instant }))
      .readonly()
      .meta({ description: 'What comes unless it is paid, the next first; not before its warning was sent' }),
  })
  .meta({ id: 'OverdueInvoice' });

const byId = z.object({ id: uuid });
const invoices = { name: 'invoices', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const invoiceRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/invoices',
    permission: 'invoice.read',
    of: ({ params }) => params,
    summary: 'Invoices of an organization, newest first',
    params: z.object({ orgId: uuid }),
    query: z.strictObject(pageQuery),
    response: pageOf(Invoice),
    handler: async ({ params, query }, { db, links }) => {
      const { id } = await organization(db, params.orgId);
      return onePage(invoices, query, async (after, pageSize) =>
        (await listInvoices(db, id, after, pageSize)).map((one) => withPayUrl(one, links)),
      );
    },
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/overdue-invoices',
    permission: 'invoice.read',
    of: ({ params }) => params,
    summary: 'What an organization is overdue with, what that restricts, and what comes next unless it is paid',
    params: z.object({ orgId: uuid }),
    query: none,
    response: z.object({ data: z.array(OverdueInvoice) }),
    handler: async ({ params }, { db, links }) => {
      const { id } = await organization(db, params.orgId);
      const overdue = await inTransaction(db, (tx) => overdueInvoices(tx, id));
      return {
        data: overdue.map((one) => ({
          ...one,
          invoice: withPayUrl(one.invoice, links),
          remainingCents: one.invoice.remainingCents,
        })),
      };
    },
  }),
  adminRead({
    path: '/api/v1/invoices/{id}',
    permission: 'invoice.read',
    of: ({ params }, db) => ownerOf(db, 'invoice', params.id),
    summary: 'One invoice',
    params: byId,
    query: none,
    response: Invoice,
    handler: async ({ params }, { db, links }) => withPayUrl(await invoice(db, params.id), links),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/invoices/{id}/pay-links',
    permission: 'pay_link.send',
    summary: 'Mail the link to pay an open invoice to whoever gets the bills of its organization',
    params: byId,
    status: 201,
    body: z.strictObject({ reason }),
    response: z
      .object({
        invoiceId: uuid,
        sentTo: z.int().meta({ description: 'How many addresses; 0: nobody is known to write to' }),
      })
      .meta({ id: 'SentPayLink' }),
    handler: ({ params: { id: invoiceId }, body, author }, _app, change) =>
      change(async (tx) => {
        const answer = { invoiceId, sentTo: await sendPayLink(tx, invoiceId, author.requestId) };
        const what = { action: 'invoice.pay_link_sent', targetKind: 'invoice', targetId: invoiceId } as const;
        return { answer, audit: { ...what, after: answer, reason: body.reason } };
      }),
  }),
  adminRead({
    path: '/api/v1/invoices/{id}/dunning',
    permission: 'dunning.read',
    summary: 'How far the case of an unpaid invoice is',
    params: byId,
    query: none,
    response: Dunning,
    handler: ({ params }, { db }) => inTransaction(db, async (tx) => told(tx, await viewOf(tx, params.id))),
  }),
  caseCommand('retry-now', 'Try the card again now', {}, () => ({ command: 'retryNow' })),
  caseCommand('waive', 'Ask for this money no more; a plan that it was to pay for ends', {}, () => ({
    command: 'waive',
  })),
  caseCommand('decide-stop', 'A person decides that the customer is stopped for this debt', {}, () => ({
    command: 'decideStop',
  })),
  caseCommand(
    'extend',
    'Give the customer time: until then this invoice restricts nobody',
    { until: instant },
    ({ until }) => ({
      command: 'extend',
      until,
    }),
  ),
  caseCommand('skip-to', 'Go on with this step of the ladder now', { step: z.enum(RUNGS) }, ({ step }) => ({
    command: 'skipTo',
    step,
  })),
];

function caseCommand<Fields extends z.ZodRawShape>(
  name: string,
  summary: string,
  fields: Fields,
  commandIn: (body: z.output<z.ZodObject<Fields>>) => CaseCommand,
): Route {
  const Body = z.strictObject({ ...fields, reason });
  return adminChange({
    method: 'post',
    path: `/api/v1/invoices/{id}/dunning/${name}`,
    permission: 'dunning.decide',
    ...(name === 'decide-stop' ? { twoPersons: () => 'stopping an enterprise' } : {}),
    summary,
    params: byId,
    ifMatch: 'optional',
    body: Body,
    response: Dunning,
    handler: ({ params, body, actor, ifMatch }, _app, change) =>
      change((tx) =>
        obeyed(tx, params.id, commandIn(body as z.output<z.ZodObject<Fields>>), {
          actor,
          reason: String((body as { reason: string }).reason),
          ifMatch,
        }),
      ),
  });
}

function withPayUrl(shown: ShownInvoice, links: PayLinks) {
  return { ...shown, payUrl: shown.isPayable ? links.urlOf(shown.id) : null };
}

async function obeyed(
  tx: PoolClient,
  invoiceId: string,
  command: CaseCommand,
  { actor, reason: why, ifMatch }: { readonly actor: string; readonly reason: string; readonly ifMatch: IfMatch },
) {
  const { orgId } = await dunningRow(tx, invoiceId);
  await lockedOrganization(tx, orgId);
  requireSeen(ifMatch, { version: (await viewOf(tx, invoiceId)).revision });
  const outcome = await commandDunning(tx, invoiceId, { ...command, actor, reason: why, requestId: newId() });
  if (outcome.kind === 'refused') {
    throw new TollgateError('conflict', {
      message: `The case of invoice ${invoiceId} cannot take "${command.command}" as it stands now (${outcome.why}).`,
    });
  }
  if (outcome.audit === null) throw new Error('a new request was counted before');
  return { answer: await told(tx, outcome.answer), audit: outcome.audit };
}

async function told(tx: PoolClient, { revision, ...view }: DunningView) {
  const waits = await waitsForUs(tx, await dunningRow(tx, view.invoiceId));
  const fault = waits?.code === 'charge_faults' ? waits.faults.error : null;
  const attention = waits === null ? null : { code: waits.code, fault };
  return { ...view, told: [...view.told], ahead: [...view.ahead], version: revision, attention };
}
