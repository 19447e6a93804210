// That money has gone back is told when Stripe says so, and not when it is asked for: until then it may fail.
import type { PoolClient } from 'pg';
import { floorToCents } from '../../domain/cents.ts';
import { nano } from '../../domain/nano.ts';
import type { Purchase } from '../notifications/mails/kinds.ts';
import { queueMail } from '../notifications/outbox.ts';
import { unpaidFacts } from '../subscriptions/plan-mails.ts';

interface Refunded {
  readonly orgId: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly purpose: 'pack' | 'invoice' | 'top_up';
  readonly creditNano: string;
  readonly bonusNano: string;
  readonly invoiceId: string | null;
  readonly at: Date;
}

/** Once, however often Stripe says it. The caller has settled the refund, and so holds the organization. */
export async function tellOfRefund(tx: PoolClient, refundId: string): Promise<void> {
  const { rows } = await tx.query<Refunded>(
    `select p.org_id as "orgId", r.amount_cents as "amountCents", p.currency, p.purpose, p.credit_nano as "creditNano", p.bonus_nano as "bonusNano",
            p.invoice_id as "invoiceId", billing_now() as at
       from refunds r join payments p on p.id = r.payment_id where r.id = $1`,
    [refundId],
  );
  const [refunded] = rows;
  if (refunded === undefined) return;
  const { orgId, amountCents, currency, invoiceId, at } = refunded;
  const bought = invoiceId === null ? null : await unpaidFacts(tx, { invoice: { invoiceId } });
  await queueMail(tx, {
    orgId,
    kind: 'refunded',
    key: `refunded:${refundId}`,
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
