// Where a bank asks its customer whether it is really him: two buttons. Then back to the return_url, as Stripe sends him back.
import type Stripe from 'stripe';
import { followPayment, followSetup } from '../resources/checkout-payments.ts';
import { afterAuthentication } from '../resources/payments.ts';
import { setupAfterAuthentication } from '../resources/setup-intents.ts';
import type { World } from '../world.ts';
import { html } from './html.ts';
import { goesTo, type PageAnswer, shows } from './page-answer.ts';

const ASKING = html(
  'Is it you?',
  '<form method="post"><button name="outcome" value="pass">Yes, pay</button> <button name="outcome" value="fail">No</button></form>',
);

/** form null: the page is looked at. */
export function threeDSecurePage(world: World, id: string, form: URLSearchParams | null): PageAnswer {
  const intent = world.store.get('payment_intent', id) ?? world.store.get('setup_intent', id);
  if (intent?.status !== 'requires_action') return shows(html('There is nothing to confirm', ''), 409);
  if (form === null) return shows(ASKING);
  const outcome = form.get('outcome');
  if (outcome !== 'pass' && outcome !== 'fail') return shows(ASKING, 400);
  const returnUrl = intent.next_action?.redirect_to_url?.return_url ?? null;
  const passed = decide(world, intent, outcome === 'pass');
  return returnUrl === null ? shows(html('You may close this page', '')) : goesTo(returned(returnUrl, intent, passed));
}

function decide(world: World, intent: Stripe.PaymentIntent | Stripe.SetupIntent, passed: boolean): boolean {
  if (intent.object === 'setup_intent') {
    const { setup, error } = setupAfterAuthentication(world, intent, passed);
    followSetup(world, setup);
    return error === null;
  }
  const { intent: after, error } = afterAuthentication(world, intent, passed);
  followPayment(world, after);
  return error === null;
}

function returned(
  to: string,
  { id, object, client_secret: secret }: Stripe.PaymentIntent | Stripe.SetupIntent,
  passed: boolean,
): string {
  const url = new URL(to);
  url.searchParams.set(object, id);
  url.searchParams.set(`${object}_client_secret`, secret ?? '');
  url.searchParams.set('redirect_status', passed ? 'succeeded' : 'failed');
  return url.href;
}
