// What can be bought on a page of Stripe: packs of credit, and the first period of a plan. What it costs and brings is written down as it is
// sold now, so that a price list that changes while somebody looks at the page changes nothing for him.
import { nanoOf } from '../../domain/cents.ts';
import { TollgateError } from '../../domain/errors.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import { PACKS, type PackId, type PlanName, termsOf } from '../../domain/plans.ts';
import { purchaseOrder } from '../../domain/subscription.ts';
import { planOnSale } from '../plans/plan-versions.ts';
import { newId } from '../platform/ids.ts';
import { orderInvoice, planInvoice } from '../subscriptions/invoices-of-plans.ts';
import { liveSubscriptionOf } from '../subscriptions/subscription-rows.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { taxFor } from '../taxes/taxes.ts';
import { newInvoicePayment } from './charge-standing.ts';
import type { Purchase } from './checkouts.ts';

export function packPurchase(orgId: string, pack: PackId, actor: string): Purchase {
  const { paidCents, bonusCents } = PACKS[pack];
  const [credit, bonus] = [nanoOf(paidCents), nanoOf(bonusCents)];
  return {
    orgId,
    purpose: 'pack',
    article: pack,
    title: `Credit of ${formatUsd(nano(credit + bonus))} USD`,
    keepsCard: false,
    async order(tx) {
      const id = newId();
      const { grossCents, taxCents, taxCode } = await taxFor(tx, orgId, paidCents);
      await tx.query(
        `insert into payments (id, org_id, purpose, pack, amount_cents, tax_cents, tax_code, credit_nano, bonus_nano, requested_by)
         values ($1, $2, 'pack', $3, $4, $5, $6, $7, $8, $9)`,
        [id, orgId, pack, grossCents, taxCents, taxCode, credit, bonus, actor],
      );
      return id;
    },
  };
}

/**
 * Its subscription begins with the payment. Whoever has one changes that one.
 * @throws TollgateError conflict, when it is ordered and there is one
 */
export function planPurchase(orgId: string, plan: PlanName, months: 1 | 12, actor: string): Purchase {
  return {
    orgId,
    purpose: 'plan',
    article: `${plan}:${months}`,
    title: `${plan[0]?.toUpperCase()}${plan.slice(1)}, ${months === 12 ? 'one year' : 'one month'}`,
    keepsCard: true,
    async order(tx) {
      if ((await liveSubscriptionOf(tx, orgId)) !== null) {
        throw new TollgateError('conflict', {
          message: `Organization ${orgId} has a subscription: change its plan instead of buying another.`,
        });
      }
      const terms = termsOf(await planOnSale(tx, plan, await billingNow(tx)), months);
      const order = purchaseOrder('first', terms, terms.priceCents);
      const invoiceId = await orderInvoice(tx, { orgId, subscriptionId: newId(), order });
      return newInvoicePayment(tx, invoiceId, await planInvoice(tx, invoiceId), actor);
    },
  };
}
