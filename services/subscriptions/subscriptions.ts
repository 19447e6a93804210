// Subscriptions as processes look at them and people command them. A workflow ticks its row; what the row wants of Stripe is told with every
// look until the answer has come (D36).
import type { Pool, PoolClient } from 'pg';
import { endOf, startOf } from '../../domain/billing-periods.ts';
import type { PlanName } from '../../domain/plans.ts';
import { isUpgrade, type Terms, termsOf } from '../../domain/plans.ts';
import { type Order, openOrder, type Subscription } from '../../domain/subscription.ts';
import type { SubscriptionCommand } from '../../domain/subscription-commands.ts';
import { type SubscriptionAsk, stepSubscription } from '../../domain/subscription-step.ts';
import type { AuditEntry } from '../audit/audit.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { lastingFaults, TOLERATED_MS } from '../payments/charge-faults.ts';
import { planOnSale, planVersion } from '../plans/plan-versions.ts';
import { inTransaction } from '../platform/postgres.ts';
import { audited, type Commanding, type CommandOutcome, commandOnce, type Obeyed } from '../processes/commands.ts';
import { subscriptionWorkflowId } from '../processes/poke.ts';
import { invoiceIdOf } from './invoices-of-plans.ts';
import { type SubscriptionRow, subscriptionRow } from './subscription-rows.ts';
import { billingNow, takeTurn, tickSubscription } from './turn.ts';
import { unusedValue } from './unused-value.ts';

export type CardAsk =
  | { readonly kind: 'charge'; readonly invoiceId: string; readonly attempt: number }
  /** What has become of the payment that the customer began himself. */
  | { readonly kind: 'look'; readonly invoiceId: string }
  | { readonly kind: 'void'; readonly invoiceId: string }
  | { readonly kind: 'refund'; readonly invoiceId: string };

export interface SubscriptionView {
  readonly id: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly revision: number;
  readonly phase: Subscription['phase']['kind'];
  readonly plan: PlanName;
  readonly months: 1 | 12;
  readonly nextPlan: PlanName;
  /** ISO 8601, of the period paid last. */
  readonly periodEndsAt: string;
  readonly atPeriodEnd: Subscription['atPeriodEnd'];
  /** Whose payment is awaited. */
  readonly invoiceId: string | null;
  readonly refundsRefused: number;
  readonly hasEnded: boolean;
  readonly asks: readonly CardAsk[];
  /** From now on, by the clock of billing; null: only news changes anything. */
  readonly waitMs: number | null;
  readonly wakeAt: string | null;
  readonly attention: string | null;
}

interface PlanCommanding extends Commanding {
  /** That the person has seen; undefined: whatever stands now. */
  readonly revision?: number | undefined;
  /** The workflow that waits for the answer. */
  readonly asker?: string | undefined;
}

export type PlanCommand =
  | { readonly command: 'cancel' | 'reactivate' | 'pause' | 'resume' | 'retryRefund' }
  | { readonly command: 'changePlan'; readonly plan: PlanName; readonly months: 1 | 12 };

/** As somebody types it. Null: it is no command, or lacks what it needs. */
export function planCommandFrom(told: {
  readonly command: string;
  readonly plan?: string | undefined;
  readonly months?: number | undefined;
}): PlanCommand | null {
  switch (told.command) {
    case 'cancel':
    case 'reactivate':
    case 'pause':
    case 'resume':
    case 'retryRefund':
      return { command: told.command };
    case 'changePlan': {
      const plan = (['pro', 'team'] as const).find((name) => name === told.plan);
      return plan === undefined ? null : { command: 'changePlan', plan, months: told.months === 12 ? 12 : 1 };
    }
    default:
      return null;
  }
}

export class Subscriptions {
  readonly #db: Pool;

  constructor(db: Pool) {
    this.#db = db;
  }

