// Customers. A deleted one still reads, as nothing but its id; its payment methods are gone with it.
import type Stripe from 'stripe';
import { createdWithin, page } from '../wire/page.ts';
import { noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { emit } from './events.ts';
import { mergedMetadata } from './metadata.ts';

/** Null: none was named. */
export function customerNamed(world: World, id: string | undefined | null): Stripe.Customer | null {
  if (id === undefined || id === null) return null;
  const customer = world.store.get('customer', id);
  if (customer === undefined) throw noSuch('customer', id, 'customer');
  return customer;
}

function create(world: World, params: Stripe.CustomerCreateParams): Stripe.Customer {
  const blank: Stripe.Customer = {
    id: newId('cus'),
    object: 'customer',
    address: null,
    balance: 0,
    created: world.nowSeconds(),
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: 'FAKE',
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
  const customer = withDetails(world, blank, params);
  world.store.put('customer', customer);
  emit(world, 'customer.created', customer);
  return customer;
}

function update(world: World, params: Stripe.CustomerUpdateParams, id: string): Stripe.Customer {
  const before = existing(world, id);
  const customer = withDetails(world, before, params);
  world.store.put('customer', customer);
  const changed = Object.entries(before).filter(([name, value]) => Reflect.get(customer, name) !== value);
  if (changed.length > 0) emit(world, 'customer.updated', customer, Object.fromEntries(changed));
  return customer;
}

function withDetails(
  world: World,
  before: Stripe.Customer,
  params: Stripe.CustomerCreateParams | Stripe.CustomerUpdateParams,
): Stripe.Customer {
  const { address, invoice_settings: invoices } = params;
  const method = invoices?.default_payment_method;
  if (method && world.store.get('payment_method', method)?.customer !== before.id) {
    throw noSuch('PaymentMethod', method, 'invoice_settings[default_payment_method]');
  }
  return {
    ...before,
    description: textOr(before.description, params.description),
    email: textOr(before.email, params.email),
    name: textOr(before.name ?? null, params.name),
    phone: textOr(before.phone ?? null, params.phone),
    address: address === undefined ? (before.address ?? null) : address === '' ? null : { ...NO_ADDRESS, ...address },
    preferred_locales: params.preferred_locales ?? before.preferred_locales ?? [],
    tax_exempt: params.tax_exempt || (before.tax_exempt ?? 'none'),
    metadata: mergedMetadata(before.metadata, params.metadata),
    invoice_settings:
      method === undefined
        ? before.invoice_settings
        : { ...before.invoice_settings, default_payment_method: method || null },
  };
}

export const NO_ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

/** '' unsets. */
function textOr(before: string | null, given: string | undefined): string | null {
  return given === undefined ? before : given || null;
}

function existing(world: World, id: string): Stripe.Customer {
  const customer = world.store.get('customer', id);
  if (customer === undefined) throw noSuch('customer', id);
  return customer;
}

function retrieve(world: World, _params: object, id: string): Stripe.Customer | Stripe.DeletedCustomer {
  return world.store.get('deleted_customer', id) ?? existing(world, id);
}

function remove(world: World, _params: object, id: string): Stripe.DeletedCustomer {
  const customer = existing(world, id);
  const deleted: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true };
  world.store.drop('customer', id);
  world.store.put('deleted_customer', deleted);
  for (const method of [...world.store.rows('payment_method')].filter((one) => one.customer === id)) {
    const use = world.store.get('card_use', method.id);
    if (use !== undefined) world.store.put('card_use', { ...use, gone: true });
  }
  emit(world, 'customer.deleted', customer);
  return deleted;
}

function list(world: World, params: Stripe.CustomerListParams) {
  return page('customer', world.store.rows('customer'), params, (customer) => {
    return (params.email === undefined || customer.email === params.email) && createdWithin(params.created, customer);
  });
}

const DETAILS = [
  'address',
  'description',
  'email',
  'invoice_settings',
  'metadata',
  'name',
  'phone',
  'preferred_locales',
  'tax_exempt',
] as const;

export const CUSTOMER_ROUTES: readonly Route[] = [
  route('POST /v1/customers', DETAILS, create),
  route('GET /v1/customers', ['created', 'email'], list),
  route('GET /v1/customers/{customer}', [], retrieve),
  route('POST /v1/customers/{customer}', DETAILS, update),
  route('DELETE /v1/customers/{customer}', [], remove),
];
