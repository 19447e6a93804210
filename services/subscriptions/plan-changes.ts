// What came of a change of plan, as whoever asked for it is told: at once, or by asking again for what took longer.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { openOrder, purchaseName } from '../../domain/subscription.ts';
import type { Queryable } from '../platform/postgres.ts';
import { processOf } from '../processes/poke.ts';
import { invoiceIdOf } from './invoices-of-plans.ts';
import { subscriptionRow } from './subscription-rows.ts';
import { type SubscriptionView, viewOf } from './subscriptions.ts';

/** 'dropped': nothing came of it, because a payment was in doubt or something else took its place. */
export type ChangeOutcome = 'changed' | 'at_period_end' | 'declined' | 'needs_authentication' | 'pending' | 'dropped';

export interface PlanChange {
  readonly id: string;
  readonly outcome: ChangeOutcome;
  /** That is to be confirmed, where his bank wants the customer; null: it does not. */
  readonly invoiceId: string | null;
  readonly subscription: SubscriptionView;
}

/** By the id of the command. @throws TollgateError not_found */
export async function planChange(tx: PoolClient, id: string): Promise<PlanChange> {
  const { rows } = await tx.query<{ workflowId: string; plan: string; months: number }>(
    `select workflow_id as "workflowId", effect ->> 'plan' as plan, (effect -> 'months')::integer as months
       from process_commands where request_id = $1 and command = 'changePlan'`,
    [id],
  );
  const [wanted] = rows;
  if (wanted === undefined) throw new TollgateError('not_found', { message: `There is no change of plan ${id}.` });
  const subscriptionId = processOf(wanted.workflowId).subject;
  const subscription = await viewOf(tx, subscriptionId);
  const outcome = await outcomeOf(tx, id, { ...wanted, subscriptionId }, subscription);
  const isWanted = outcome === 'needs_authentication';
  return { id, outcome, invoiceId: isWanted ? subscription.invoiceId : null, subscription };
}

async function outcomeOf(
  tx: PoolClient,
  id: string,
  wanted: { readonly subscriptionId: string; readonly plan: string; readonly months: number },
  view: SubscriptionView,
): Promise<ChangeOutcome> {
  const { state } = await subscriptionRow(tx, wanted.subscriptionId);
  const { phase, nextTerms } = state;
  const invoice = purchaseName(id);
  const paid = await stateOfInvoice(tx, invoiceIdOf(wanted.subscriptionId, invoice));
  if (paid === 'paid') return 'changed';
  if (paid === 'void') return 'declined';
  if (openOrder(state)?.invoice === invoice) {
    if (phase.kind === 'past_due') return 'declined';
    return phase.kind === 'paying' && phase.authenticateByMs !== null ? 'needs_authentication' : 'pending';
  }
  if (phase.kind === 'voiding' && phase.afterwards.kind === 'replace' && phase.afterwards.order.invoice === invoice) {
    return 'pending';
  }
  if (view.plan === wanted.plan && view.months === wanted.months) return 'changed';
  return view.nextPlan === wanted.plan && nextTerms.months === wanted.months ? 'at_period_end' : 'dropped';
}

async function stateOfInvoice(db: Queryable, invoiceId: string): Promise<'open' | 'paid' | 'void' | null> {
  const { rows } = await db.query<{ state: 'open' | 'paid' | 'void' }>('select state from invoices where id = $1', [
    invoiceId,
  ]);
  return rows[0]?.state ?? null;
}