  /** Its workflow asks: time has passed, or there is news. */
  tick(subscriptionId: string): Promise<SubscriptionView> {
    return inTransaction(this.#db, async (tx) => {
      const told = { actor: 'subscription', asker: subscriptionWorkflowId(subscriptionId) };
      return seen(tx, await tickSubscription(tx, subscriptionId, told));
    });
  }

  command(subscriptionId: string, wanted: PlanCommand & PlanCommanding) {
    return inTransaction(this.#db, async (tx) =>
      audited(
        tx,
        subscriptionWorkflowId(subscriptionId),
        wanted,
        await commandSubscription(tx, subscriptionId, wanted),
      ),
    );
  }
}

export async function commandSubscription(
  tx: PoolClient,
  subscriptionId: string,
  wanted: PlanCommand & PlanCommanding,
): Promise<CommandOutcome<SubscriptionView>> {
  const { orgId } = await subscriptionRow(tx, subscriptionId);
  await lockOrganization(tx, orgId);
  return commandOnce(tx, subscriptionWorkflowId(subscriptionId), wanted, {
    again: () => viewOf(tx, subscriptionId),
    obey: () => obey(tx, subscriptionId, wanted),
  });
}

async function obey(
  tx: PoolClient,
  subscriptionId: string,
  wanted: PlanCommand & PlanCommanding,
): Promise<Obeyed<object, SubscriptionView>> {
  const { command, actor, reason, asker } = wanted;
  const before = await subscriptionRow(tx, subscriptionId);
  const event = await commandOf(tx, before, wanted);
  const context = { orgId: before.orgId, actor, asker };
  const refusal = await takeTurn(tx, context, { process: 'subscription', id: subscriptionId, event });
  if (refusal !== null) return { kind: 'refused', why: refusal };
  const answer = await viewOf(tx, subscriptionId);
  const audit: AuditEntry = {
    action: `subscription.${KINDS[command]}`,
    targetKind: 'subscription',
    targetId: subscriptionId,
    before: summaryOf(before.state),
    after: summaryOf((await subscriptionRow(tx, subscriptionId)).state),
    reason,
  };
  const { phase } = answer;
  const effect = wanted.command === 'changePlan' ? { phase, plan: wanted.plan, months: wanted.months } : { phase };
  return { kind: 'done', answer, effect, audit };
}

/** As the domain and the audit log name them. */
const KINDS = {
  cancel: 'cancel',
  reactivate: 'reactivate',
  pause: 'pause',
  resume: 'resume',
  retryRefund: 'retry_refund',
  changePlan: 'change_plan',
} as const;

function summaryOf({ phase, terms, nextTerms, atPeriodEnd }: Subscription): object {
  return { phase: phase.kind, planVersionId: terms.planVersionId, next: nextTerms.planVersionId, atPeriodEnd };
}

async function commandOf(
  tx: PoolClient,
  { orgId, state }: SubscriptionRow,
  wanted: PlanCommand & PlanCommanding,
): Promise<SubscriptionCommand> {
  const { requestId, revision = state.revision } = wanted;
  if (wanted.command !== 'changePlan') return { kind: KINDS[wanted.command], requestId, revision };
  const nowMs = await billingNow(tx);
  const terms = await termsWanted(tx, state, wanted, nowMs);
  return {
    kind: 'change_plan',
    requestId,
    revision,
    terms,
    upgradeCents: await upgradePrice(tx, orgId, state, terms, nowMs),
  };
}

/** Whoever stays on his plan stays on the version that he bought. */
async function termsWanted(
  tx: PoolClient,
  { terms }: Subscription,
  { plan, months }: { readonly plan: PlanName; readonly months: 1 | 12 },
  nowMs: number,
): Promise<Terms> {
  const bought = await planVersion(tx, terms.planVersionId);
  return termsOf(bought.plan === plan ? bought : await planOnSale(tx, plan, nowMs), months);
}

