// An organization as Stripe knows it: made at the first need, and one for good.
import type { Queryable } from '../platform/postgres.ts';
import type { StripeApi } from './stripe-api.ts';

export async function stripeCustomer(db: Queryable, stripe: StripeApi, orgId: string): Promise<string> {
  const known = await customerOf(db, orgId);
  if (known !== null) return known;
  const made = await stripe.createCustomer(orgId);
  await db.query('insert into stripe_customers (org_id, stripe_customer) values ($1, $2) on conflict do nothing', [
    orgId,
    made,
  ]);
  return (await customerOf(db, orgId)) ?? made;
}

async function customerOf(db: Queryable, orgId: string): Promise<string | null> {
  const { rows } = await db.query<{ customer: string }>(
    'select stripe_customer as customer from stripe_customers where org_id = $1',
    [orgId],
  );
  return rows[0]?.customer ?? null;
}

/** Made in days that a restored database has forgotten. False: it, or another one, is known, or the organization is not. */
export async function adoptCustomer(db: Queryable, orgId: string, customer: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into stripe_customers (org_id, stripe_customer) select o.id, $2 from organizations o where o.id::text = $1 on conflict do nothing`,
    [orgId, customer],
  );
  return rowCount === 1;
}
