// The page of a Checkout Session: what it costs, a card to choose, and a way back. The card's id says what its bank will do.
import type Stripe from 'stripe';
import { shown } from '../resources/amounts.ts';
import { payOnPage } from '../resources/checkout-payments.ts';
import { OFFERED_TO_PEOPLE } from '../resources/test-cards.ts';
import { Refusal } from '../wire/refusals.ts';
import type { World } from '../world.ts';
import { escaped, html } from './html.ts';
import { goesTo, type PageAnswer, shows } from './page-answer.ts';

/** form null: the page is looked at. */
export function checkoutPage(world: World, id: string, form: URLSearchParams | null): PageAnswer {
  const session = world.store.get('checkout_session', id);
  if (session === undefined) return shows(html('There is no such session', ''), 404);
  if (session.status === 'complete') return goesTo(successUrl(session));
  if (session.status === 'expired') return shows(html('This session has expired', ''), 410);
  if (form === null) return shows(asking(session, null));
  return pay(world, session, form.get('payment_method') ?? '');
}

function pay(world: World, session: Stripe.Checkout.Session, card: string): PageAnswer {
  try {
    const { message, bankUrl } = payOnPage(world, session, card);
    if (bankUrl !== null) return goesTo(bankUrl);
    return message === null ? goesTo(successUrl(session)) : shows(asking(session, message), 402);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    world.store.takeBack();
    return shows(asking(session, error.message), 400);
  }
}

function asking(session: Stripe.Checkout.Session, error: string | null): string {
  const price =
    session.amount_total === null ? 'Save a card' : `Pay ${shown(session.amount_total)} ${session.currency}`;
  const cards = OFFERED_TO_PEOPLE.map((card) => `<option>${card}</option>`).join('');
  const back = session.cancel_url === null ? '' : `<p><a href="${escaped(session.cancel_url)}">Back</a></p>`;
  const told = error === null ? '' : `<p class="error">${escaped(error)}</p>`;
  return html(
    price,
    `${told}<form method="post"><select name="payment_method">${cards}</select> <button>Pay</button></form>${back}`,
  );
}

function successUrl({ id, success_url: url }: Stripe.Checkout.Session): string {
  return (url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', id);
}
