// Cards of an organization. Stripe keeps them: whatever it tells of one is a reason to read its list of the customer's cards and to make
// ours the same, so that events may come late, twice and in any order. The newest card is the one that is asked for money.
import type { PoolClient } from 'pg';
import { cardMayBeTried } from '../../domain/charges.ts';
import type { DeclineCodes } from '../../domain/declines.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { StripeApi } from './stripe-api.ts';
import type { StripeCard } from './stripe-cards.ts';

export interface Card {
  readonly id: string;
  readonly brand: string;
  readonly last4: string;
  readonly expMonth: number;
  readonly expYear: number;
  readonly isDefault: boolean;
  readonly attachedAt: Date;
}

/**
 * In the transaction that makes another card the default, or gives it new dates or another number. The name is that of the card as it
 * is now: after any such change it is another one.
 */
export type OnCard = (tx: PoolClient, orgId: string, cardName: string) => Promise<void>;

/** By an event about a card, or about the setup of one. */
export async function followCardOf(
  tx: PoolClient,
  stripe: StripeApi,
  { kind, id }: { readonly kind: 'payment_method' | 'setup_intent'; readonly id: string },
  onCard: OnCard,
): Promise<void> {
  // Who took his card away is not written on it any more.
  const customer = (await stripe.cards.customerOf(kind, id)) ?? (await formerCustomerOf(tx, id));
  const cards = customer === null ? null : await readCards(tx, stripe, customer);
  if (cards !== null) await keepCards(tx, cards, onCard);
}

async function formerCustomerOf(db: Queryable, paymentMethod: string): Promise<string | null> {
  const { rows } = await db.query<{ customer: string }>(
    `select c.stripe_customer as customer from payment_methods m join stripe_customers c on c.org_id = m.org_id
      where m.stripe_payment_method = $1`,
    [paymentMethod],
  );
  return rows[0]?.customer ?? null;
}

export interface CardList {
  readonly orgId: string;
  readonly cards: readonly StripeCard[];
}

/**
 * As Stripe has them. Nobody else reads this customer's until the transaction ends: an older list is never kept after a newer one.
 * Null: he is none of ours.
 */
export async function readCards(tx: PoolClient, stripe: StripeApi, customer: string): Promise<CardList | null> {
  const { rows } = await tx.query<{ orgId: string }>(
    `select org_id as "orgId" from stripe_customers, pg_advisory_xact_lock(hashtextextended($1, 0)) where stripe_customer = $1`,
    [customer],
  );
  const [owner] = rows;
  return owner === undefined ? null : { ...owner, cards: await stripe.cards.cardsOf(customer) };
}

export async function keepCards(tx: PoolClient, { orgId, cards }: CardList, onCard: OnCard): Promise<void> {
  const before = await defaultNameOf(tx, orgId);
  await replaceCards(tx, orgId, cards);
  const after = await defaultNameOf(tx, orgId);
  if (after !== null && after !== before) await onCard(tx, orgId, after);
}

/** Null: there is none. */
async function defaultNameOf(db: Queryable, orgId: string): Promise<string | null> {
  const { rows } = await db.query<{ name: string }>(
    `select concat_ws(' ', stripe_payment_method, exp_year || '-' || exp_month, fingerprint) as name
       from payment_methods where org_id = $1 and is_default`,
    [orgId],
  );
  return rows[0]?.name ?? null;
}

/** Stripe lists the newest first. */
async function replaceCards(tx: PoolClient, orgId: string, cards: readonly StripeCard[]): Promise<void> {
  const newest = cards[0]?.id ?? null;
  await tx.query(
    `update payment_methods set is_default = false
      where org_id = $1 and is_default and stripe_payment_method is distinct from $2`,
    [orgId, newest],
  );
  await tx.query(
    `update payment_methods set detached_at = billing_now()
      where org_id = $1 and detached_at is null and stripe_payment_method <> all ($2)`,
    [orgId, cards.map(({ id }) => id)],
  );
  for (const { id, brand, last4, expMonth, expYear, fingerprint, createdAt } of cards) {
    await tx.query(
      `insert into payment_methods
         (id, org_id, stripe_payment_method, brand, last4, exp_month, exp_year, fingerprint, attached_at, is_default)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (stripe_payment_method) do update
          set brand = excluded.brand, last4 = excluded.last4, exp_month = excluded.exp_month, exp_year = excluded.exp_year,
              fingerprint = excluded.fingerprint, is_default = excluded.is_default`,
      [newId(), orgId, id, brand, last4, expMonth, expYear, fingerprint, createdAt, id === newest],
    );
  }
}

/** Why: no card may be asked, and that is the answer. */
export type CardToAsk =
  | { readonly paymentMethod: string; readonly why: null }
  | { readonly paymentMethod: null; readonly why: DeclineCodes };

/** Null: the default. It counts how often a card was asked in 30 days, by whatever payment method and for whomever. */
export async function cardToAsk(tx: PoolClient, orgId: string, cardId: string | null): Promise<CardToAsk> {
  const { rows } = await tx.query<{ paymentMethod: string; tries: number }>(
    `select m.stripe_payment_method as "paymentMethod",
            (select count(*)::integer from charge_attempts a join payment_methods o on o.stripe_payment_method = a.payment_method
              where (o.id = m.id or o.fingerprint = m.fingerprint) and a.asked_at > billing_now() - interval '30 days'
                and a.outcome is distinct from 'fault') as tries
       from payment_methods m
      where m.org_id = $1 and m.detached_at is null and case when $2::uuid is null then m.is_default else m.id = $2 end`,
    [orgId, cardId],
  );
  const [card] = rows;
  if (card !== undefined && cardMayBeTried(card.tries)) return { paymentMethod: card.paymentMethod, why: null };
  const declineCode = card === undefined ? 'no_card' : 'card_tried_too_often';
  return { paymentMethod: null, why: { declineCode, adviceCode: null, networkAdviceCode: null } };
}

/** Newest first. */
export async function listCards(db: Queryable, orgId: string, after: string | null, pageSize: number): Promise<Card[]> {
  const { rows } = await db.query<Card>(
    `select id, brand, last4, exp_month as "expMonth", exp_year as "expYear", is_default as "isDefault", attached_at as "attachedAt"
       from payment_methods
      where org_id = $1 and detached_at is null
        and ($2::uuid is null or (attached_at, id) < (select a.attached_at, a.id from payment_methods a where a.id = $2))
      order by attached_at desc, id desc
      limit $3`,
    [orgId, after, pageSize],
  );
  return rows;
}
