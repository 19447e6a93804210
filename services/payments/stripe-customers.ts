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
