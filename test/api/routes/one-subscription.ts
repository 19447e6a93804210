// Every route about a subscription and about an unpaid invoice, called once on one customer: he buys a plan, changes it, and then his bank
// refuses a renewal.
import { inTransaction } from '../../../services/platform/postgres.ts';
import { chargeAnswered } from '../../../services/subscriptions/learn.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { submit } from '../../fake-stripe/stripe-client.ts';
import { refusal } from '../../services/subscriptions/bank.ts';
import { until } from '../../support/until.ts';
import type { ManagementApp } from './management-app.ts';
import type { TakeStep } from './take-step.ts';

const reason = 'as he wished';

export async function oneSubscription(
  app: ManagementApp,
  step: TakeStep,
  orgId: string,
): Promise<{ subscriptionId: string; planChangeId: string; renewalId: string; incidentId: string }> {
  const page = await step('post', '/organizations/{orgId}/subscription-checkouts', { orgId }, { plan: 'pro' });
  await submit(page.string('url'), { payment_method: 'pm_card_visa' });
  for (const what of ['subscriptions', 'cards']) {
    await until(async () => (await app.call('get', `/api/v1/organizations/${orgId}/${what}`)).list('data').length > 0);
  }
  const bought = await app.call('get', `/api/v1/organizations/${orgId}/subscriptions`);
  const id = bought.string('data.0.id');
  const changed = await step('post', '/subscriptions/{id}/plan-changes', { id }, { plan: 'team', reason });
  for (const command of ['cancel', 'reactivate', 'pause', 'resume']) {
    await step('post', `/subscriptions/{id}/${command}`, { id }, { reason });
  }
  const incidentId = (await step('post', '/billing-incidents', {}, { what: 'the bank is away' })).string('id');
  await step('post', '/billing-incidents/{id}/end', { id: incidentId }, { reason: 'it is back' });
  const renewalId = await refusedRenewal(app, id);
  const soon = new Date(Date.now() + 60 * 86_400_000).toISOString();
  await step('post', '/invoices/{id}/dunning/retry-now', { id: renewalId }, { reason });
  await step('post', '/invoices/{id}/dunning/skip-to', { id: renewalId }, { step: 'limit_warning', reason });
  await step('post', '/invoices/{id}/dunning/extend', { id: renewalId }, { until: soon, reason });
  await step('post', '/invoices/{id}/dunning/waive', { id: renewalId }, { reason });
  return { subscriptionId: id, planChangeId: changed.string('id'), renewalId, incidentId };
}

/** A month later. */
async function refusedRenewal(app: ManagementApp, subscriptionId: string): Promise<string> {
  await app.worker.query(`select advance_billing_clock(billing_now() + interval '31 days')`);
  const { invoiceId } = await new Subscriptions(app.worker).tick(subscriptionId);
  if (invoiceId === null) throw new Error('nothing is to be renewed');
  const refused = refusal('insufficient_funds');
  if (refused.kind === 'paid') throw new Error('the bank has paid');
  await inTransaction(app.worker, (tx) => chargeAnswered(tx, invoiceId, 1, refused, { actor: 'test' }));
  return invoiceId;
}
