// What an organization went through, newest first, for whoever of us has to answer it: money asked for and what became of it, its plan and its
// stage, mails and how far they came, and everything that the audit log has of it. It is read where it stands, a bounded page of each source (D104).
import { type Nano, nano } from '../../domain/nano.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface Happening {
  /** In the time of billing. */
  readonly at: Date;
  readonly kind: HappeningKind;
  /** Of its kind. */
  readonly id: string;
  /** By kind: the purpose of a payment, the outcome of an attempt, the kind of a mail, the action of the audit log. */
  readonly what: string;
  /** As it stands now; of an attempt the class of its decline. */
  readonly state: string | null;
  readonly detail: string | null;
  readonly amountNano: Nano | null;
  /** As the audit log has it; null: nobody, it came about. */
  readonly actor: string | null;
  /** Of the persons among them; null: there is none. */
  readonly actorName: string | null;
  readonly reason: string | null;
  readonly paymentId: string | null;
  readonly invoiceId: string | null;
  readonly subscriptionId: string | null;
  /** Of what the audit log tells. */
  readonly targetKind: string | null;
  readonly targetId: string | null;
  /** Of the process that did it, or that it is about. */
  readonly workflowId: string | null;
}

type Row = Omit<Happening, 'amountNano' | 'actorName'> & {
  readonly amountNano: string | null;
  /** To the microsecond. */
  readonly exactAt: string;
};

/** A place between two happenings. */
export interface TimelinePlace {
  /** To the microsecond, as PostgreSQL reads it. */
  readonly at: string;
  readonly kind: string;
  readonly id: string;
}

export type PlacedHappening = Happening & { readonly place: TimelinePlace };

/** What each source tells of organization $1, in this order. */
const COLUMNS =
  'at, id, what, state, detail, amount, actor, reason, payment, invoice, subscription, target_kind, target, workflow';

const SOURCES = {
  payment: `
    select p.created_at, p.id::text, p.purpose, p.state, p.pack, p.amount_cents * 10000000::bigint, p.requested_by, null, p.id, p.invoice_id, i.subscription_id,
           null, null, case p.purpose when 'top_up' then 'topup:' || p.org_id end
      from payments p left join invoices i on i.id = p.invoice_id where p.org_id = $1`,
  attempt: `
    select a.asked_at, concat_ws(':', a.payment_id, a.asked_by, a.number, a.try), coalesce(a.outcome, 'open'), a.decline_class, a.decline_code,
           p.amount_cents * 10000000::bigint, a.asked_by, null, p.id, p.invoice_id, s.id, null, null,
           case p.purpose when 'top_up' then 'topup:' || p.org_id else coalesce('dunning:' || d.invoice_id, 'subscription:' || s.id) end
      from payments p join charge_attempts a on a.payment_id = p.id
      left join invoices i on i.id = p.invoice_id left join dunnings d on d.invoice_id = i.id left join subscriptions s on s.id = i.subscription_id
     where p.org_id = $1`,
  refund: `
    select r.created_at, r.id::text, 'refund', r.state, null, r.amount_cents * 10000000::bigint, r.requested_by, null, p.id, p.invoice_id, null::uuid, null, null, null
      from payments p join refunds r on r.payment_id = p.id where p.org_id = $1`,
  invoice: `
    select i.issued_at, i.id::text, i.kind, i.state, coalesce(u.number, i.bought #>> '{terms,planVersionId}'), i.amount_cents * 10000000::bigint, null, null,
           null::uuid, i.id, i.subscription_id, null, null, 'subscription:' || s.id
      from invoices i left join usage_invoices u on u.invoice_id = i.id left join subscriptions s on s.id = i.subscription_id where i.org_id = $1`,
  dunning: `
    select t.at, d.invoice_id::text || ':' || t.what, t.what, case t.what when 'closed' then d.closed end, d.policy, null::bigint, null, null,
           null::uuid, d.invoice_id, d.subscription_id, null, null, 'dunning:' || d.invoice_id
      from invoices i join dunnings d on d.invoice_id = i.id cross join lateral (values (d.opened_at, 'opened'), (d.closed_at, 'closed')) t (at, what)
     where i.org_id = $1 and t.at is not null`,
  subscription: `
    select t.at, s.id::text || ':' || t.what, t.what, s.phase, s.plan_version_id, null::bigint, null, null, null::uuid, null::uuid, s.id, null, null, 'subscription:' || s.id
      from subscriptions s cross join lateral (values (s.started_at, 'started'), (s.ended_at, 'ended')) t (at, what)
     where s.org_id = $1 and t.at is not null`,
  plan: `
    select c.at, c.ledger_number::text, coalesce(c.plan_version_id, 'none'), null, null, null::bigint, null, null, null::uuid, null::uuid, null::uuid, null, null, null
      from plan_changes c where c.org_id = $1`,
  enforcement: `
    select e.at, e.seq::text, e.stage, null, null, null::bigint, null, null, null::uuid, null::uuid, null::uuid, null, null, null
      from enforcement_changes e where e.org_id = $1`,
  mail: `
    select n.created_at, n.id::text, n.kind,
           case when n.handed_over_at is not null then 'handed_over' when n.recipient is null then 'nobody' when n.gave_up_at is not null then 'given_up' else 'waiting' end,
           n.recipient, null::bigint, null, n.error, null::uuid, n.invoice_id, null::uuid, null, null, null
      from notifications n where n.org_id = $1`,
  // But for what its own row says better.
  audit: `
    select coalesce(l.billing_at, l.at), l.id::text, l.action, null, null,
           case when jsonb_typeof(l.after -> 'amountCents') = 'number' then (l.after ->> 'amountCents')::bigint * 10000000
                when l.target_kind = 'grant' then (l.after ->> 'amountNano')::bigint end,
           l.actor, l.reason, null::uuid, null::uuid, null::uuid, l.target_kind, l.target_id,
           coalesce(l.workflow_id, case l.target_kind when 'subscription' then 'subscription:' || l.target_id when 'application' then 'onboarding:' || l.target_id end)
      from audit_log l
     where l.org_id = $1 and l.action <> 'invoice.issued'`,
} as const;

