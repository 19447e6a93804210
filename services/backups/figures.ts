// What a database holds, in figures that can be asked of it again after a restore: how many rows each table has, what each of its numbers
// sums to, where the ledger and the audit log end, and what the schema is. All are exact and of one snapshot, the one that is dumped.
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { z } from 'zod';

export const figuresSchema = z.object({
  /** The last one that has run: 0025_single-sign-on; null: nobody has noted any. */
  migration: z.string().nullable(),
  schemaSha256: z.string(),
  /** Of the last transaction; null: there is none yet. */
  ledger: z.object({ lastTransaction: z.string(), bookedAt: z.string() }).nullable(),
  audit: z.object({ lastSeq: z.string(), hash: z.string() }).nullable(),
  /** By name, `rows` and `sum of <column>` for each whole or decimal one. */
  tables: z.record(z.string(), z.record(z.string(), z.string().nullable())),
});

export type Figures = z.infer<typeof figuresSchema>;

/** The caller holds the snapshot. */
export async function figuresOf(client: Client): Promise<Figures> {
  return {
    migration: await lastMigration(client),
    schemaSha256: await schemaDigest(client),
    ledger: await endOfLedger(client),
    audit: await endOfAuditLog(client),
    tables: await tableFigures(client),
  };
}

/** In words, the gravest first; none: they are the same. */
export function differences(promised: Figures, found: Figures): string[] {
  return [
    ...missingTables(promised, found),
    ...otherEnds(promised, found),
    ...otherTables(promised, found),
    ...(promised.schemaSha256 === found.schemaSha256 ? [] : ['its schema is not the one of its manifest']),
    ...(promised.migration === found.migration
      ? []
      : [`its last migration is ${found.migration}, its manifest says ${promised.migration}`]),
  ];
}

function missingTables(promised: Figures, found: Figures): string[] {
  const all = Object.keys(promised.tables);
  const missing = all.filter((table) => found.tables[table] === undefined);
  if (missing.length === 0) return [];
  const named = missing.slice(0, 5).join(', ');
  return [`it has no table ${named}${missing.length > 5 ? ` and ${missing.length - 5} more of ${all.length}` : ''}`];
}

function otherEnds(promised: Figures, found: Figures): string[] {
  const [ledger, audit] = [promised.ledger?.lastTransaction ?? 'none', promised.audit?.lastSeq ?? 'none'];
  const [foundLedger, foundAudit] = [found.ledger?.lastTransaction ?? 'none', found.audit?.lastSeq ?? 'none'];
  const isOtherHash = promised.audit?.hash !== found.audit?.hash;
  return [
    ...(ledger === foundLedger ? [] : [`its ledger ends with transaction ${foundLedger}, its manifest says ${ledger}`]),
    ...(audit === foundAudit ? [] : [`its audit log ends with entry ${foundAudit}, its manifest says ${audit}`]),
    ...(audit === foundAudit && isOtherHash ? ['the last entry of its audit log has another hash'] : []),
  ];
}

function otherTables(promised: Figures, found: Figures): string[] {
  return Object.entries(promised.tables).flatMap(([table, figures]) =>
    Object.entries(figures).flatMap(([of, value]) => {
      const now = found.tables[table]?.[of];
      if (found.tables[table] === undefined || now === value) return [];
      return [`${of}${of === 'rows' ? ' of' : ' in'} ${table}: ${now ?? 'none'}, its manifest says ${value ?? 'none'}`];
    }),
  );
}

async function lastMigration(client: Client): Promise<string | null> {
  const { rows } = await client.query<{ isThere: boolean }>(
    `select to_regclass('public.pgmigrations') is not null as "isThere"`,
  );
  if (rows[0]?.isThere !== true) return null;
  const last = await client.query<{ name: string }>('select name from public.pgmigrations order by id desc limit 1');
  return last.rows[0]?.name ?? null;
}

