// The audit log as an organization reads it: what was done there, by whom of its own and from where. What we did there is told as ours: who of us it
// was, from where and why we say so to ourselves is not the customer's (D120).
import type { Queryable } from '../platform/postgres.ts';
import { csvLine } from './audit-export.ts';
import type { AuditFilter, AuditRow } from './audit-log.ts';

/** Who it was of whom no name is told. */
const OURS = 'tollgate';

/** `actor`: `person:{id}`, or `tollgate`. */
export type OrganizationAuditFilter = Omit<AuditFilter, 'orgId' | 'requestId'>;

const COLUMNS = [
  'id',
  'at',
  'actor',
  'action',
  'targetKind',
  'targetId',
  'before',
  'after',
  'reason',
  'clientAddress',
] as const;

export type OrganizationAuditRow = Pick<AuditRow, (typeof COLUMNS)[number]>;

const BATCH = 500;

/** $1 to $7, as `valuesOf` has them. */
const ENTRIES = `
  select ${COLUMNS.map((column) => `e."${column}"`).join(', ')} from (
    select a.seq::text as id, a.seq, a.at, case when own then a.actor else '${OURS}' end as actor, a.action, a.target_kind as "targetKind",
           a.target_id as "targetId", case when own then a.before end as before, case when own then a.after end as after,
           case when own then a.reason end as reason, case when own then a.client_address end as "clientAddress"
      from audit_log a
      left join (select person_id, true as own from memberships where org_id = $1) m on a.actor = 'person:' || m.person_id
     where a.org_id = $1 and a.seq is not null) e
   where ($2::text is null or e.actor = $2) and ($3::text is null or e.action = $3)
     and ($4::text is null or e."targetKind" = $4) and ($5::text is null or e."targetId" = $5)
     and ($6::timestamptz is null or e.at >= $6) and ($7::timestamptz is null or e.at < $7)`;

function valuesOf(orgId: string, { actor, action, targetKind, targetId, from, to }: OrganizationAuditFilter) {
  return [orgId, actor, action, targetKind, targetId, from, to];
}

/** Newest first. `before`: the place of the entry that the page before ended with. */
export async function listOrganizationAudit(
  db: Queryable,
  orgId: string,
  filter: OrganizationAuditFilter,
  before: string | null,
  pageSize: number,
): Promise<OrganizationAuditRow[]> {
  const { rows } = await db.query<OrganizationAuditRow>(
    `${ENTRIES} and ($8::bigint is null or e.seq < $8) order by e.seq desc limit $9`,
    [...valuesOf(orgId, filter), before, pageSize],
  );
  return rows;
}

/** Oldest first, one JSON object a line. */
export async function* auditAsJsonLines(
  db: Queryable,
  orgId: string,
  filter: OrganizationAuditFilter,
): AsyncGenerator<string> {
  for await (const batch of batchesOf(db, orgId, filter)) {
    yield batch.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  }
}

/** The same for spreadsheets (RFC 4180). */
export async function* auditAsCsv(
  db: Queryable,
  orgId: string,
  filter: OrganizationAuditFilter,
): AsyncGenerator<string> {
  yield csvLine(COLUMNS);
  for await (const batch of batchesOf(db, orgId, filter)) {
    yield batch.map((entry) => csvLine(COLUMNS.map((column) => textOf(entry[column])))).join('');
  }
}

function textOf(value: unknown): string | null {
  if (value instanceof Date) return value.toISOString();
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}

async function* batchesOf(
  db: Queryable,
  orgId: string,
  filter: OrganizationAuditFilter,
): AsyncGenerator<OrganizationAuditRow[]> {
  for (let after = '0'; ; ) {
    const { rows } = await db.query<OrganizationAuditRow>(`${ENTRIES} and e.seq > $8 order by e.seq limit $9`, [
      ...valuesOf(orgId, filter),
      after,
      BATCH,
    ]);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last.id;
  }
}
