// What people may ask of a subscription. None of it waits for Stripe: a command changes what is wanted, and the step that follows it
// orders, charges or cancels. While the outcome of a payment is open only that is refused which would have to know it.
import { isUpgrade, type Terms } from './plans.ts';
import { type Command, type Refused, refuse, remembering } from './process-step.ts';
import { type Afterwards, awaiting, purchaseOrder, type Subscription, voiding } from './subscription.ts';

export type SubscriptionCommand = Command &
  (
    | { readonly kind: 'cancel' | 'reactivate' | 'pause' | 'resume' | 'retry_refund' }
    /** The amount counts for an upgrade of what is paid (domain/proration.ts). */
    | { readonly kind: 'change_plan'; readonly terms: Terms; readonly upgradeCents: number }
  );

export type SubscriptionRefusal = 'stale_revision' | 'wrong_state' | 'payment_in_doubt';

type Obeyed = Subscription | Refused<SubscriptionRefusal>;

/** `seenRevision`: of the state that the person could have seen. */
export function obeyed(state: Subscription, command: SubscriptionCommand, seenRevision: number): Obeyed {
  if (state.requestIds.includes(command.requestId)) return state;
  if (command.revision !== seenRevision) return refuse('stale_revision');
  const done = carriedOut(state, command);
  return 'kind' in done ? done : { ...done, requestIds: remembering(state.requestIds, command.requestId) };
}

function carriedOut(state: Subscription, command: SubscriptionCommand): Obeyed {
  switch (command.kind) {
    case 'change_plan':
      return changed(state, command);
    case 'cancel':
      return leaving(state, 'cancel', { kind: 'end', why: 'cancelled' });
    case 'pause':
      return state.phase.kind === 'paused' ? refuse('wrong_state') : leaving(state, 'pause', { kind: 'pause' });
    case 'reactivate':
      return staying(state, 'cancel');
    case 'retry_refund':
      return refundedAgain(state);
    case 'resume':
      return state.phase.kind === 'paused' ? resumed(state, command.requestId) : staying(state, 'pause');
  }
}

function changed(state: Subscription, command: SubscriptionCommand & { readonly kind: 'change_plan' }): Obeyed {
  const { phase } = state;
  const { requestId, terms, upgradeCents } = command;
  switch (phase.kind) {
    case 'active': {
      if (!isUpgrade(state.terms, terms)) return { ...state, nextTerms: terms };
      return {
        ...state,
        phase: awaiting(purchaseOrder(requestId, terms, upgradeCents), { ifDeclined: 'active' }),
      };
    }
    case 'past_due': {
      // Nothing is paid, so there is nothing to credit and nothing to wait for.
      const order = purchaseOrder(requestId, terms, terms.priceCents);
      return { ...state, phase: voiding(phase.order, { kind: 'replace', order, sinceMs: phase.sinceMs }) };
    }
    case 'paying':
    case 'voiding':
      return refuse('payment_in_doubt');
    case 'paused':
    case 'ended':
      return refuse('wrong_state');
  }
}

/** At the end of what is paid. Where nothing is paid, as soon as it is certain that nothing was. */
function leaving(state: Subscription, how: 'cancel' | 'pause', afterwards: Afterwards): Obeyed {
  const { phase } = state;
  const wanted: Subscription = { ...state, atPeriodEnd: how };
  switch (phase.kind) {
    case 'active':
    case 'paying':
      return wanted;
    case 'past_due':
      return { ...wanted, phase: voiding(phase.order, afterwards) };
    case 'voiding': {
      if (phase.afterwards.kind === 'end' && phase.afterwards.why === 'unpaid') return refuse('wrong_state');
      return phase.afterwards.kind === 'return' ? wanted : { ...wanted, phase: { ...phase, afterwards } };
    }
    case 'paused':
      return { ...wanted, phase: { kind: 'ended', why: 'cancelled' } };
    case 'ended':
      return refuse('wrong_state');
  }
}

function staying(state: Subscription, instead: 'cancel' | 'pause'): Obeyed {
  const isRunning = state.phase.kind === 'active' || state.phase.kind === 'paying';
  return isRunning && state.atPeriodEnd === instead ? { ...state, atPeriodEnd: 'renew' } : refuse('wrong_state');
}

/** Whatever Stripe refused to give back is asked for once more. */
function refundedAgain(state: Subscription): Obeyed {
  if (state.refundsRefused.length === 0) return refuse('wrong_state');
  return { ...state, toRefund: [...state.toRefund, ...state.refundsRefused], refundsRefused: [] };
}

function resumed(state: Subscription, requestId: string): Subscription {
  const order = purchaseOrder(requestId, state.nextTerms, state.nextTerms.priceCents);
  return { ...state, atPeriodEnd: 'renew', phase: awaiting(order, { ifDeclined: 'paused' }) };
}
