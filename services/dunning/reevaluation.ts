// What an organization may do while it owes, computed anew from its open cases (domain/enforcement.ts). Whoever changes a fact asks for it
// in the same transaction; nobody ever sets a stage. The customer is told in it, too.
import type { PoolClient } from 'pg';
import { enforcementOf, type MovingDebt } from '../../domain/enforcement.ts';
import { covers } from '../../domain/intervals.ts';
import { OVERDUE_POLICIES, rungAt, type Stage, type UnpaidInvoice } from '../../domain/overdue-policy.ts';
import { openOrder, overdueSince } from '../../domain/subscription.ts';
import { lastTold, queueMail } from '../notifications/outbox.ts';
import { applyEnforcement } from '../organizations/enforcement.ts';
import { invoiceIdOf } from '../subscriptions/invoices-of-plans.ts';
import { liveSubscriptionOf } from '../subscriptions/subscription-rows.ts';
import { unpaidFacts } from './dunning-mails.ts';
import { type DunningRow, lastVoidDebt, listIncidentTimes, openDunningsOf } from './dunning-rows.ts';

/** The caller holds the organization. */
export async function reevaluateEnforcement(tx: PoolClient, orgId: string, nowMs: number): Promise<void> {
  const before = await stageOf(tx, orgId);
  const open = await openDunningsOf(tx, orgId);
  const unpaidInvoices = open.map(({ state }) => state.invoice);
  const incidents = await listIncidentTimes(tx, orgId, null);
  const moving = await movingDebtOf(tx, orgId, open);
  const { stage, reasons } = enforcementOf({ unpaidInvoices, incidents, moving }, nowMs);
  const why = reasons.find((reason) => reason.stage === stage)?.invoiceId ?? null;
  await applyEnforcement(tx, orgId, {
    stage,
    payInvoiceId: why === moving?.invoice.invoiceId ? moving.nextInvoiceId : why,
  });
  const owed = [...unpaidInvoices, ...(moving === null ? [] : [moving.invoice])];
  if (stage === 'none') await tellOfRestoring(tx, orgId, owed, nowMs);
  else if (stage !== before.stage) {
    const reason = open.find(({ invoiceId }) => invoiceId === why);
    await tellOfRestriction(tx, { orgId, from: before.stage, to: stage, seq: before.seq + 1, nowMs }, reason);
  }
}

/** A renewal that is still owed and of which no invoice is a case (D69): the former is void, and of the next one no card was asked yet. */
async function movingDebtOf(
  tx: PoolClient,
  orgId: string,
  open: readonly DunningRow[],
): Promise<(MovingDebt & { readonly nextInvoiceId: string }) | null> {
  const live = await liveSubscriptionOf(tx, orgId);
  const order = live === null ? null : openOrder(live.state);
  if (live === null || order === null || overdueSince(live.state) === null) return null;
  if (open.some(({ subscriptionId }) => subscriptionId === live.id)) return null;
  const former = await lastVoidDebt(tx, live.id);
  if (former === null) return null;
  return {
    invoice: former.state.invoice,
    incidents: former.state.incidents,
    voidAtMs: former.voidAtMs,
    nextInvoiceId: invoiceIdOf(live.id, order.invoice),
  };
}

async function stageOf(tx: PoolClient, orgId: string): Promise<{ readonly stage: Stage; readonly seq: number }> {
  const { rows } = await tx.query<{ stage: Stage; seq: number }>(
    'select overdue_stage as stage, enforcement_seq::float8 as seq from organizations where id = $1',
    [orgId],
  );
  if (rows[0] === undefined) throw new Error(`there is no organization ${orgId}`);
  return rows[0];
}

interface Change {
  readonly orgId: string;
  readonly from: Stage;
  readonly to: 'limited' | 'stopped';
  readonly seq: number;
  readonly nowMs: number;
}

async function tellOfRestriction(
  tx: PoolClient,
  { orgId, from, to, seq, nowMs }: Change,
  reason: DunningRow | undefined,
): Promise<void> {
  // From stopped to limited is no news: he was told how to end both.
  if (reason === undefined || from === 'stopped') return;
  const at = new Date(nowMs).toISOString();
  const eventKey = `${to}:${orgId}:${seq}`;
  const unpaid = await unpaidFacts(tx, reason.state);
  if (to === 'stopped')
    return queueMail(tx, { orgId, kind: 'stopped', key: eventKey, facts: { ...unpaid, stoppedAt: at } });
  await queueMail(tx, {
    orgId,
    kind: 'limited',
    key: eventKey,
    facts: { ...unpaid, limitedAt: at, planEndsAt: planEndOf(reason) },
  });
}

/** Whoever was told of a restriction is told of its end once, when the debt is gone: not while he was only given time. */
async function tellOfRestoring(
  tx: PoolClient,
  orgId: string,
  owed: readonly UnpaidInvoice[],
  nowMs: number,
): Promise<void> {
  if (owed.some((invoice) => isOnlyGivenTime(invoice, nowMs))) return;
  const last = await lastTold(tx, orgId, ['limited', 'stopped', 'restored']);
  if (last === null || last.kind === 'restored') return;
  const facts = { from: last.kind, restoredAt: new Date(nowMs).toISOString() };
  await queueMail(tx, { orgId, kind: 'restored', key: `restored:${last.eventKey}`, facts });
}

/** It restricts again when the time is over. */
function isOnlyGivenTime({ policy, extensions, handedOver }: UnpaidInvoice, nowMs: number): boolean {
  return covers(extensions, nowMs) && handedOver[OVERDUE_POLICIES[policy].restrict.warning] !== undefined;
}

/** Null: nothing more happens by itself. */
function planEndOf({ state }: DunningRow): string | null {
  const { end } = OVERDUE_POLICIES[state.invoice.policy];
  const atMs = end.name === 'end_plan' ? rungAt(state.invoice, state.incidents, end.afterMs) : null;
  return atMs === null ? null : new Date(atMs).toISOString();
}
