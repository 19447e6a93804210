// Where a customer leaves, changes or removes a card: pages of Stripe. A page to leave one on is a row before Stripe is asked for it, and
// one is open per organization, as with the pages to pay on (checkouts.ts).
import type { Pool } from 'pg';
import { lockedOrganization, organization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { billingPageOf, type CheckoutPlace } from './checkouts.ts';
import { stripeCustomer } from './stripe-customers.ts';

interface CardSetup {
  readonly id: string;
  readonly returnUrl: string;
  readonly url: string | null;
  readonly expiresAt: Date;
}

/**
 * The page that is open and leads back there, or a new one.
 * @throws TollgateError not_found
 */
export async function openCardSetup(
  place: Pick<CheckoutPlace, 'db' | 'stripe'>,
  orgId: string,
  wantedReturnUrl: string,
): Promise<{ id: string; url: string }> {
  const { db, stripe } = place;
  const { id, url, expiresAt, returnUrl } = await openRow(db, orgId, wantedReturnUrl);
  if (url !== null) return { id, url };
  const customer = await stripeCustomer(db, stripe, orgId);
  const page = await stripe.cards.openPage({ setupId: id, orgId, customer, expiresAt, returnUrl });
  await db.query('update card_setups set stripe_session = $2, url = $3 where id = $1', [id, page.session, page.url]);
  return { id, url: page.url };
}

function openRow(db: Pool, orgId: string, returnUrl: string): Promise<CardSetup> {
  return inTransaction(db, async (tx) => {
    await lockedOrganization(tx, orgId);
    // It leads elsewhere, is over, or, as Stripe takes no session that ends in less than 30 minutes, not to be made any more.
    await tx.query(
      `update card_setups set closed_at = billing_now()
        where org_id = $1 and closed_at is null
          and (return_url <> $2
               or expires_at <= billing_now() + case when stripe_session is null then interval '31 minutes' else interval '0' end)`,
      [orgId, returnUrl],
    );
    await tx.query(
      `insert into card_setups (id, org_id, return_url, expires_at)
       values ($1, $2, $3, date_trunc('second', billing_now()) + interval '1 hour') on conflict do nothing`,
      [newId(), orgId, returnUrl],
    );
    const { rows } = await tx.query<CardSetup>(
      'select id, url, return_url as "returnUrl", expires_at as "expiresAt" from card_setups where org_id = $1 and closed_at is null',
      [orgId],
    );
    const [open] = rows;
    if (open === undefined) throw new Error(`no card setup of organization ${orgId} is open`);
    return open;
  });
}

/** The session of a page from which somebody may have come back there; null: none is open. */
export async function openSetupOf(db: Queryable, orgId: string, returnUrl: string): Promise<string | null> {
  const { rows } = await db.query<{ session: string | null }>(
    'select stripe_session as session from card_setups where org_id = $1 and return_url = $2 and closed_at is null',
    [orgId, returnUrl],
  );
  return rows[0]?.session ?? null;
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
  return stripe.cards.openPortal(visitId, customer, billingPageOf(publicUrl, orgId));
}
