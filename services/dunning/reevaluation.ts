// What an organization may do while it owes, computed anew from its open cases (domain/enforcement.ts). Whoever changes a fact asks for it
// in the same transaction; nobody ever sets a stage. The customer is told in it, too.
import type { PoolClient } from 'pg';
import { enforcementOf } from '../../domain/enforcement.ts';
import type { Interval } from '../../domain/intervals.ts';
import { OVERDUE_POLICIES, rungAt, type Stage } from '../../domain/overdue-policy.ts';
import { queueMail } from '../notifications/outbox.ts';
import { applyEnforcement } from '../organizations/enforcement.ts';
import { unpaidFacts } from '../subscriptions/plan-mails.ts';
import { type DunningRow, openDunningsOf } from './dunning-rows.ts';

/** The caller holds the organization. `incidents`: times for which no customer answers. */
export async function reevaluateEnforcement(
  tx: PoolClient,
  orgId: string,
  incidents: readonly Interval[],
  nowMs: number,
): Promise<void> {
  const before = await stageOf(tx, orgId);
  const open = await openDunningsOf(tx, orgId);
  const unpaidInvoices = open.map(({ state }) => state.invoice);
  const { stage, reasons } = enforcementOf({ unpaidInvoices, incidents, isExempt: false }, nowMs);
  const why = reasons.find((reason) => reason.stage === stage)?.invoiceId ?? null;
  await applyEnforcement(tx, orgId, { stage, payInvoiceId: why });
  if (stage !== before.stage)
    await tell(
      tx,
      { orgId, from: before.stage, to: stage, seq: before.seq + 1, nowMs },
      open.find(({ invoiceId }) => invoiceId === why),
    );
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
  readonly to: Stage;
  readonly seq: number;
  readonly nowMs: number;
}

async function tell(
  tx: PoolClient,
  { orgId, from, to, seq, nowMs }: Change,
  reason: DunningRow | undefined,
): Promise<void> {
  const at = new Date(nowMs).toISOString();
  const eventKey = `${to}:${orgId}:${seq}`;
  if (to === 'none') {
    if (from !== 'none')
      await queueMail(tx, { orgId, kind: 'restored', key: eventKey, facts: { from, restoredAt: at } });
    return;
  }
  // From stopped to limited is no news: he was told how to end both.
  if (reason === undefined || from === 'stopped') return;
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

/** Null: nothing more happens by itself. */
function planEndOf({ state }: DunningRow): string | null {
  const { end } = OVERDUE_POLICIES[state.invoice.policy];
  const atMs = end.name === 'end_plan' ? rungAt(state.invoice, state.incidents, end.afterMs) : null;
  return atMs === null ? null : new Date(atMs).toISOString();
}
