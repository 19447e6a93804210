// What an organization is told of its own debts: which invoices are overdue, what each restricts, and what comes next unless it is paid.
import type { PoolClient } from 'pg';
import { rungsAhead, type Stage, standingOf } from '../../domain/overdue-policy.ts';
import { type Invoice, invoice } from '../invoices/invoices.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { openDunningsOf } from './dunning-rows.ts';

export interface OverdueInvoice {
  readonly invoice: Invoice;
  readonly policy: 'renewal' | 'postpaid';
  /** What it alone brings about. */
  readonly stage: Stage;
  /** Restrictions to come, the next one first. */
  readonly ahead: readonly { readonly what: Restricting; readonly at: Date }[];
}

const RESTRICTING = ['limit', 'stop', 'end_plan'] as const;
type Restricting = (typeof RESTRICTING)[number];

/** What is waived is asked for no more, and what is not due yet restricts nobody. */
export async function overdueInvoices(tx: PoolClient, orgId: string): Promise<OverdueInvoice[]> {
  const nowMs = await billingNow(tx);
  const overdue: OverdueInvoice[] = [];
  for (const { invoiceId, state } of await openDunningsOf(tx, orgId)) {
    const bill = await invoice(tx, invoiceId);
    if (state.invoice.waived || bill.dueAt.getTime() > nowMs) continue;
    const { stage } = standingOf(state.invoice, state.incidents, nowMs);
    const ahead = rungsAhead(state.invoice, state.incidents, nowMs).flatMap(({ name, atMs }) => {
      const what = RESTRICTING.find((one) => one === name);
      return what === undefined ? [] : [{ what, at: new Date(atMs) }];
    });
    overdue.push({ invoice: bill, policy: state.invoice.policy, stage, ahead });
  }
  return overdue;
}
