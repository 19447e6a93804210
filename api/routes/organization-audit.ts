// What was done in an organization, for those who run it: read in pages, and exported.
import { z } from 'zod';
import { auditAsCsv, auditAsJsonLines, listOrganizationAudit } from '../../services/audit/organization-audit.ts';
import { entryFilter } from './audit.ts';
import { anything, instant, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminRead, described, READS, type Route } from './route.ts';
import { inputOf } from './route-input.ts';

const filter = {
  ...entryFilter,
  actor: entryFilter.actor.meta({ description: 'person:{id}, or tollgate' }),
};

const Entry = z
  .object({
    id: z.string(),
    at: instant,
    actor: z
      .string()
      .meta({ description: 'person:{id} of a member, now or once; tollgate: somebody or something of ours' }),
    action: z.string(),
    targetKind: z.string(),
    targetId: z.string(),
    before: anything,
    after: anything,
    reason: z.string().nullable(),
    clientAddress: z.string().nullable(),
  })
  .meta({ id: 'OrganizationAuditEntry' });

const entries = {
  name: 'organization-audit',
  position: z.string().regex(/^\d{1,18}$/),
  positionOf: ({ id }: { id: string }) => id,
};

const ofOrganization = z.object({ orgId: uuid });

const FORMS = {
  ndjson: { written: auditAsJsonLines, type: 'application/x-ndjson' },
  csv: { written: auditAsCsv, type: 'text/csv; charset=utf-8' },
} as const;

export const organizationAuditRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/audit',
    permission: 'organization_audit.read',
    of: ({ params }) => params,
    summary: 'Who changed what in an organization, newest first',
    params: ofOrganization,
    query: z.strictObject({ ...pageQuery, ...filter }),
    response: pageOf(Entry),
    handler: ({ params: { orgId }, query }, { db }) =>
      onePage(entries, query, (before, pageSize) => listOrganizationAudit(db, orgId, query, before, pageSize)),
  }),
  exportRoute(),
];

/** As long as it is: it is sent while it is read. */
function exportRoute(): Route {
  const declared = {
    path: '/api/v1/organizations/{orgId}/audit/export',
    summary: 'The same, or what a filter leaves of it, oldest first, as a file',
    params: ofOrganization,
    query: z.strictObject({ ...filter, format: z.enum(['ndjson', 'csv']).default('csv') }),
    response: z.string(),
  };
  return {
    ...READS,
    ...described(declared),
    who: 'permitted',
    permission: 'organization_audit.read',
    belonging: async (call) => inputOf(declared, call).params,
    answersIn: ['application/x-ndjson', 'text/csv'],
    async respond(call, { db }) {
      const { params, query } = inputOf(declared, call);
      const { format, ...wanted } = query;
      const { written, type } = FORMS[format];
      return {
        status: 200,
        headers: { 'content-type': type, 'content-disposition': `attachment; filename="audit.${format}"` },
        text: '',
        chunks: written(db, params.orgId, wanted),
      };
    },
  };
}
