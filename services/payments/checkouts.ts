// A page of Stripe on which an organization buys something. The row comes first and Stripe is asked in the words of the row, so a crash
// anywhere leaves something that the next click finds and finishes. One page is open per organization and purpose: two would be paid twice.
import type { Pool, PoolClient } from 'pg';
import { lockedOrganization } from '../organizations/organizations.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { settleTax } from '../taxes/stripe-tax.ts';
import { recordPayment } from './payments.ts';
import { noteOf } from './purchase-notes.ts';
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

/** What is bought on a page. */
export interface Purchase {
  readonly orgId: string;
  readonly purpose: 'pack' | 'plan';
  /** Two pages for the same thing name it alike. */
  readonly article: string;
  /** Read by who pays. */
  readonly title: string;
  /** For payments to come. */
  readonly keepsCard: boolean;
  /** Makes the payment that asks for it; its id. The organization is held. */
  order(tx: PoolClient): Promise<string>;
}

interface OpenCheckout {
  readonly paymentId: string;
  readonly orgId: string;
  readonly article: string;
  readonly title: string;
  readonly amountCents: number;
  readonly taxCents: number;
  readonly currency: string;
  readonly session: string | null;
  readonly url: string | null;
  readonly expiresAt: Date;
  /** Can be paid, or made, still. */
  readonly isUsable: boolean;
  /** The sale whose tax Stripe has to say before there can be a page; null: it is known. */
  readonly taxAwaitedOf: string | null;
}

// Stripe takes no session that ends in less than 30 minutes; one that it has not made by then is given up.
const OPEN_CHECKOUT = `
  select c.payment_id as "paymentId", c.org_id as "orgId", c.article, c.title, p.amount_cents as "amountCents", p.tax_cents as "taxCents", p.currency,
         c.stripe_session as session, c.url, c.expires_at as "expiresAt",
         c.expires_at > billing_now() + case when c.stripe_session is null then interval '31 minutes' else interval '0' end as "isUsable",
         case when p.awaits_tax then coalesce(p.invoice_id, p.id) end as "taxAwaitedOf"
    from checkouts c join payments p on p.id = c.payment_id
   where c.org_id = $1 and c.purpose = $2 and c.closed_at is null`;

/**
 * The page that is open for this, or a new one; one for something else is closed first.
 * @throws TollgateError not_found, tax_address_invalid, payment_provider_unavailable, and what the purchase throws when it cannot be ordered
 */
export async function openCheckout(place: CheckoutPlace, purchase: Purchase): Promise<Checkout> {
  for (;;) {
    const open = await openRow(place.db, purchase);
    const isWanted = open.article === purchase.article && open.isUsable;
    if (isWanted && open.taxAwaitedOf === null) return withPage(place, open, purchase.keepsCard);
    // Where its address is refused, the row waits for the next click, which finds the address mended.
    if (isWanted && open.taxAwaitedOf !== null) await settleTax(place, open.taxAwaitedOf);
    else await endCheckout(place, open);
  }
}

function openRow(db: Pool, purchase: Purchase): Promise<OpenCheckout> {
  const { orgId, purpose, article, title } = purchase;
  return inTransaction(db, async (tx) => {
    await lockedOrganization(tx, orgId);
    const open = await openCheckoutOf(tx, purchase);
    if (open !== null) return open;
    const paymentId = await purchase.order(tx);
    await tx.query(
      `insert into checkouts (payment_id, org_id, purpose, article, title, expires_at)
       values ($1, $2, $3, $4, $5, date_trunc('second', billing_now()) + interval '1 hour')`,
      [paymentId, orgId, purpose, article, title],
    );
    const made = await openCheckoutOf(tx, purchase);
    if (made === null) throw new Error(`the checkout of payment ${paymentId} is not there`);
    return made;
  });
}

async function openCheckoutOf(db: Queryable, { orgId, purpose }: Purchase): Promise<OpenCheckout | null> {
  const { rows } = await db.query<OpenCheckout>(OPEN_CHECKOUT, [orgId, purpose]);
  return rows[0] ?? null;
}

async function withPage(
  { db, stripe, publicUrl }: CheckoutPlace,
  open: OpenCheckout,
  keepsCard: boolean,
): Promise<Checkout> {
  const { paymentId, orgId, amountCents, taxCents, currency, title, expiresAt } = open;
  if (open.url !== null) return { paymentId, url: open.url, expiresAt };
  const customer = await stripeCustomer(db, stripe, orgId);
  const order = {
    paymentId,
    orgId,
    customer,
    amountCents,
    taxCents,
    currency,
    title,
    expiresAt,
    returnUrl: billingPageOf(publicUrl, orgId),
    keepsCard,
    note: await noteOf(db, paymentId),
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

/** Where people come back to from a page of Stripe. It waits a little for what they did there to be known here. */
export function billingPageOf(publicUrl: string, orgId: string): string {
  return `${publicUrl}/console/o/${orgId}/billing?back=true`;
}

export async function closeCheckout(db: Queryable, paymentId: string): Promise<void> {
  await db.query('select close_checkout($1)', [paymentId]);
}
