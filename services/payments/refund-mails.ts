// That money has gone back is told when Stripe says so, and not when it is asked for: until then it may fail.
import type { PoolClient } from 'pg';
import { floorToCents } from '../../domain/cents.ts';
import { nano } from '../../domain/nano.ts';
import { unpaidFacts } from '../dunning/dunning-mails.ts';
import type { Purchase } from '../notifications/mails/kinds.ts';
import { queueMail } from '../notifications/outbox.ts';
import { soldBy } from './payments.ts';

interface Refunded {
  readonly stripeRefund: string;
  readonly orgId: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly purpose: 'pack' | 'invoice' | 'top_up';
  readonly isSecond: boolean;
  readonly creditNano: string;
  readonly bonusNano: string;
  readonly invoiceId: string | null;
  readonly at: Date;
}

/** Once, however often Stripe says it and we book it. The caller has settled the refund, and so holds the organization. */
export async function tellOfRefund(tx: PoolClient, refundId: string): Promise<void> {
  const { rows } = await tx.query<Refunded & { readonly paymentId: string }>(
    `select p.id as "paymentId", r.stripe_refund as "stripeRefund", b.org_id as "orgId", r.amount_cents as "amountCents", b.currency, b.purpose, b.credit_nano as "creditNano",
            b.bonus_nano as "bonusNano", b.invoice_id as "invoiceId", p.second_of is not null as "isSecond", billing_now() as at
       from refunds r join payments p on p.id = r.payment_id join payments b on b.id = coalesce(p.second_of, p.id) where r.id = $1`,
    [refundId],
  );
  const [refunded] = rows;
  if (refunded === undefined) return;
  const { stripeRefund, orgId, amountCents, currency, invoiceId, paymentId, at } = refunded;
  const isSecond = refunded.isSecond || (await soldBy(tx, paymentId)).isSecond;
  const bought = invoiceId === null ? null : await unpaidFacts(tx, { invoice: { invoiceId } });
  await queueMail(tx, {
    orgId,
    kind: isSecond ? 'second_capture_refunded' : 'refunded',
    key: `refunded:${stripeRefund}`,
    facts: {
      amountCents,
      currency,
      purchase: bought?.purchase ?? creditOf(refunded),
      invoice: bought?.invoice ?? null,
      refundedAt: at.toISOString(),
    },
  });
}

function creditOf({ purpose, creditNano, bonusNano }: Refunded): Purchase {
  const creditCents = floorToCents(nano(creditNano));
  if (purpose === 'top_up') return { kind: 'top_up', creditCents };
  return { kind: 'pack', creditCents, bonusCents: floorToCents(nano(bonusNano)), bonusUntil: null };
}
