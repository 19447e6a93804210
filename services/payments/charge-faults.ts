// Charges that meet faults and nothing else: no bank is asked, so no customer answers for them and the ladder waits, but by itself nothing
// gets better. What goes on for longer than Stripe is left to itself with a refusal is told to a person, with Stripe's own words.
import { HOUR_MS } from '../../domain/moments.ts';
import type { Queryable } from '../platform/postgres.ts';

/** Whose charges: of an invoice, or all top-ups of an organization, each of which is a bill of its own. */
export type Charged = { readonly invoiceId: string } | { readonly topUpsOf: string };

/** As long as a workflow rests after a refusal (workflows/billing-process.ts). */
export const TOLERATED_MS = HOUR_MS;
/** What was asked for before it was answered before it. */
const LAST_PAID = `coalesce((select max(b.top_up) from payments b where b.org_id = $1 and b.top_up is not null and b.state = 'paid'), 0)`;

/** In a sentence for whoever watches a process. Null: as below. */
export async function lastingFaults(db: Queryable, charged: Charged): Promise<string | null> {
  const lasting = await sinceFaults(db, charged);
  return lasting === null ? null : faultsInWords(lasting);
}

export function faultsInWords({ since, error }: LastingFaults): string {
  return `since ${since.toISOString()} Stripe refuses the charge and no bank is asked: ${error ?? 'it does not say why'}`;
}

export interface LastingFaults {
  readonly since: Date;
  /** In Stripe's words; null: it has none. */
  readonly error: string | null;
}

/** Null: there are none since a bank has answered, or not for long, or nothing is asked for any more. */
export async function sinceFaults(db: Queryable, charged: Charged): Promise<LastingFaults | null> {
  const [whose, id, sale] =
    'invoiceId' in charged
      ? [
          `p.invoice_id = $1 and exists (select from invoices i where i.id = $1 and i.state = 'open')`,
          charged.invoiceId,
          't.sale_id',
        ]
      : [`p.org_id = $1 and p.top_up > ${LAST_PAID}`, charged.topUpsOf, 't.org_id'];
  const { rows } = await db.query<LastingFaults>(
    `with answered as (
       select a.* from charge_attempts a join payments p on p.id = a.payment_id where ${whose} and a.asked_by = 'billing' and a.outcome is not null
     ), faults as (
       select * from answered where outcome = 'fault'
          and answered_at > coalesce((select max(answered_at) from answered where outcome <> 'fault'), '-infinity')
     ), refused as (
       select r.since, r.why from tax_refusals r join taxes_awaited t on t.sale_id = r.sale_id where ${sale} = $1
     )
     select * from (
       select min(asked_at) as since, (array_agg(error order by answered_at desc))[1] as error from faults
       union all select since, why from refused) told
      where since <= billing_now() - make_interval(secs => ${TOLERATED_MS / 1_000}) order by since limit 1`,
    [id],
  );
  return rows[0] ?? null;
}