export type HappeningKind = keyof typeof SOURCES;
export const HAPPENING_KINDS = Object.keys(SOURCES) as [HappeningKind, ...HappeningKind[]];

/** After place ($2, $3, $4), at most $5. A source is asked by its own index for no more than what one page can hold of it. */
const TIMELINE = `
  select h.at, to_char(h.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "exactAt", h.kind, h.id, h.what, h.state, h.detail,
         h.amount::text as "amountNano", h.actor, h.reason, h.payment as "paymentId", h.invoice as "invoiceId", h.subscription as "subscriptionId",
         h.target_kind as "targetKind", h.target as "targetId", h.workflow as "workflowId"
    from (${Object.entries(SOURCES)
      .map(
        ([kind, source]) => `
      (select '${kind}' as kind, s.* from (${source}) s (${COLUMNS})
        where s.at <= coalesce($2::timestamptz, 'infinity') and (s.at, '${kind}'::text collate "C", s.id collate "C") < (coalesce($2::timestamptz, 'infinity'), $3::text, $4::text)
        order by s.at desc, s.id collate "C" desc limit $5)`,
      )
      .join(' union all ')}) h
   order by h.at desc, h.kind collate "C" desc, h.id collate "C" desc limit $5`;

/** null: from now on backwards. */
export async function timeline(
  db: Queryable,
  orgId: string,
  after: TimelinePlace | null,
  pageSize: number,
): Promise<PlacedHappening[]> {
  const { rows } = await db.query<Row>(TIMELINE, [orgId, after?.at, after?.kind, after?.id, pageSize]);
  const names = await namesOf(
    db,
    rows.flatMap(({ actor }) => personsIn(actor)),
  );
  return rows.map(({ exactAt, amountNano, ...row }) => ({
    ...row,
    amountNano: amountNano === null ? null : nano(amountNano),
    actorName: nameOf(personsIn(row.actor), names),
    place: { at: exactAt, kind: row.kind, id: row.id },
  }));
}

/** `person:<id>`, or of what took two, one after the other. */
function personsIn(actor: string | null): string[] {
  return [...(actor ?? '').matchAll(/\bperson:([0-9a-f-]{36})/g)].map(([, id = '']) => id);
}

function nameOf(personIds: readonly string[], names: ReadonlyMap<string, string>): string | null {
  return personIds.length === 0 ? null : personIds.map((id) => names.get(id) ?? id).join(' + ');
}

async function namesOf(db: Queryable, personIds: readonly string[]): Promise<Map<string, string>> {
  if (personIds.length === 0) return new Map();
  const { rows } = await db.query<{ id: string; name: string }>('select id, name from persons where id = any($1)', [
    personIds,
  ]);
  return new Map(rows.map(({ id, name }) => [id, name]));
}
