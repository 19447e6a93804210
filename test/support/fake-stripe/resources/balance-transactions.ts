// Every movement of money on the account: charges less their fee, refunds, disputes. The fee is what Stripe takes for US cards.
import type Stripe from 'stripe';
import { createdWithin, page } from '../wire/page.ts';
import { noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';

const FEE_PER_MILLE = 29;
const FEE_FIXED_CENTS = 30;
const AVAILABLE_AFTER_SECONDS = 2 * 24 * 60 * 60;

export interface Movement {
  readonly type: 'adjustment' | 'charge' | 'refund' | 'refund_failure';
  /** Of the account: negative when money leaves it. */
  readonly amount: number;
  readonly fee: number;
  readonly currency: string;
  readonly source: string;
}

/** Half a cent is rounded up. */
export function chargeFee(amount: number): number {
  return Math.floor((amount * FEE_PER_MILLE + 500) / 1000) + FEE_FIXED_CENTS;
}

export function moveBalance(
  world: World,
  { type, amount, fee, currency, source }: Movement,
): Stripe.BalanceTransaction {
  const created = world.nowSeconds();
  const details = {
    amount: fee,
    application: null,
    currency,
    description: 'Stripe processing fees',
    type: 'stripe_fee',
  };
  const moved: Stripe.BalanceTransaction = {
    id: newId('txn'),
    object: 'balance_transaction',
    amount,
    available_on: created + AVAILABLE_AFTER_SECONDS,
    balance_type: 'payments',
    created,
    currency,
    description: null,
    exchange_rate: null,
    fee,
    fee_details: fee === 0 ? [] : [details],
    net: amount - fee,
    reporting_category: type === 'adjustment' ? 'dispute' : type,
    source,
    status: 'pending',
    type,
  };
  world.store.put('balance_transaction', moved);
  return moved;
}

/** Available by the clock; nothing needs to happen for it. */
function current(world: World, moved: Stripe.BalanceTransaction): Stripe.BalanceTransaction {
  return moved.available_on <= world.nowSeconds() ? { ...moved, status: 'available' } : moved;
}

function retrieve(world: World, _params: object, id: string): Stripe.BalanceTransaction {
  const moved = world.store.get('balance_transaction', id);
  if (moved === undefined) throw noSuch('balance transaction', id);
  return current(world, moved);
}

function list(world: World, params: Stripe.BalanceTransactionListParams) {
  const { created, currency, source, type } = params;
  const rows = page('balance transaction', world.store.rows('balance_transaction'), params, (moved) => {
    if (currency !== undefined && moved.currency !== currency) return false;
    if (source !== undefined && moved.source !== source) return false;
    return (type === undefined || moved.type === type) && createdWithin(created, moved);
  });
  return { ...rows, data: rows.data.map((moved) => current(world, moved)) };
}

export const BALANCE_TRANSACTION_ROUTES: readonly Route[] = [
  route('GET /v1/balance_transactions', ['created', 'currency', 'source', 'type'], list),
  route('GET /v1/balance_transactions/{id}', [], retrieve),
];
