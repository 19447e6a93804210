// The audit log: read in pages, exported whole or in part, and proven. Reading only.
import { z } from 'zod';
import { asCsv, asJsonLines } from '../../services/audit/audit-export.ts';
import { type AuditFilter, exportAudit, listAudit } from '../../services/audit/audit-log.ts';
import { proveAuditLog } from '../../services/audit/audit-proof.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { anything, instant, line, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import type { Reply } from './reply.ts';
import { adminRead, described, none, READS, type Route } from './route.ts';
import { inputOf } from './route-input.ts';

export const entryFilter = {
  actor: line(200).optional(),
  action: line(200).optional(),
  targetKind: line(40).optional(),
  targetId: line(200).optional(),
  from: instant.optional(),
  to: instant.optional(),
};

const filter = {
  ...entryFilter,
  orgId: uuid.optional().meta({ description: 'What is the affair of this organization' }),
  requestId: uuid.optional(),
};

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const Entry = z
  .object({
    id: z.string().meta({ description: 'Its place in the log, from 1 without a gap: `seq` of an export' }),
    at: instant,
    billingAt: instant.nullable().meta({ description: 'What it was for billing, where that clock has been moved' }),
    actor: z.string(),
    action: z.string(),
    targetKind: z.string(),
    targetId: z.string(),
    orgId: uuid.nullable().meta({ description: 'null: the affair of no single organization' }),
    before: anything,
    after: anything,
    reason: z.string().nullable(),
    requestId: uuid.nullable(),
    clientAddress: z.string().nullable(),
    workflowId: z.string().nullable().meta({ description: 'The process that did it, or was told to' }),
    hash: sha256,
  })
  .meta({ id: 'AuditEntry' });

const anchor = z.object({ seq: z.number(), hash: sha256 });

const entries = {
  name: 'audit',
  position: z.string().regex(/^\d{1,18}$/),
  positionOf: ({ id }: { id: string }) => id,
};

const FORMS = {
  ndjson: { written: asJsonLines, type: 'application/x-ndjson' },
  csv: { written: asCsv, type: 'text/csv; charset=utf-8' },
} as const;

export const auditRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/audit',
    permission: 'audit.read',
    summary: 'Who changed what, newest first',
    params: none,
    query: z.strictObject({ ...pageQuery, ...filter }),
    response: pageOf(Entry),
    handler: ({ query }, { db }) =>
      onePage(entries, query, (before, pageSize) => listAudit(db, query, before, pageSize)),
  }),
  exportRoute(),
  adminRead({
    path: '/api/v1/audit/verification',
    permission: 'audit.read',
    summary: 'Computes every hash of the audit log again; with seq and hash, also whether that entry is still there',
    params: none,
    query: z
      .strictObject({ seq: z.coerce.number().int().positive().optional(), hash: sha256.optional() })
      .refine(
        ({ seq, hash }) => (seq === undefined) === (hash === undefined),
        'send seq and hash of one entry, or neither',
      ),
    response: z.object({
      ok: z.boolean(),
      at: instant,
      head: anchor.nullable().meta({ description: 'Where the log ends: whoever keeps this can ask for it later' }),
      checks: z
        .array(
          z.object({
            id: z.string(),
            title: z.string(),
            ok: z.boolean(),
            count: z.number(),
            examples: z.array(z.string()).readonly(),
          }),
        )
        .readonly(),
    }),
    handler: ({ query: { seq, hash } }, { db }) =>
      proveAuditLog(db, seq === undefined || hash === undefined ? null : { seq, hash }),
  }),
];

/** As long as it is: it is sent while it is read. */
function exportRoute(): Route {
  const declared = {
    path: '/api/v1/audit/export',
    summary: 'The audit log, or what a filter leaves of it, oldest first, with what its hashes can be verified by',
    params: none,
    query: z.strictObject({ ...filter, format: z.enum(['ndjson', 'csv']).default('ndjson') }),
    response: z.string(),
  };
  return {
    ...READS,
    ...described(declared),
    who: 'permitted',
    permission: 'audit.read',
    answersIn: ['application/x-ndjson', 'text/csv'],
    async respond(call, app) {
      const { format, ...wanted } = inputOf(declared, call).query;
      return exported(app, wanted, format);
    },
  };
}

async function exported({ db }: AppDependencies, wanted: AuditFilter, format: keyof typeof FORMS): Promise<Reply> {
  const { written, type } = FORMS[format];
  return {
    status: 200,
    headers: { 'content-type': type, 'content-disposition': `attachment; filename="audit.${format}"` },
    text: '',
    chunks: written(await exportAudit(db, wanted)),
  };
}
