// Where a customer leaves, changes or removes a card: pages of Stripe. A page to leave one on is a row before Stripe is asked for it, and
// one is open per organization, as with the pages to pay on (checkouts.ts).
import { lockedOrganization, organization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import type { CheckoutPlace } from './checkouts.ts';
import { stripeCustomer } from './stripe-customers.ts';

interface CardSetup {
  readonly id: string;
  readonly url: string | null;
  readonly expiresAt: Date;
}

/**
 * The page that is open, or a new one.
 * @throws TollgateError not_found
 */
export async function openCardSetup(place: CheckoutPlace, orgId: string): Promise<{ id: string; url: string }> {
  const { db, stripe, publicUrl } = place;
  const { id, url, expiresAt } = await openRow(place, orgId);
  if (url !== null) return { id, url };
  const customer = await stripeCustomer(db, stripe, orgId);
  const page = await stripe.cards.openPage({ setupId: id, orgId, customer, expiresAt, returnUrl: `${publicUrl}/` });
  await db.query('update card_setups set stripe_session = $2, url = $3 where id = $1', [id, page.session, page.url]);
  return { id, url: page.url };
}

function openRow({ db }: CheckoutPlace, orgId: string): Promise<CardSetup> {
  return inTransaction(db, async (tx) => {
    await lockedOrganization(tx, orgId);
    // Over, or, as Stripe takes no session that ends in less than 30 minutes, not to be made any more.
    await tx.query(
      `update card_setups set closed_at = billing_now()
        where org_id = $1 and closed_at is null
          and expires_at <= billing_now() + case when stripe_session is null then interval '31 minutes' else interval '0' end`,
      [orgId],
    );
    await tx.query(
      `insert into card_setups (id, org_id, expires_at) values ($1, $2, date_trunc('second', billing_now()) + interval '1 hour')
       on conflict do nothing`,
      [newId(), orgId],
    );
    const { rows } = await tx.query<CardSetup>(
      'select id, url, expires_at as "expiresAt" from card_setups where org_id = $1 and closed_at is null',
      [orgId],
    );
    const [open] = rows;
    if (open === undefined) throw new Error(`no card setup of organization ${orgId} is open`);
    return open;
  });
}

export async function closeCardSetup(db: Queryable, session: string): Promise<void> {
  await db.query('update card_setups set closed_at = billing_now() where stripe_session = $1 and closed_at is null', [
    session,
  ]);
}

/** @throws TollgateError not_found */
export async function openPortal(
  { db, stripe, publicUrl }: CheckoutPlace,
  orgId: string,
  visitId: string,
): Promise<string> {
  await organization(db, orgId);
  const customer = await stripeCustomer(db, stripe, orgId);
  return stripe.cards.openPortal(visitId, customer, `${publicUrl}/`);
}
