// Subscriptions whose process waits for a person of ours: Stripe would not give back what was paid for a void invoice, or a renewal meets faults,
// of which no bank hears. A renewal with a case of its own waits there (services/dunning/waiting-cases.ts). What is done about either is told to
// the workflow (docs/operations.md).
import { sinceFaults } from '../payments/charge-faults.ts';
import type { Queryable } from '../platform/postgres.ts';

interface OfSubscription {
  readonly subscriptionId: string;
  readonly orgId: string;
  readonly orgName: string;
  /** To be given back, or to be paid. */
  readonly amountCents: number;
}

export interface WaitingSubscription extends OfSubscription {
  readonly what: 'refund_refused' | 'charge_faults';
  readonly since: Date;
  /** Stripe's words, where it refuses to charge. */
  readonly fault: string | null;
}

/** Of each kind; more than ever wait. */
const MOST = 100;

export async function waitingSubscriptions(db: Queryable): Promise<WaitingSubscription[]> {
  return [...(await notGivenBack(db)), ...(await unchargeable(db))];
}

/** Since the last refusal: what of it is still with us. */
async function notGivenBack(db: Queryable): Promise<WaitingSubscription[]> {
  const { rows } = await db.query<OfSubscription & { since: Date }>(
    `select s.id as "subscriptionId", o.id as "orgId", o.name as "orgName", sum(p.amount_cents - back.cents)::integer as "amountCents", min(refused.at) as since
       from (select r.payment_id, max(r.created_at) as at from refunds r where r.state = 'failed' group by r.payment_id) refused
       join payments p on p.id = refused.payment_id join invoices i on i.id = p.invoice_id
       join subscriptions s on s.id = i.subscription_id and s.state -> 'refundsRefused' ? i.name join organizations o on o.id = s.org_id
      cross join lateral (
             select coalesce(sum(r.amount_cents), 0) as cents from refunds r where r.payment_id = p.id and r.state <> 'failed') back
      group by s.id, o.id order by since limit $1`,
    [MOST],
  );
  return rows.map((row) => ({ ...row, what: 'refund_refused', fault: null }));
}

async function unchargeable(db: Queryable): Promise<WaitingSubscription[]> {
  const { rows } = await db.query<OfSubscription & { invoiceId: string }>(
    `select s.id as "subscriptionId", o.id as "orgId", o.name as "orgName", i.amount_cents as "amountCents", i.id as "invoiceId"
       from (select p.invoice_id from charge_attempts a join payments p on p.id = a.payment_id where a.outcome = 'fault'
             union select sale_id from tax_refusals) met
       join invoices i on i.id = met.invoice_id and i.state = 'open'
       join subscriptions s on s.id = i.subscription_id join organizations o on o.id = s.org_id
      where not exists (select from dunnings d where d.invoice_id = i.id and d.closed is null)
      order by i.issued_at limit $1`,
    [MOST],
  );
  const waiting: WaitingSubscription[] = [];
  for (const { invoiceId, ...row } of rows) {
    const lasting = await sinceFaults(db, { invoiceId });
    if (lasting !== null) {
      waiting.push({ ...row, what: 'charge_faults', since: lasting.since, fault: lasting.error });
    }
  }
  return waiting;
}
