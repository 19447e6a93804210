// The billing portal: a link that Stripe serves. The fake gives one out; nothing is behind it.
import type Stripe from 'stripe';
import { invalid } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { customerNamed } from './customers.ts';
import { emit } from './events.ts';

function create(world: World, params: Stripe.BillingPortal.SessionCreateParams): Stripe.BillingPortal.Session {
  const customer = customerNamed(world, params.customer);
  if (customer === null) {
    throw invalid('Missing required param: customer.', { code: 'parameter_missing', param: 'customer' });
  }
  const id = newId('bps');
  const { flow_data: flow } = params;
  const session: Stripe.BillingPortal.Session = {
    id,
    object: 'billing_portal.session',
    configuration: 'bpc_fake',
    created: world.nowSeconds(),
    customer: customer.id,
    customer_account: null,
    flow: flow === undefined ? null : flowOf(flow.type),
    livemode: false,
    locale: null,
    on_behalf_of: null,
    return_url: params.return_url ?? null,
    url: `${world.url}/p/session/${id}`,
  };
  world.store.put('portal_session', session);
  emit(world, 'billing_portal.session.created', session);
  return session;
}

function flowOf(type: Stripe.BillingPortal.Session.Flow['type']): Stripe.BillingPortal.Session.Flow {
  return {
    after_completion: { hosted_confirmation: null, redirect: null, type: 'portal_homepage' },
    customer_update: null,
    subscription_cancel: null,
    subscription_pause: null,
    subscription_update: null,
    subscription_update_confirm: null,
    type,
  };
}

export const PORTAL_SESSION_ROUTES: readonly Route[] = [
  route('POST /v1/billing_portal/sessions', ['customer', 'flow_data', 'return_url'], create),
];
