// A turn of automatic top-up: one fact or command and what follows from it, under the organization's lock and in one transaction. A top-up
// that is opened has its payment, one that is paid has its credit, and each is told by mail, together or not at all.
import type { PoolClient } from 'pg';
import type { ChargeOutcome } from '../../domain/charges.ts';
import { stepTopUp, type TopUp, type TopUpCommand, type TopUpFact, type TopUpResult } from '../../domain/top-up.ts';
import { balanceOf } from '../grants/balance.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { orderTopUp, priceOfTopUp } from '../payments/top-up-payments.ts';
import { pokeProcess, topUpWorkflowId } from '../processes/poke.ts';
import { heldSince } from '../restores/billing-holds.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { taxOf } from '../taxes/taxes.ts';
import { queueTopUpMails } from './top-up-mails.ts';
import { saveTopUp, topUpRow } from './top-up-rows.ts';

interface Told {
  /** The workflow that waits for the answer, and needs no poke to look. */
  readonly asker?: string | undefined;
  /** As in subscriptions/turn.ts. */
  readonly hasReceipt?: boolean;
}

/** Takes the organization's lock. A command that is refused has changed nothing. */
export async function takeTopUpTurn(
  tx: PoolClient,
  orgId: string,
  event: TopUpFact | TopUpCommand,
  { asker, hasReceipt }: Told = {},
): Promise<TopUpResult> {
  await lockedOrganization(tx, orgId);
  const { state: before, wakeAt } = await topUpRow(tx, orgId);
  const nowMs = await billingNow(tx);
  const tax = await taxOf(tx, orgId);
  const result = stepTopUp(before, event, nowMs, tax);
  if (result.kind === 'refused') return result;
  const { state, writes, wakeAtMs } = result;
  const hasMoved = state !== before || wakeAtMs !== (wakeAt?.getTime() ?? null);
  if (hasMoved) await saveTopUp(tx, orgId, state, wakeAtMs);
  const opened = openedBy(before, state);
  if (opened !== null) await orderTopUp(tx, orgId, opened, tax);
  for (const one of writes) {
    if (one.kind !== 'topped_up' || hasReceipt !== true) await queueTopUpMails(tx, { orgId, state, event, nowMs }, one);
  }
  const isAwaited = before.open !== null || state.open !== null || wakeAt !== null || wakeAtMs !== null;
  const workflowId = topUpWorkflowId(orgId);
  if (hasMoved && isAwaited && workflowId !== asker) await pokeProcess(tx, workflowId, 'topup', orgId);
  return result;
}

function openedBy({ open: before }: TopUp, { open: after }: TopUp): TopUp['open'] {
  return after?.number === before?.number ? null : after;
}

/** With the balance as it is now: whoever adds to it waits for the end of this transaction. The organization is held afterwards. */
export async function lookAtBalance(tx: PoolClient, orgId: string, told: Told = {}): Promise<TopUpResult> {
  await lockedOrganization(tx, orgId);
  if ((await heldSince(tx)) !== null) return takeTopUpTurn(tx, orgId, { kind: 'balance_unknown' }, told);
  const { balanceNano } = await balanceOf(tx, orgId);
  return takeTopUpTurn(tx, orgId, { kind: 'balance', balanceNano: balanceNano.toString() }, told);
}

/** Its money and its credit are in the books, in this transaction. */
export async function topUpPaid(tx: PoolClient, orgId: string, number: number, told: Told): Promise<void> {
  const paidCents = await priceOfTopUp(tx, orgId, number);
  await takeTopUpTurn(tx, orgId, { kind: 'charged', number, outcome: { kind: 'paid' }, paidCents }, told);
}

/** What came of it where no money came in. */
export async function topUpAnswered(
  tx: PoolClient,
  orgId: string,
  number: number,
  outcome: Exclude<ChargeOutcome, { kind: 'paid' }>,
  told: Told,
): Promise<void> {
  await takeTopUpTurn(tx, orgId, { kind: 'charged', number, outcome }, told);
}
