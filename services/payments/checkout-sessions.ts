// What has come of a page of Stripe, be it one to pay on or one to leave a card on: money, a card, or nothing in time.
import type { PoolClient } from 'pg';
import { closeCardSetup } from './card-setups.ts';
import { keepCards, type OnCard, readCards } from './cards.ts';
import { closeCheckout } from './checkouts.ts';
import { recordPayment } from './payments.ts';
import type { StripeApi } from './stripe-api.ts';

/** As Stripe has the session now. */
export async function followCheckout(
  tx: PoolClient,
  stripe: StripeApi,
  session: string,
  actor: string,
  onCard: OnCard,
): Promise<void> {
  const { isExpired, isComplete, paymentIntent, customer } = await stripe.checkout(session);
  // Read before the payment is recorded: that locks the organization, and Stripe is not waited for under this lock.
  const cards = isComplete && customer !== null ? await readCards(tx, stripe, customer) : null;
  if (paymentIntent !== null) await recordPayment(tx, stripe, paymentIntent, { actor });
  if (cards !== null) await keepCards(tx, cards, onCard);
  if (isComplete || isExpired) await closeCardSetup(tx, session);
  if (!isExpired) return;
  const { rows } = await tx.query<{ paymentId: string }>(
    'select payment_id as "paymentId" from checkouts where stripe_session = $1',
    [session],
  );
  for (const { paymentId } of rows) await closeCheckout(tx, paymentId);
}
