// What a case of dunning has to say, to its customer and to those who must decide, as mails of the turn in which it is due; and what is owed, in
// the words that every mail about an invoice has for it.
import type { PoolClient } from 'pg';
import type { Period } from '../../domain/billing-periods.ts';
import { CURRENCY } from '../../domain/cents.ts';
import type { Dunning } from '../../domain/dunning.ts';
import { type Notice, OVERDUE_POLICIES, rungAt, type UnpaidInvoice } from '../../domain/overdue-policy.ts';
import type { Terms } from '../../domain/plans.ts';
import type { FactsOf, Purchase } from '../notifications/mails/kinds.ts';
import { queueMail } from '../notifications/outbox.ts';
import { dunningWorkflowId } from '../processes/poke.ts';
import { planPurchaseOf } from '../subscriptions/plan-mails.ts';

/** One that the ladder waits for: it counts from when the mail server has taken it. */
export async function queueDunningMail(tx: PoolClient, orgId: string, state: Dunning, notice: Notice): Promise<void> {
  const { invoiceId } = state.invoice;
  const unpaid = await unpaidFacts(tx, state);
  const mail = { orgId, key: `${notice}:${invoiceId}`, notice: { invoiceId, notice } } as const;
  const { restrict, end } = OVERDUE_POLICIES[state.invoice.policy];
  switch (notice) {
    case 'first_reminder':
    case 'second_reminder':
    case 'third_reminder': {
      const which = REMINDERS[notice];
      const isOverdue = notice !== 'first_reminder' || state.invoice.policy === 'renewal';
      const facts = { ...unpaid, which, isOverdue, limitedAt: reached(state, restrict.afterMs) };
      return queueMail(tx, { ...mail, kind: 'remind', facts });
    }
    case 'limit_warning':
      return queueMail(tx, {
        ...mail,
        kind: 'limit_warning',
        facts: { ...unpaid, limitedAt: reached(state, restrict.afterMs) ?? unpaid.dueAt },
      });
    case 'plan_end_warning':
    case 'stop_warning': {
      const ending = notice === 'plan_end_warning' ? 'plan' : 'access';
      return queueMail(tx, {
        ...mail,
        kind: 'last_warning',
        facts: { ...unpaid, ending, at: reached(state, end.afterMs) ?? unpaid.dueAt },
      });
    }
    case 'stop_decision_due':
    case 'stop_decision_late':
    case 'stop_decision_very_late': {
      const { invoiceId: _, ...demand } = unpaid;
      const facts = { ...demand, urgency: URGENCIES[notice], workflowId: dunningWorkflowId(invoiceId) };
      return queueMail(tx, { ...mail, kind: 'stop_decision', facts });
    }
  }
}

const REMINDERS = { first_reminder: 'first', second_reminder: 'second', third_reminder: 'third' } as const;
const URGENCIES = {
  stop_decision_due: 'due',
  stop_decision_late: 'late',
  stop_decision_very_late: 'very_late',
} as const;

function reached({ invoice, incidents }: Dunning, afterMs: number): string | null {
  const atMs = rungAt(invoice, incidents, afterMs);
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** What is owed, in the words that mails have for it. */
export async function unpaidFacts(
  tx: PoolClient,
  { invoice }: { readonly invoice: Pick<UnpaidInvoice, 'invoiceId'> },
): Promise<FactsOf<'limit_warning'> extends infer F ? Omit<F, 'limitedAt'> : never> {
  const { rows } = await tx.query<{
    amountCents: number;
    issuedAt: Date;
    dueAt: Date;
    number: string | null;
    /** Or the month of usage, as in 2027-01. */
    name: string;
    bought: { terms: Terms; period: Period | null } | null;
  }>(
    `select coalesce(remaining_of(i.id), i.amount_cents) as "amountCents", i.issued_at as "issuedAt", i.due_at as "dueAt", u.number, i.name, i.bought
       from invoices i left join usage_invoices u on u.invoice_id = i.id where i.id = $1`,
    [invoice.invoiceId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no invoice ${invoice.invoiceId}`);
  const dueAt = row.dueAt.toISOString();
  const purchase: Purchase =
    row.bought === null
      ? { kind: 'usage', from: new Date(`${row.name}-01`).toISOString(), to: row.issuedAt.toISOString() }
      : await planPurchaseOf(tx, row.bought, row.dueAt.getTime());
  return {
    amountCents: row.amountCents,
    currency: CURRENCY,
    purchase,
    invoice: row.number,
    invoiceId: invoice.invoiceId,
    dueAt,
  };
}