async function endOfLedger(client: Client): Promise<Figures['ledger']> {
  if (!(await isThere(client, 'public.ledger_transactions'))) return null;
  const { rows } = await client.query<{ lastTransaction: string; bookedAt: Date }>(
    `select id::text as "lastTransaction", booked_at as "bookedAt" from public.ledger_transactions order by id desc limit 1`,
  );
  const [last] = rows;
  return last === undefined ? null : { ...last, bookedAt: last.bookedAt.toISOString() };
}

async function endOfAuditLog(client: Client): Promise<Figures['audit']> {
  if (!(await isThere(client, 'public.audit_log'))) return null;
  const { rows } = await client.query<{ lastSeq: string; hash: string }>(
    `select seq::text as "lastSeq", encode(hash, 'hex') as hash from public.audit_log where seq is not null order by seq desc limit 1`,
  );
  return rows[0] ?? null;
}

async function isThere(client: Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ isThere: boolean }>('select to_regclass($1) is not null as "isThere"', [table]);
  return rows[0]?.isThere === true;
}

/** One look at each table, as PostgreSQL names what there is to add up. */
async function tableFigures(client: Client): Promise<Figures['tables']> {
  const { rows } = await client.query<{ name: string; question: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name,
            format('select count(*)::text as rows%s from %I.%I',
                   string_agg(format(', sum(%I)::text as %I', a.attname, 'sum of ' || a.attname), '' order by a.attnum)
                     filter (where t.typname in ('int2', 'int4', 'int8', 'numeric')),
                   n.nspname, c.relname) as question
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_type t on t.oid = a.atttypid
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_toast%'
      group by n.nspname, c.relname order by 1`,
  );
  const tables: Figures['tables'] = {};
  for (const { name, question } of rows) {
    const { rows: figures } = await client.query<Record<string, string | null>>(question);
    tables[name] = figures[0] ?? {};
  }
  return tables;
}

/**
 * Tables with their columns, what constrains them, their indexes, triggers and policies, and the functions; whose each is and who may do what with it:
 * each as PostgreSQL writes it.
 */
async function schemaDigest(client: Client): Promise<string> {
  const { rows } = await client.query<{ what: string }>(
    `select what collate "C" as what from (
       select format('column %s.%s.%s %s %s %s %s %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                     a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) as what
         from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and n.nspname in ('public', 'auth')
       union all
       select format('constraint %s.%s %s %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
         from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'auth')
       union all
       select indexdef from pg_indexes where schemaname in ('public', 'auth')
       union all
       select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
        where not t.tgisinternal and n.nspname in ('public', 'auth')
       union all
       select format('policy %s.%s %s %s %s %s %s %s', schemaname, tablename, policyname, permissive, cmd, roles, qual, with_check) from pg_policies
       union all
       select format('table %s.%s %s %s %s', n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'S', 'v', 'm') and n.nspname in ('public', 'auth')
       union all
       select format('function %s.%s(%s) %s %s %s', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), md5(p.prosrc), p.prosecdef, p.proconfig)
         from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'auth')
       union all
       select format('right %s %s %s %s %s', owned.what, owned.owner::regrole, r.grantee::regrole, r.privilege_type, r.is_grantable)
         from (select format('%s.%s', n.nspname, c.relname) as what, c.relowner as owner, n.nspname as of_schema,
                      coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner)) as acl
                 from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'S', 'v', 'm')
               union all
               select format('%s.%s.%s', n.nspname, c.relname, a.attname), c.relowner, n.nspname, a.attacl
                 from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace where a.attacl is not null
               union all
               select format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.proowner, n.nspname,
                      coalesce(p.proacl, acldefault('f', p.proowner))
                 from pg_proc p join pg_namespace n on n.oid = p.pronamespace) owned, aclexplode(owned.acl) r
        where owned.of_schema in ('public', 'auth')
     ) schema order by 1`,
  );
  return createHash('sha256')
    .update(rows.map(({ what }) => what).join('\n'))
    .digest('hex');
}
