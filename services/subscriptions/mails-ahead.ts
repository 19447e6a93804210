// What a customer is told before his card is asked: that a year is about to be renewed, and that the card on file will have expired by then.
// What is due follows from rows and the clock, and what was told from the outbox, so nothing has to be remembered beside them, and
// whoever looks, also twice at once, tells each event once. No workflow has a part in it.
import type { Pool, PoolClient } from 'pg';
import { CURRENCY } from '../../domain/cents.ts';
import { queueMail } from '../notifications/outbox.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { priceAhead } from '../taxes/taxes.ts';
import { toldTerms } from './plan-mails.ts';
import { subscriptionRow } from './subscription-rows.ts';

/** Whoever was not told 30 days ahead, because nobody was there, is told 7 days ahead alone. */
const RENEWALS = `
  select s.org_id, 'renewal_ahead' as kind, s.id as subject, s.renews_at as charge_at, null::text as expires,
         s.renews_at - make_interval(hours => 24 * told.days) as due_at,
         format('renewal_ahead:%s:%s:%s', s.id, to_char(s.renews_at at time zone 'UTC', 'YYYY-MM-DD'), told.days) as event_key
    from subscriptions s, (values (30, 7), (7, 0)) told (days, until_days)
   where s.is_yearly and s.renews_at - make_interval(hours => 24 * told.until_days) > billing_now()`;

/**
 * A renewal that comes after the card's last month, or a top-up, which may come on any day. 30 days ahead is right after the renewal before,
 * where it is monthly. The same number that is left again with the same dates is the same card.
 */
const CARDS = `
  select m.org_id, 'card_expiring', m.id, case when s.renews_at >= card.expired_at then s.renews_at end,
         to_char(make_date(m.exp_year, m.exp_month, 1), 'YYYY-MM'),
         least(case when s.renews_at >= card.expired_at then s.renews_at end, case when t.threshold_nano is not null then card.expired_at end)
           - interval '720 hours',
         format('card_expiring:%s:%s:%s-%s', m.org_id, coalesce(m.fingerprint, m.stripe_payment_method), m.exp_year, m.exp_month)
    from payment_methods m
   cross join lateral (select make_timestamptz(m.exp_year + m.exp_month / 12, m.exp_month % 12 + 1, 1, 0, 0, 0, 'UTC') as expired_at) card
    left join subscriptions s on s.org_id = m.org_id and s.renews_at > billing_now()
    left join top_ups t on t.org_id = m.org_id
   where m.is_default`;

const NOT_TOLD = `
  select a.* from (${RENEWALS} union all ${CARDS}) a
   where a.due_at is not null and not exists (select from notifications n where n.event_key = a.event_key)`;

/** When the next of them is due, or should have been told; null: none is. */
export async function nextMailAhead(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ at: Date | null }>(`select min(due_at) as at from (${NOT_TOLD}) ahead`);
  return rows[0]?.at ?? null;
}

/** All that are due now. An organization that fails does not hold up the others. */
export async function queueMailsAhead(db: Pool): Promise<void> {
  const { rows } = await db.query<{ orgId: string }>(
    `select distinct org_id as "orgId" from (${NOT_TOLD}) ahead where due_at <= billing_now() order by 1`,
  );
  await oneByOne(rows, ({ orgId }) => inTransaction(db, (tx) => tellAhead(tx, orgId)));
}

type Ahead =
  | { readonly kind: 'renewal_ahead'; readonly subject: string; readonly chargeAt: Date; readonly eventKey: string }
  | {
      readonly kind: 'card_expiring';
      readonly subject: string;
      readonly chargeAt: Date | null;
      readonly expires: string;
      readonly eventKey: string;
    };

async function tellAhead(tx: PoolClient, orgId: string): Promise<void> {
  await lockOrganization(tx, orgId);
  const { rows } = await tx.query<Ahead>(
    `select kind, subject, charge_at as "chargeAt", expires, event_key as "eventKey" from (${NOT_TOLD}) ahead
      where org_id = $1 and due_at <= billing_now() order by event_key`,
    [orgId],
  );
  for (const one of rows)
    await (one.kind === 'renewal_ahead' ? tellOfRenewal(tx, orgId, one) : tellOfCard(tx, orgId, one));
}

async function tellOfRenewal(
  tx: PoolClient,
  orgId: string,
  { subject, chargeAt, eventKey }: Ahead & { kind: 'renewal_ahead' },
): Promise<void> {
  const { nextTerms } = (await subscriptionRow(tx, subject)).state;
  const facts = {
    ...(await priceAhead(tx, orgId, nextTerms.priceCents)),
    currency: CURRENCY,
    terms: await toldTerms(tx, nextTerms),
    renewsAt: chargeAt.toISOString(),
    cardLastFour: await lastFourOf(tx, orgId),
  };
  await queueMail(tx, { orgId, kind: 'renewal_ahead', key: eventKey, facts });
}

async function tellOfCard(
  tx: PoolClient,
  orgId: string,
  { chargeAt, expires, eventKey }: Ahead & { kind: 'card_expiring' },
): Promise<void> {
  const cardLastFour = await lastFourOf(tx, orgId);
  if (cardLastFour === null) throw new Error(`the card of organization ${orgId} has gone under its lock`);
  const facts = { cardLastFour, expires, nextChargeAt: chargeAt?.toISOString() ?? null };
  await queueMail(tx, { orgId, kind: 'card_expiring', key: eventKey, facts });
}

/** Of the card that would be asked. */
async function lastFourOf(tx: PoolClient, orgId: string): Promise<string | null> {
  const { rows } = await tx.query<{ last4: string }>(
    'select last4 from payment_methods where org_id = $1 and is_default',
    [orgId],
  );
  return rows[0]?.last4 ?? null;
}
