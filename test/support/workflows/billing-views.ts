// Rows of the book as activities tell them to workflows.
import type { SteppedDunnings } from '../../../activities/dunning.ts';
import type { SteppedSubscriptions } from '../../../activities/subscription.ts';
import { endOf } from '../../../domain/billing-periods.ts';
import { type Dunning, stepDunning } from '../../../domain/dunning.ts';
import { standingOf } from '../../../domain/overdue-policy.ts';
import { openOrder, type Subscription } from '../../../domain/subscription.ts';
import { type SubscriptionAsk, stepSubscription } from '../../../domain/subscription-step.ts';
import type { CardAsk } from '../../../workflows/contracts/billing-process.ts';

const ORGANIZATION = 'organization-1';

const iso = (ms: number): string => new Date(ms).toISOString();

export function viewOfSubscription(
  id: string,
  state: Subscription,
  nowMs: number,
): Awaited<ReturnType<SteppedSubscriptions['tick']>> {
  const stepped = stepSubscription(state, { kind: 'tick' }, nowMs);
  if (stepped.kind === 'refused') throw new Error(stepped.reason);
  const order = openOrder(state);
  return {
    ...processView(
      state.revision,
      stepped.asks.flatMap((ask) => cardAskOf(id, ask)),
      stepped.wakeAtMs,
      nowMs,
    ),
    hasEnded: state.phase.kind === 'ended' && state.refundsRefused.length === 0,
    refundsRefused: state.refundsRefused.length,
    attention: state.refundsRefused.length > 0 ? 'Stripe would not give money back' : null,
    phase: state.phase.kind,
    plan: state.terms.planVersionId,
    periodEndsAt: iso(endOf(state.period)),
    atPeriodEnd: state.atPeriodEnd,
    invoiceId: order === null ? null : `${id}/${order.invoice}`,
  };
}

function cardAskOf(subscriptionId: string, ask: SubscriptionAsk): CardAsk[] {
  switch (ask.kind) {
    case 'charge':
      return [{ kind: 'charge', invoiceId: `${subscriptionId}/${ask.order.invoice}`, attempt: 1 }];
    case 'void_invoice':
      return [{ kind: 'void', invoiceId: `${subscriptionId}/${ask.invoice}` }];
    case 'refund':
      return [{ kind: 'refund', invoiceId: `${subscriptionId}/${ask.invoice}` }];
    case 'start_dunning':
      return [];
  }
}

export function viewOfDunning(
  id: string,
  state: Dunning,
  nowMs: number,
): Omit<Awaited<ReturnType<SteppedDunnings['tick']>>, 'isCloseNews'> {
  const stepped = stepDunning(state, { kind: 'tick' }, nowMs);
  if (stepped.kind === 'refused') throw new Error(stepped.reason);
  const { invoice, closed, incidents } = state;
  const asks = stepped.asks.flatMap((ask) => (ask.kind === 'charge' ? [{ ...ask, invoiceId: id }] : []));
  const isUndecided = invoice.handedOver.stop_decision_due !== undefined && invoice.stopDecidedAtMs === null;
  return {
    ...processView(state.revision, asks, stepped.wakeAtMs, nowMs),
    hasEnded: closed !== null,
    attention: closed === null && isUndecided ? 'decide whether the organization is stopped' : null,
    invoiceId: id,
    policy: invoice.policy,
    stage: closed === null ? standingOf(invoice, incidents, nowMs).stage : 'none',
    amountCents: 1_900,
    attempts: invoice.attempts.length,
    closed,
  };
}

function processView(revision: number, asks: readonly CardAsk[], wakeAtMs: number | null, nowMs: number) {
  return {
    orgId: ORGANIZATION,
    revision,
    asks,
    waitMs: wakeAtMs === null ? null : Math.max(0, wakeAtMs - nowMs),
    wakeAt: wakeAtMs === null ? null : iso(wakeAtMs),
  };
}
