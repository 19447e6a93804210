// A page of Stripe on which an organization buys a pack. The row comes first and Stripe is asked in the words of the row, so a crash
// anywhere leaves something that the next click finds and finishes. One page is open per organization: two would be paid twice.
import type { Pool } from 'pg';
import { nanoOf } from '../../domain/cents.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import { PACKS, type PackId } from '../../domain/plans.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { recordPayment } from './payments.ts';
import type { StripeApi } from './stripe-api.ts';
import { stripeCustomer } from './stripe-customers.ts';

export interface Checkout {
  readonly paymentId: string;
  readonly url: string;
  readonly expiresAt: Date;
}

export interface CheckoutPlace {
  readonly db: Pool;
  readonly stripe: StripeApi;
  /** Where Stripe sends people back to. */
  readonly publicUrl: string;
}

interface OpenCheckout {
  readonly paymentId: string;
  readonly orgId: string;
  readonly pack: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly creditNano: string;
  readonly bonusNano: string;
  readonly session: string | null;
  readonly url: string | null;
  readonly expiresAt: Date;
  /** Can be paid, or made, still. */
  readonly isUsable: boolean;
}

// Stripe takes no session that ends in less than 30 minutes; one that it has not made by then is given up.
const OPEN_CHECKOUT = `
  select c.payment_id as "paymentId", c.org_id as "orgId", p.pack, p.amount_cents as "amountCents", p.currency, p.credit_nano as "creditNano",
         p.bonus_nano as "bonusNano", c.stripe_session as session, c.url, c.expires_at as "expiresAt",
         c.expires_at > billing_now() + case when c.stripe_session is null then interval '31 minutes' else interval '0' end as "isUsable"
    from checkouts c join payments p on p.id = c.payment_id
   where c.org_id = $1 and c.purpose = 'pack' and c.closed_at is null`;

/** The page that is open for this pack, or a new one; one for another pack is closed first. */
export async function openCheckout(
  place: CheckoutPlace,
  orgId: string,
  pack: PackId,
  actor: string,
): Promise<Checkout> {
  for (;;) {
    const open = await openRow(place.db, orgId, pack, actor);
    if (open.pack === pack && open.isUsable) return withPage(place, open);
    await endCheckout(place, open);
  }
}

/** @throws TollgateError not_found */
function openRow(db: Pool, orgId: string, pack: PackId, actor: string): Promise<OpenCheckout> {
  return inTransaction(db, async (tx) => {
    await lockedOrganization(tx, orgId);
    const open = await openCheckoutOf(tx, orgId);
    if (open !== null) return open;
    const paymentId = newId();
    const { paidCents, bonusCents } = PACKS[pack];
    await tx.query(
      `insert into payments (id, org_id, purpose, pack, amount_cents, credit_nano, bonus_nano, requested_by)
       values ($1, $2, 'pack', $3, $4, $5, $6, $7)`,
      [paymentId, orgId, pack, paidCents, nanoOf(paidCents), nanoOf(bonusCents), actor],
    );
    await tx.query(
      `insert into checkouts (payment_id, org_id, purpose, expires_at)
       values ($1, $2, 'pack', date_trunc('second', billing_now()) + interval '1 hour')`,
      [paymentId, orgId],
    );
    const made = await openCheckoutOf(tx, orgId);
    if (made === null) throw new Error(`the checkout of payment ${paymentId} is not there`);
    return made;
  });
}

async function openCheckoutOf(db: Queryable, orgId: string): Promise<OpenCheckout | null> {
  const { rows } = await db.query<OpenCheckout>(OPEN_CHECKOUT, [orgId]);
  return rows[0] ?? null;
}

async function withPage({ db, stripe, publicUrl }: CheckoutPlace, open: OpenCheckout): Promise<Checkout> {
  const { paymentId, orgId, amountCents, currency, expiresAt } = open;
  if (open.url !== null) return { paymentId, url: open.url, expiresAt };
  const customer = await stripeCustomer(db, stripe, orgId);
  const title = `Credit of ${formatUsd(nano(BigInt(open.creditNano) + BigInt(open.bonusNano)))} USD`;
  const order = {
    paymentId,
    orgId,
    customer,
    amountCents,
    currency,
    title,
    expiresAt,
    returnUrl: `${publicUrl}/`,
    keepsCard: false,
  };
  const { session, url } = await stripe.createCheckout(order);
  await db.query('update checkouts set stripe_session = $2, url = $3 where payment_id = $1', [paymentId, session, url]);
  return { paymentId, url, expiresAt };
}

async function endCheckout({ db, stripe }: CheckoutPlace, { paymentId, session }: OpenCheckout): Promise<void> {
  if (session !== null) {
    const { paymentIntent } = await stripe.expireCheckout(session, paymentId);
    if (paymentIntent !== null) {
      await inTransaction(db, (tx) => recordPayment(tx, stripe, paymentIntent, { actor: 'checkout' }));
    }
  }
  await closeCheckout(db, paymentId);
}

export async function closeCheckout(db: Queryable, paymentId: string): Promise<void> {
  await db.query('select close_checkout($1)', [paymentId]);
}
