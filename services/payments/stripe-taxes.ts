// Stripe Tax: what tax is on a sale, by whom it was bought, and what stands of it in Stripe's reports. A calculation changes nothing at
// Stripe, so each question is a new one; a transaction is booked once, by its reference and its key.
import Stripe from 'stripe';
import { TollgateError } from '../../domain/errors.ts';
import type { Address } from '../people/billing-details.ts';
import { newId } from '../platform/ids.ts';
import { isRepeatedFault, translated } from './stripe-client.ts';

/** The buyer as Stripe is told of him. A type, so that it counts as JSON. */
export type TaxedAs = {
  readonly address: Address | null;
  readonly taxId: string | null;
  readonly taxExempt: boolean;
};

export interface TaxQuestion {
  readonly orgId: string;
  readonly netCents: number;
  readonly taxCode: string;
  readonly taxedAs: TaxedAs;
}

export interface TaxCalculation {
  readonly id: string;
  readonly taxCents: number;
  readonly breakdown: readonly object[];
  readonly expiresAt: Date;
}

/**
 * 'known': it has the reference already, and does not say of which transaction. 'expired': by now it must be calculated anew. 'fault_kept':
 * it repeats a fault under this key.
 */
export type TaxBooking =
  | { readonly transaction: string; readonly line: string | null }
  | 'known'
  | 'expired'
  | 'fault_kept';

export interface TaxReversal {
  readonly reference: string;
  readonly transaction: string;
  /** Null: all of it. */
  readonly part: { readonly line: string; readonly netCents: number; readonly taxCents: number } | null;
}

const CURRENCY = 'usd';
/** Each sale is one line. */
const LINE = 'sale';

export class StripeTaxes {
  readonly #stripe: Stripe;

  constructor(stripe: Stripe) {
    this.#stripe = stripe;
  }

  /** @throws TollgateError tax_address_invalid: no place of tax can be made of the buyer's address; payment_provider_unavailable */
  async calculate({ orgId, netCents, taxCode, taxedAs }: TaxQuestion): Promise<TaxCalculation> {
    const { address, taxId, taxExempt } = taxedAs;
    if (address === null) throw addressInvalid(orgId, 'address', 'it has given no address.');
    try {
      const calculation = await this.#stripe.tax.calculations.create(
        {
          currency: CURRENCY,
          customer_details: {
            address: toldAddress(address),
            address_source: 'billing',
            tax_ids: taxIdsOf(address.country, taxId),
            taxability_override: taxExempt ? 'customer_exempt' : 'none',
          },
          line_items: [{ amount: netCents, reference: LINE, tax_behavior: 'exclusive', tax_code: taxCode }],
        },
        { idempotencyKey: `tax:${newId()}` },
      );
      return readCalculation(calculation);
    } catch (error) {
      const isPlaceless =
        error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'customer_tax_location_invalid';
      if (!isPlaceless) throw translated(error);
      throw addressInvalid(orgId, fieldToMend(address), `Stripe says: ${error.message}`);
    }
  }

  /** `faults`: that Stripe keeps of it. */
  async book(reference: string, calculation: string, faults: number): Promise<TaxBooking> {
    try {
      const { id, line_items: lines } = await this.#stripe.tax.transactions.createFromCalculation(
        { calculation, reference, expand: ['line_items'] },
        { idempotencyKey: `tax:${reference}:${calculation}:${faults}` },
      );
      return { transaction: id, line: lines?.data[0]?.id ?? null };
    } catch (error) {
      return refusedBooking(error);
    }
  }

  async reverse({ reference, transaction, part }: TaxReversal, faults: number): Promise<TaxBooking> {
    const about = { original_transaction: transaction, reference } as const;
    const params: Stripe.Tax.TransactionCreateReversalParams =
      part === null
        ? { ...about, mode: 'full' }
        : {
            ...about,
            mode: 'partial',
            line_items: [
              { original_line_item: part.line, amount: -part.netCents, amount_tax: -part.taxCents, reference: LINE },
            ],
          };
    try {
      const { id } = await this.#stripe.tax.transactions.createReversal(params, {
        idempotencyKey: `tax:${reference}:${faults}`,
      });
      return { transaction: id, line: null };
    } catch (error) {
      return refusedBooking(error);
    }
  }
}

function refusedBooking(error: unknown): TaxBooking {
  if (isRepeatedFault(error)) return 'fault_kept';
  if (error instanceof Stripe.errors.StripeInvalidRequestError) {
    if (error.code === 'resource_already_exists' || error.param === 'reference') return 'known';
    if (error.param === 'calculation') return 'expired';
  }
  throw translated(error);
}

function readCalculation({
  id,
  tax_amount_exclusive,
  tax_breakdown,
  expires_at,
}: Stripe.Tax.Calculation): TaxCalculation {
  if (id === null || expires_at === null) throw new Error('Stripe has calculated a tax and does not keep it');
  return { id, taxCents: tax_amount_exclusive, breakdown: tax_breakdown, expiresAt: new Date(expires_at * 1000) };
}

function toldAddress({ line1, line2, city, postalCode, region, country }: Address) {
  return { line1, city, country, ...set('line2', line2), ...set('postal_code', postalCode), ...set('state', region) };
}

function set<Name extends string>(name: Name, value: string | null): Partial<Record<Name, string>> {
  return value === null ? {} : ({ [name]: value } as Record<Name, string>);
}

const EU = new Set('AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' '));
/** By which Stripe knows a business that owes the tax itself. Other ids change no tax, and are not told. */
const VAT_ID_TYPES: Readonly<Record<string, Stripe.Tax.CalculationCreateParams.CustomerDetails.TaxId.Type>> = {
  ...{ AU: 'au_abn', CH: 'ch_vat', GB: 'gb_vat', IN: 'in_gst', NO: 'no_vat', NZ: 'nz_gst', SG: 'sg_gst', ZA: 'za_vat' },
};

function taxIdsOf(country: string, taxId: string | null) {
  const type = EU.has(country) ? 'eu_vat' : VAT_ID_TYPES[country];
  return taxId === null || type === undefined ? [] : [{ type, value: taxId.replaceAll(/[\s.-]/g, '') }];
}

/** Where the country alone does not say whose tax it is, that is what is wrong most of all. */
function fieldToMend({ country, postalCode, region }: Address): string {
  if (country !== 'US' && country !== 'CA') return 'address';
  if (postalCode === null) return 'address.postalCode';
  return region === null ? 'address.region' : 'address';
}

function addressInvalid(orgId: string, param: string, why: string): TollgateError {
  return new TollgateError('tax_address_invalid', {
    message: `Where organization ${orgId} is taxed cannot be told from its billing details: ${why} Mend "${param}": PATCH /api/v1/organizations/${orgId}/billing-details, and repeat this.`,
    param,
  });
}
