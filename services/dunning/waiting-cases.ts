// Cases of unpaid invoices that wait for a person of ours: postpaid customers, whom only a person's word stops, and charges that meet faults, of
// which no bank hears and for which no customer answers. What is done about one is done on its customer's page.
import type { Dunning } from '../../domain/dunning.ts';
import { type Notice, OVERDUE_POLICIES, stopDecisionAskedAt } from '../../domain/overdue-policy.ts';
import { sinceFaults } from '../payments/charge-faults.ts';
import type { Queryable } from '../platform/postgres.ts';
import { billingNow } from '../subscriptions/turn.ts';

interface OfCase {
  readonly invoiceId: string;
  readonly orgId: string;
  readonly orgName: string;
  /** Still to be paid. */
  readonly amountCents: number;
}

export interface WaitingCase extends OfCase {
  /** How urgently it was asked for last, or that no charge gets through. */
  readonly what: Notice | 'charge_faults';
  readonly since: Date;
  /** Stripe's words, where it refuses to charge. */
  readonly fault: string | null;
}

/** Of each kind; more than ever wait. */
const MOST = 100;
const OF_CASE = `select d.invoice_id as "invoiceId", d.org_id as "orgId", o.name as "orgName", coalesce(remaining_of(i.id), i.amount_cents) as "amountCents"`;
const CASES = 'from dunnings d join invoices i on i.id = d.invoice_id join organizations o on o.id = d.org_id';

export async function waitingCases(db: Queryable): Promise<WaitingCase[]> {
  return [...(await undecidedStops(db)), ...(await unchargeable(db))];
}

/** Not while time is given: then the customer has the word. */
async function undecidedStops(db: Queryable): Promise<WaitingCase[]> {
  const names = OVERDUE_POLICIES.postpaid.escalations.map(({ name }) => name);
  const { rows } = await db.query<OfCase & { state: Dunning }>(
    `${OF_CASE}, d.state ${CASES}
      where d.closed is null and d.policy = 'postpaid' and d.state #> '{invoice,handedOver}' ?| $1
      order by d.opened_at limit $2`,
    [names, MOST],
  );
  const nowMs = await billingNow(db);
  return rows.flatMap(({ state: { invoice }, ...ofCase }) => {
    const askedMs = stopDecisionAskedAt(invoice, nowMs);
    const what = names.findLast((name) => invoice.handedOver[name] !== undefined);
    return askedMs === null || what === undefined ? [] : [{ ...ofCase, what, since: new Date(askedMs), fault: null }];
  });
}

async function unchargeable(db: Queryable): Promise<WaitingCase[]> {
  const { rows } = await db.query<OfCase>(
    `${OF_CASE} ${CASES}
      where d.closed is null and (
        exists (select from payments p join charge_attempts a on a.payment_id = p.id where p.bill_id = d.invoice_id and a.outcome = 'fault')
        or exists (select from tax_refusals r where r.sale_id = d.invoice_id))
      order by d.opened_at limit $1`,
    [MOST],
  );
  const cases: WaitingCase[] = [];
  for (const ofCase of rows) {
    const lasting = await sinceFaults(db, ofCase);
    if (lasting !== null) {
      cases.push({ ...ofCase, what: 'charge_faults', since: lasting.since, fault: lasting.error });
    }
  }
  return cases;
}