/** Of a change of plan that were made now; 0: it would wait for the end of the period. In grace there is nothing that could end first. */
export async function priceOfChange(
  tx: PoolClient,
  { orgId, state }: SubscriptionRow,
  wanted: { readonly plan: PlanName; readonly months: 1 | 12 },
): Promise<number> {
  const nowMs = await billingNow(tx);
  const terms = await termsWanted(tx, state, wanted, nowMs);
  return state.phase.kind === 'past_due' ? terms.priceCents : upgradePrice(tx, orgId, state, terms, nowMs);
}

/** What is due for an upgrade now: its price less what is unused of the period that it cuts (M25). */
async function upgradePrice(
  tx: PoolClient,
  orgId: string,
  paid: Subscription,
  to: Terms,
  nowMs: number,
): Promise<number> {
  if (!isUpgrade(paid.terms, to)) return 0;
  return to.priceCents - (await unusedValue(tx, orgId, paid, nowMs));
}

export async function viewOf(tx: PoolClient, subscriptionId: string): Promise<SubscriptionView> {
  return seen(tx, await subscriptionRow(tx, subscriptionId));
}

async function seen(tx: PoolClient, row: SubscriptionRow): Promise<SubscriptionView> {
  const { id: subscriptionId, orgId, orgName, state, wakeAt, readAtMs: nowMs } = row;
  const order = openOrder(state);
  const invoiceId = order === null ? null : invoiceIdOf(subscriptionId, order.invoice);
  const [terms, next] = [
    await planVersion(tx, state.terms.planVersionId),
    await planVersion(tx, state.nextTerms.planVersionId),
  ];
  return {
    id: subscriptionId,
    orgId,
    orgName,
    revision: state.revision,
    phase: state.phase.kind,
    plan: terms.plan,
    months: state.terms.months,
    nextPlan: next.plan,
    periodEndsAt: new Date(endOf(state.period)).toISOString(),
    atPeriodEnd: state.atPeriodEnd,
    invoiceId,
    hasEnded: state.phase.kind === 'ended' && state.toRefund.length === 0 && state.refundsRefused.length === 0,
    asks: asksOf(subscriptionId, state, nowMs),
    waitMs: wakeAt === null ? null : Math.max(wakeAt.getTime() - nowMs, 0),
    wakeAt: wakeAt?.toISOString() ?? null,
    refundsRefused: state.refundsRefused.length,
    attention:
      attentionOf(subscriptionId, state) ??
      (invoiceId === null || isNew(order, nowMs) ? null : await lastingFaults(tx, { invoiceId })),
  };
}

/** It renews a period whose beginning is no further back than faults are tolerated, and was not ordered before that. */
function isNew(order: Order | null, nowMs: number): boolean {
  return order !== null && order.period !== null && nowMs < startOf(order.period) + TOLERATED_MS;
}

function attentionOf(subscriptionId: string, { refundsRefused }: Subscription): string | null {
  if (refundsRefused.length === 0) return null;
  const invoices = refundsRefused.map((name) => invoiceIdOf(subscriptionId, name)).join(', ');
  return `Stripe would not give back what was paid for void invoice ${invoices}`;
}

/** A step repeats its asks: one that changes nothing tells what is still unanswered. */
function asksOf(subscriptionId: string, state: Subscription, nowMs: number): CardAsk[] {
  const result = stepSubscription(state, { kind: 'tick' }, nowMs);
  return result.kind === 'refused' ? [] : result.asks.flatMap((ask) => cardAsks(subscriptionId, ask));
}

function cardAsks(subscriptionId: string, ask: SubscriptionAsk): CardAsk[] {
  switch (ask.kind) {
    case 'charge':
      return [{ kind: 'charge', invoiceId: invoiceIdOf(subscriptionId, ask.order.invoice), attempt: 1 }];
    case 'void_invoice':
      return [{ kind: 'void', invoiceId: invoiceIdOf(subscriptionId, ask.invoice) }];
    case 'refund':
      return [{ kind: 'refund', invoiceId: invoiceIdOf(subscriptionId, ask.invoice) }];
    case 'start_dunning':
      return [];
  }
}
