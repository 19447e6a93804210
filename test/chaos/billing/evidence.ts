// All that the judge of a billing campaign is told, gathered at rest: the books, Stripe's own ledger, the mail server's box, Temporal's
// lists, and what the product says of itself.
import { readBillingBooks } from '../../oracle/billing/billing-books.ts';
import type { BillingFacts, Capture } from '../../oracle/billing/billing-facts.ts';
import type { BillingProduct } from './billing-product.ts';
import type { Desk } from './desk.ts';
import { openWorkflows } from './open-workflows.ts';
import { readOnce } from './read-once.ts';
import { stagesByRule } from './stages-by-rule.ts';

export async function gatherEvidence(product: BillingProduct, desk: Desk): Promise<BillingFacts> {
  return {
    ...(await readOnce(product.database, readBillingBooks)),
    stagesByRule: await readOnce(product.database, stagesByRule),
    captures: await captures(product),
    taxReports: await taxReports(product),
    mails: await read<BillingFacts['mails']>(`${product.inbox.url}/api/mails`),
    workflows: await openWorkflows(product.temporal.url),
    broken: await brokenInvariants(desk),
  };
}

async function captures({ stripe }: BillingProduct): Promise<Map<string, Capture>> {
  const { payment_intents: intents } = await read<{
    payment_intents: Record<string, { captures: number; captured: number; refunded: number }>;
  }>(`${stripe.url}/_test/ledger`);
  return new Map(
    Object.entries(intents).map(([id, { captures: times, captured, refunded }]) => [
      id,
      { captures: times, capturedCents: captured, refundedCents: refunded },
    ]),
  );
}

async function taxReports({ stripe }: BillingProduct): Promise<Map<string, number>> {
  const { transactions } = await read<{ transactions: Record<string, { tax: number }> }>(`${stripe.url}/_test/taxes`);
  return new Map(Object.entries(transactions).map(([reference, { tax }]) => [reference, tax]));
}

async function brokenInvariants(desk: Desk): Promise<string[]> {
  interface Verified {
    readonly checks: readonly { readonly id: string; readonly ok: boolean; readonly examples: readonly string[] }[];
  }
  const { checks } = await desk.get<Verified>('/ledger/verification');
  return checks.filter(({ ok }) => !ok).map(({ id, examples }) => `${id}: ${examples.join('; ')}`);
}

async function read<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return (await answer.json()) as T;
}
