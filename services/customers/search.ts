// Finds the organization that somebody of our staff is asked about, by whatever its people can name: their address, its name, a key, a request, an
// invoice, a payment. What was typed says by its shape where to look, and every look is one at an index, so none grows with the installation.
import type { Stage } from '../../domain/overdue-policy.ts';
import type { PlanName } from '../../domain/plans.ts';
import type { Enforcement } from '../organizations/organizations.ts';
import type { Queryable } from '../platform/postgres.ts';

export const FOUND_BY = [
  'member_mail',
  'name',
  'api_key',
  'request',
  'invoice',
  'payment',
  'subscription',
  'organization',
] as const;

export interface FoundCustomer {
  readonly orgId: string;
  readonly orgName: string;
  /** Null: it has agreed on none. */
  readonly plan: PlanName | null;
  readonly enforcement: Enforcement;
  readonly overdueStage: Stage;
  readonly foundBy: (typeof FOUND_BY)[number];
  /** What of it was found: the address, the number, the id. */
  readonly what: string;
}

export interface Findings {
  readonly data: readonly FoundCustomer[];
  /** There are others: more of it has to be typed. */
  readonly hasMore: boolean;
}

const MOST = 20;
/** Of these the first characters would be half of the installation. */
const SHORTEST_BEGINNING = 2;

// A closed list: the shape chooses SQL, it never becomes SQL. Each finds (org_id, found_by, what) for $1, at most $2.
const LOOKS = {
  id: `
    select id as org_id, 'organization' as found_by, id::text as what from organizations where id = $1::text::uuid
    union select org_id, 'invoice', id::text from invoices where id = $1::text::uuid
    union select org_id, 'payment', id::text from payments where id = $1::text::uuid
    union select org_id, 'subscription', id::text from subscriptions where id = $1::text::uuid
    union select org_id, 'request', request_id::text from usage_records where request_id = $1::text::uuid
    -- One whose gateway died before it was settled.
    union select org_id, 'request', request_id::text from attempts where request_id = $1::text::uuid`,
  paymentIntent: `select org_id, 'payment' as found_by, id::text as what from payments where stripe_payment_intent = $1`,
  invoiceNumber: `
    select i.org_id, 'invoice' as found_by, u.number as what
      from usage_invoices u join invoices i on i.id = u.invoice_id
     where u.year = split_part($1, '-', 1)::smallint and u.series = upper(coalesce(substring($1 from '-(.*)-'), '')) and u.number_in_year = substring($1 from '[0-9]+$')::integer`,
  keyPrefix: `
    (select org_id, 'api_key' as found_by, prefix || '…' || last_four as what from api_keys where prefix = $1 order by created_at desc limit $2)
    -- Of one that was replaced: whose program is refused by it quotes that.
    union all
    (select org_id, 'api_key', prefix || '…' || last_four from api_key_rotations where prefix = $1 order by started_at desc limit $2)`,
  beginning: `
    (select id as org_id, 'name' as found_by, name as what from organizations
      where lower(name) ~>=~ lower($1) and lower(name) ~<~ (lower($1) || chr(1114111)) order by lower(name) using ~<~ limit $2)
    union all
    (select m.org_id, 'member_mail', p.email from persons p join memberships m on m.person_id = p.id
      where p.email ~>=~ lower($1) and p.email ~<~ (lower($1) || chr(1114111)) and m.status <> 'removed' order by p.email using ~<~ limit $2)`,
} as const;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const KEY_PREFIX = /^sk-tg-[0-9A-Za-z]{4}/;
const INVOICE_NUMBER = /^\d{4}-([A-Z]+-)?\d{6,9}$/i;
const PAYMENT_INTENT = /^pi_\w+$/;

/** In the order of their names. */
export async function findCustomers(db: Queryable, text: string): Promise<Findings> {
  const look = lookFor(text.trim());
  if (look === null) return { data: [], hasMore: false };
  const { rows } = await db.query<FoundCustomer>(
    `select o.id as "orgId", o.name as "orgName", v.plan, o.enforcement, o.overdue_stage as "overdueStage", f.found_by as "foundBy", f.what
       from (${LOOKS[look.at]}) f join organizations o on o.id = f.org_id left join plan_versions v on v.id = o.plan_version_id
      order by o.name, o.id, f.found_by limit $2`,
    [look.wanted, MOST + 1],
  );
  return { data: rows.slice(0, MOST), hasMore: rows.length > MOST };
}

function lookFor(text: string): { readonly at: keyof typeof LOOKS; readonly wanted: string } | null {
  if (UUID.test(text)) return { at: 'id', wanted: text };
  // Of a key that somebody sent in full, no more than everybody may see.
  const [keyPrefix] = KEY_PREFIX.exec(text) ?? [];
  if (keyPrefix !== undefined) return { at: 'keyPrefix', wanted: keyPrefix };
  if (INVOICE_NUMBER.test(text)) return { at: 'invoiceNumber', wanted: text };
  if (PAYMENT_INTENT.test(text)) return { at: 'paymentIntent', wanted: text };
  return text.length < SHORTEST_BEGINNING ? null : { at: 'beginning', wanted: text };
}
