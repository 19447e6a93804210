// What happened: receipts, usage, the state of the ledger. Reading only.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { nano } from '../../domain/nano.ts';
import { verifyLedger } from '../../services/ledger/verifier.ts';
import { listRequests, type Receipt, receipt } from '../../services/usage/receipts.ts';
import { USAGE_GROUPS, usageBy } from '../../services/usage/usage.ts';
import { instant, line, modelId, money, price, timeZone, tokens, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminRead, none, type Route } from './route.ts';

const attempt = {
  n: z.number(),
  channel: z.string(),
  outcome: z.string(),
  failureClass: z.string().nullable(),
  status: z.number().nullable(),
  sentAt: z.string(),
  firstByteMs: z.number().nullable(),
  durationMs: z.number().nullable(),
};

const receiptFields = {
  requestId: uuid,
  model: z.string(),
  dialect: z.string().nullable(),
  streamed: z.boolean().nullable(),
  outcome: z.string(),
  chargeNano: money.meta({ description: 'What was paid' }),
  dueNano: money.meta({ description: 'What it costs under the plan; more than what was paid is our loss' }),
  ratedNano: money.meta({ description: 'List price: one ceil of the tokens times the price version' }),
  beyondIncludedNano: money
    .nullable()
    .meta({ description: "Of the list price, what no included credit covered, at the plan's own rate" }),
  beyondIncludedPpm: z
    .number()
    .nullable()
    .meta({ description: 'That rate, in millionths of list price; null: all of it at list price' }),
  priceVersion: uuid.nullable(),
  price: price.nullable().meta({ description: 'What that price version says' }),
  tokens,
  usageSource: z.string(),
  deliveredBytes: z.number().nullable(),
  endSent: z.enum(['yes', 'no', 'unknown']),
  admittedAt: instant.nullable(),
  settledAt: instant.nullable(),
};

/** For the customer: what it paid and why. What it cost us is not in it. */
export const CustomerReceipt = z
  .object({ ...receiptFields, attempts: z.array(z.object(attempt)).readonly() })
  .meta({ id: 'Receipt' });

const StaffReceipt = z
  .object({
    ...receiptFields,
    orgId: uuid,
    projectId: uuid.nullable(),
    apiKeyId: uuid.nullable(),
    winner: z.number().nullable(),
    late: z.boolean(),
    costNano: money.nullable(),
    marginNano: money.nullable(),
    attempts: z
      .array(z.object({ ...attempt, channelId: uuid, upstreamModel: z.string(), costNano: money.nullable() }))
      .readonly(),
  })
  .meta({ id: 'StaffReceipt' });

const RequestLine = z
  .object({
    id: uuid,
    orgId: uuid,
    projectId: uuid,
    apiKeyId: uuid,
    model: z.string(),
    outcome: z.string(),
    streamed: z.boolean(),
    tokens,
    usageSource: z.string(),
    ratedNano: money,
    chargeNano: money,
    admittedAt: instant,
    settledAt: instant,
  })
  .meta({ id: 'RequestLine' });

const usageFilter = {
  orgId: uuid.optional(),
  projectId: uuid.optional(),
  apiKeyId: uuid.optional(),
  model: modelId.optional(),
  from: instant.optional(),
  to: instant.optional(),
};

const requests = { name: 'requests', position: uuid, positionOf: ({ id }: { id: string }) => id };
const usageGroups = {
  name: 'usage',
  position: line(300),
  positionOf: ({ group }: { group: string }) => group,
};
export function unknownRequest(id: string): TollgateError {
  return new TollgateError('not_found', {
    message: `There is no request ${id} here. Requests refused before admission leave no receipt.`,
  });
}

function withMargin(found: Receipt) {
  const marginNano = found.costNano === null ? null : nano(found.chargeNano - found.costNano);
  return { ...found, marginNano };
}

export const bookRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/requests',
    permission: 'request.read',
    of: ({ query }) => query,
    summary: 'Admitted requests, newest first',
    params: none,
    query: z.strictObject({ ...pageQuery, ...usageFilter, memberId: uuid.optional(), outcome: line(40).optional() }),
    response: pageOf(RequestLine),
    handler: ({ query }, { db }) =>
      onePage(requests, query, (after, pageSize) =>
        listRequests(db, { ...query, modelId: query.model }, after, pageSize),
      ),
  }),
  adminRead({
    path: '/api/v1/requests/{id}',
    permission: 'receipt.read',
    summary: 'The receipt of a request, with its costs and margin',
    query: none,
    params: z.object({ id: uuid }),
    response: StaffReceipt,
    handler: async ({ params }, { db }) => {
      const found = await receipt(db, params.id, null);
      if (found === null) throw unknownRequest(params.id);
      return withMargin(found);
    },
  }),
  adminRead({
    path: '/api/v1/usage',
    permission: 'usage.read',
    summary: 'What was used, added up by a group',
    params: none,
    query: z.strictObject({
      ...pageQuery,
      ...usageFilter,
      groupBy: z.enum(USAGE_GROUPS).default('total'),
      timeZone: timeZone.default('UTC'),
    }),
    response: pageOf(
      z.object({
        group: z.string(),
        requests: z.number(),
        tokens: z.record(z.string(), z.number()),
        ratedNano: money,
        chargeNano: money,
        costNano: money,
        attemptsWithoutCost: z.number(),
      }),
    ),
    handler: ({ query }, { db }) =>
      onePage(usageGroups, query, (after, pageSize) =>
        usageBy(db, query.groupBy, { ...query, modelId: query.model }, query.timeZone, after, pageSize),
      ),
  }),
  adminRead({
    path: '/api/v1/ledger/verification',
    permission: 'ledger.verify',
    summary: 'Runs the invariants of the ledger on the live books',
    params: none,
    query: none,
    response: z.object({
      ok: z.boolean(),
      at: instant,
      checks: z.array(
        z.object({
          id: z.string(),
          title: z.string(),
          ok: z.boolean(),
          count: z.number(),
          examples: z.array(z.string()),
        }),
      ),
    }),
    handler: async (_input, { db }) => {
      const { ok, at, checks } = await verifyLedger(db);
      return { ok, at, checks: checks.map((check) => ({ ...check, examples: [...check.examples] })) };
    },
  }),
];
