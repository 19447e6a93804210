// Automatic top-ups as processes look at them and people set them. A workflow ticks its row with the balance of that moment; what the row
// wants of Stripe is told with every look until the answer has come (D36).
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { Tax } from '../../domain/tax.ts';
import {
  type TopUpAsk as Asked,
  priceOf,
  type TopUp,
  type TopUpRefusal,
  type TopUpSettings,
} from '../../domain/top-up.ts';
import { lockedOrganization, organization } from '../organizations/organizations.ts';
import { lastingFaults } from '../payments/charge-faults.ts';
import { topUpPaymentId } from '../payments/top-up-payments.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { topUpWorkflowId } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { taxOf } from '../taxes/taxes.ts';
import { topUpRow } from './top-up-rows.ts';
import { lookAtBalance, takeTopUpTurn } from './turn.ts';

export interface TopUpAsk {
  readonly kind: 'top_up';
  readonly orgId: string;
  readonly number: number;
  readonly paymentId: string;
}

export interface TopUpView {
  readonly orgId: string;
  readonly orgName: string;
  readonly revision: number;
  readonly settings: TopUpSettings | null;
  readonly isLow: boolean;
  /** Whose payment is awaited. */
  readonly open: { readonly number: number; readonly amountCents: number; readonly paymentId: string } | null;
  readonly declinesInARow: number;
  readonly hasEnded: boolean;
  readonly asks: readonly TopUpAsk[];
  /** From now on, by the clock of billing; null: only news changes anything. */
  readonly waitMs: number | null;
  readonly wakeAt: string | null;
  readonly attention: string | null;
}

export class TopUps {
  readonly #db: Pool;

  constructor(db: Pool) {
    this.#db = db;
  }

  /** Its workflow asks: time has passed, or there is news. */
  tick(orgId: string): Promise<TopUpView> {
    return inTransaction(this.#db, async (tx) => {
      const result = await lookAtBalance(tx, orgId, { asker: topUpWorkflowId(orgId) });
      if (result.kind === 'refused') throw new Error(`a balance was refused: ${result.reason}`);
      const { state, asks, wakeAtMs } = result;
      const view = viewOf(orgId, state, asks, wakeAtMs, await billingNow(tx));
      const attention = view.hasEnded ? null : await lastingFaults(tx, { topUpsOf: orgId });
      return { ...view, attention, orgName: (await organization(tx, orgId)).name };
    });
  }
}

function viewOf(
  orgId: string,
  { revision, settings, isLow, open, declinesInARow }: TopUp,
  asks: readonly Asked[],
  wakeAtMs: number | null,
  nowMs: number,
): Omit<TopUpView, 'attention' | 'orgName'> {
  const awaited =
    open === null
      ? null
      : { number: open.number, amountCents: open.amountCents, paymentId: topUpPaymentId(orgId, open.number) };
  return {
    orgId,
    revision,
    settings,
    isLow,
    open: awaited,
    declinesInARow,
    hasEnded: open === null && wakeAtMs === null,
    asks: asks.map(({ number }) => ({ kind: 'top_up', orgId, number, paymentId: topUpPaymentId(orgId, number) })),
    waitMs: wakeAtMs === null ? null : Math.max(wakeAtMs - nowMs, 0),
    wakeAt: wakeAtMs === null ? null : new Date(wakeAtMs).toISOString(),
  };
}

/** As people see it. */
export interface AutoTopUp {
  readonly orgId: string;
  readonly version: number;
  /** Null: off. */
  readonly settings: TopUpSettings | null;
  /** With tax. */
  readonly openCents: number | null;
  readonly declinesInARow: number;
  readonly notBefore: Date | null;
}

/** What was never set is version 1 as well. @throws TollgateError not_found */
export async function autoTopUp(db: Queryable, orgId: string): Promise<AutoTopUp> {
  const { id } = await organization(db, orgId);
  const { state } = await topUpRow(db, id);
  const { revision, settings, open, declinesInARow, notBeforeMs } = state;
  return {
    orgId: id,
    version: revision,
    settings,
    openCents: open?.priceCents ?? null,
    declinesInARow,
    notBefore: notBeforeMs === null ? null : new Date(notBeforeMs),
  };
}

/** With its organization. */
export async function lockedAutoTopUp(tx: PoolClient, orgId: string): Promise<AutoTopUp> {
  await lockedOrganization(tx, orgId);
  return autoTopUp(tx, orgId);
}

/**
 * Null switches it off; what has been opened by then is still paid. Switched on while the balance is low, it buys at once.
 * @throws TollgateError amount_above_cap; no_card_on_file
 */
export async function setAutoTopUp(
  tx: PoolClient,
  { orgId, version }: AutoTopUp,
  settings: TopUpSettings | null,
): Promise<AutoTopUp> {
  if (settings !== null) await requireCard(tx, orgId);
  const told = { requestId: newId(), revision: version };
  const command = settings === null ? ({ kind: 'switch_off' } as const) : ({ kind: 'configure', settings } as const);
  const result = await takeTopUpTurn(tx, orgId, { ...command, ...told });
  if (result.kind === 'refused') throw refused(result.reason, settings, await taxOf(tx, orgId));
  await lookAtBalance(tx, orgId);
  return autoTopUp(tx, orgId);
}

async function requireCard(tx: PoolClient, orgId: string): Promise<void> {
  const { rowCount } = await tx.query('select from payment_methods where org_id = $1 and is_default', [orgId]);
  if (rowCount === 1) return;
  throw new TollgateError('no_card_on_file', {
    message: `Organization ${orgId} has left no card that could be asked. Have one left first: POST /api/v1/organizations/${orgId}/card-setups.`,
  });
}

function refused(reason: TopUpRefusal, settings: TopUpSettings | null, tax: Tax): Error {
  if (reason !== 'amount_above_cap' || settings === null) return new Error(`top-up settings were refused: ${reason}`);
  const { dailyCapCents, monthlyCapCents } = settings;
  return new TollgateError('amount_above_cap', {
    message: `One top-up costs ${priceOf(settings, tax)} cents with tax and would go beyond the ${Math.min(dailyCapCents, monthlyCapCents)} cents that may be bought in a day or a month. Raise the caps, or lower the amount.`,
    param: 'settings.amountCents',
  });
}
