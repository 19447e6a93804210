// Tax that is owed, as it stands in Stripe's reports: booked from a calculation while that lasts, taken back by reversals. What is booked
// has a reference that no other transaction has; asked again under another key it is refused, for nobody may owe the same tax twice.
import type Stripe from 'stripe';
import type { KeptTaxTransaction } from '../state/tables.ts';
import { invalid, noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { mergedMetadata } from './metadata.ts';
import { calculationNamed } from './tax-calculations.ts';

type Line = Stripe.Tax.TransactionLineItem;

function createFromCalculation(
  world: World,
  params: Stripe.Tax.TransactionCreateFromCalculationParams,
): Stripe.Tax.Transaction {
  const calculation = calculationNamed(world, params.calculation, 'calculation');
  requireNew(world, params.reference);
  const lines = calculation.line_items.data.map(
    ({ amount, amount_tax, product, quantity, reference, tax_behavior, tax_code }): Line => ({
      ...{ id: newId('tax_li'), object: 'tax.transaction_line_item', amount, amount_tax, livemode: false },
      ...{ metadata: {}, product, quantity, reference, reversal: null, tax_behavior, tax_code, type: 'transaction' },
    }),
  );
  const { currency, customer, customer_details, tax_date } = calculation;
  return book(world, params, lines, {
    ...{ currency, customer, customer_details, tax_date, type: 'transaction', reversal: null },
    posted_at: params.posted_at ?? world.nowSeconds(),
  });
}

function createReversal(world: World, params: Stripe.Tax.TransactionCreateReversalParams): Stripe.Tax.Transaction {
  const { mode, original_transaction: originalId } = params;
  const original = world.store.get('tax_transaction', originalId);
  if (original === undefined) throw noSuch('tax transaction', originalId, 'original_transaction');
  if (original.type === 'reversal') throw invalid('A reversal cannot be reversed.', { param: 'original_transaction' });
  requireNew(world, params.reference);
  if (mode === 'full' && (params.line_items !== undefined || params.flat_amount !== undefined)) {
    throw invalid('line_items and flat_amount are for partial reversals.', { param: 'line_items' });
  }
  const wanted = mode === 'full' ? original.line_items.data.map(whole) : (params.line_items ?? []);
  if (wanted.length === 0) throw invalid('A partial reversal says what it reverses.', { param: 'line_items' });
  const lines = wanted.map((one, at) => reversed(world, original, one, at));
  const { currency, customer, customer_details, tax_date } = original;
  return book(world, params, lines, {
    ...{ currency, customer, customer_details, tax_date, type: 'reversal', posted_at: world.nowSeconds() },
    reversal: { original_transaction: original.id },
  });
}

type WantedLine = Stripe.Tax.TransactionCreateReversalParams.LineItem;

function whole({ id, amount, amount_tax: tax, reference }: Line): WantedLine {
  return { original_line_item: id, amount: -amount, amount_tax: -tax, reference };
}

/** Never more than is left of the line. */
function reversed(world: World, original: KeptTaxTransaction, wanted: WantedLine, at: number): Line {
  const param = `line_items[${at}][original_line_item]`;
  const line = original.line_items.data.find(({ id }) => id === wanted.original_line_item);
  if (line === undefined) throw noSuch('tax transaction line item', wanted.original_line_item, param);
  if (wanted.amount > 0 || wanted.amount_tax > 0) throw invalid('Amounts of a reversal are negative.', { param });
  const earlier = [...world.store.rows('tax_transaction')]
    .flatMap(({ line_items: { data } }) => data)
    .filter(({ reversal }) => reversal?.original_line_item === line.id);
  const left = (of: (one: { amount: number; amount_tax: number }) => number) =>
    earlier.reduce((rest, one) => rest + of(one), of(line)) + of(wanted);
  if (left(({ amount }) => amount) < 0 || left(({ amount_tax: tax }) => tax) < 0) {
    throw invalid('A reversal cannot exceed what is left of the original line item.', { param });
  }
  const { amount, amount_tax, reference, quantity = 1 } = wanted;
  const reversal = { original_line_item: line.id };
  return { ...line, id: newId('tax_li'), amount, amount_tax, quantity, reference, reversal, type: 'reversal' };
}

function requireNew(world: World, reference: string): void {
  for (const known of world.store.rows('tax_transaction')) {
    if (known.reference !== reference) continue;
    const message = `A transaction with reference ${reference} already exists.`;
    throw invalid(message, { code: 'resource_already_exists', param: 'reference' });
  }
}

function book(
  world: World,
  { reference, metadata }: Pick<Stripe.Tax.TransactionCreateFromCalculationParams, 'reference' | 'metadata'>,
  lines: Line[],
  about: Pick<
    Stripe.Tax.Transaction,
    'currency' | 'customer' | 'customer_details' | 'tax_date' | 'type' | 'reversal' | 'posted_at'
  >,
): Stripe.Tax.Transaction {
  const id = newId('tax');
  const transaction: KeptTaxTransaction = {
    id,
    object: 'tax.transaction',
    created: world.nowSeconds(),
    line_items: { object: 'list', data: lines, has_more: false, url: `/v1/tax/transactions/${id}/line_items` },
    livemode: false,
    metadata: mergedMetadata({}, metadata),
    reference,
    ship_from_details: null,
    shipping_cost: null,
    ...about,
  };
  world.store.put('tax_transaction', transaction);
  return transaction;
}

function retrieve(world: World, _params: object, id: string): Stripe.Tax.Transaction {
  const transaction = world.store.get('tax_transaction', id);
  if (transaction === undefined) throw noSuch('tax transaction', id);
  return transaction;
}

export const TAX_TRANSACTION_ROUTES: readonly Route[] = [
  route(
    'POST /v1/tax/transactions/create_from_calculation',
    ['calculation', 'metadata', 'posted_at', 'reference'],
    createFromCalculation,
  ),
  route(
    'POST /v1/tax/transactions/create_reversal',
    ['line_items', 'metadata', 'mode', 'original_transaction', 'reference'],
    createReversal,
  ),
  route('GET /v1/tax/transactions/{transaction}', [], retrieve),
];
