// Payments of forgotten days, written again with what is noted of it in one transaction: whoever is killed has done both or neither.
import type { PoolClient } from 'pg';
import { type Adopted, adoptIntent, isPlaceless } from '../payments/adoption.ts';
import type { PaymentIntent } from '../payments/stripe-intents.ts';
import type { Told } from '../subscriptions/turn.ts';
import { type Finding, noteFinding } from './findings.ts';

/** `news`: what was not noted before. */
export async function adoptNoting(
  tx: PoolClient,
  epoch: number,
  intent: PaymentIntent,
  told: Told,
): Promise<{ readonly adopted: Adopted; readonly news: readonly Finding[] }> {
  const adopted = await adoptIntent(tx, intent, told);
  const news: Finding[] = [];
  for (const finding of findingsOf(intent, adopted)) if (await noteFinding(tx, epoch, finding)) news.push(finding);
  return { adopted, news };
}

function findingsOf(intent: PaymentIntent, { outcome, orgId, isOrganizationNew, isPaymentNew }: Adopted): Finding[] {
  const { id: subject, paymentId, amountCents } = intent;
  const details = { paymentId, orgId, amountCents };
  const recreated = { what: 'organization_recreated', subject: String(orgId), details } as const;
  const before: Finding[] = isOrganizationNew ? [recreated] : [];
  if (outcome === 'recorded' || outcome === 'twice')
    return [...before, { what: 'payment_adopted', subject, details: { ...details, outcome, isPaymentNew } }];
  if (outcome === 'in_question') return [...before, { what: 'capture_in_question', subject, details }];
  if (isPlaceless(outcome))
    return [...before, { what: 'capture_without_place', subject, details: { ...details, why: outcome } }];
  return before;
}
