// Calls every route that changes something once, in an order in which it can work, and says what each answered. A route that
// nobody calls here is missing from the list, and the tests that walk the list say so. What an owner may do, an owner does, so that it is
// tried within the bounds of his organization (D42); the rest the admin token does.
import type { Pool } from 'pg';
import { ROUTES } from '../../../api/app.ts';
import { rolesAllowed } from '../../../domain/authorization.ts';
import { issueDueInvoices } from '../../../services/postpaid/usage-invoices.ts';
import { submit } from '../../fake-stripe/stripe-client.ts';
import { type Customer, openBareGateway } from '../../support/bare-gateway.ts';
import { nightsProven } from '../../support/nights-proven.ts';
import { until } from '../../support/until.ts';
import { ADMIN_TOKEN, type Answered, done, type ManagementApp } from './management-app.ts';
import type { MockUpstream } from './mock-upstream.ts';
import { oneAccount } from './one-account.ts';
import { oneApiKey } from './one-api-key.ts';
import { oneApplication } from './one-application.ts';
import { oneBackup } from './one-backup.ts';
import { oneKeyRotation } from './one-channel-key-rotation.ts';
import { oneInvitation } from './one-invitation.ts';
import { oneMasterKey } from './one-master-key.ts';
import { oneProposal } from './one-proposal.ts';
import { oneSingleSignOn } from './one-single-sign-on.ts';
import { oneSubscription } from './one-subscription.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';
import type { TakeStep } from './take-step.ts';

export interface Step {
  /** As declared: `post /api/v1/api-keys/{id}/disable` */
  readonly route: string;
  readonly answer: Answered;
}

export interface World {
  readonly steps: readonly Step[];
  readonly orgId: string;
  readonly projectId: string;
  readonly apiKeyId: string;
  readonly personId: string;
  readonly channelId: string;
  readonly channelKeyId: string;
  readonly keyRotationId: string;
  readonly paymentId: string;
  readonly invoiceId: string;
  readonly bankTransferId: string;
  readonly subscriptionId: string;
  readonly planChangeId: string;
  /** Of a plan, unpaid. */
  readonly renewalId: string;
  readonly incidentId: string;
  readonly invitationId: string;
  /** Of the link. */
  readonly invitationToken: string;
  readonly proposalId: string;
  readonly applicationId: string;
  readonly credential: string;
  /** What was sent to be kept secret. */
  readonly secrets: readonly string[];
}

export const UPSTREAM_KEYS = ['upstream-secret-one-3f9a', 'upstream-secret-two-77c1', 'upstream-secret-three-0b2e'];
export const PRICE = { tiers: [{ microUsdPerMillion: { input: 2_500_000, output: 10_000_000 } }] };
const COST = { tiers: [{ microUsdPerMillion: { input: 2_000_000, output: 8_000_000 } }] };

const ifMatch = { 'if-match': '*' };
const AN_OWNERS: ReadonlySet<string> = new Set(
  ROUTES.filter(({ permission }) => permission !== null && rolesAllowed(permission).includes('owner')).map(
    ({ method, path }) => `${method} ${path}`,
  ),
);

export async function oneOfEverything(app: ManagementApp, upstream: MockUpstream): Promise<World> {
  const steps: Step[] = [];
  let owner: Somebody | null = null;
  const step: TakeStep = async (method, path, ids, body, more = {}) => {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? ''));
    const cookie = AN_OWNERS.has(`${method} /api/v1${path}`) ? owner?.cookie : undefined;
    const headers = cookie === undefined ? more : { cookie, origin: app.url, ...more };
    const credential = headers.cookie === undefined ? ADMIN_TOKEN : null;
    const answer = await app.call(method, `/api/v1${filled}`, { credential, body, headers });
    steps.push({ route: `${method} /api/v1${path}`, answer });
    return done(answer);
  };
  const orgId = (await step('post', '/organizations', {}, { name: 'Acme' })).string('id');
  await app.db.query('update organizations set seats = null where id = $1', [orgId]);
  owner = await signedInAs(app, { member: { orgId, role: 'owner' } });
  await step('patch', '/organizations/{id}', { id: orgId }, { name: 'Acme Inc.' }, ifMatch);
  const anywhere = { allowedAddresses: null };
  await step('patch', '/organizations/{orgId}/allowed-addresses', { orgId }, anywhere, ifMatch);
  const projectId = (await step('post', '/projects', {}, { orgId, name: 'research' })).string('id');
  await step('patch', '/projects/{id}', { id: projectId }, { name: 'development' }, ifMatch);
  const personId = await oneMember(step, orgId);
  await step('post', '/grants', {}, { orgId, amountNano: '25000000000' });
  await step('post', '/organizations/{orgId}/views', { orgId }, { reason: 'he asked' });
  const checkout = await step('post', '/organizations/{orgId}/checkouts', { orgId }, { pack: 'pack_10' });
  const paymentId = checkout.string('paymentId');
  await submit(checkout.string('url'), { payment_method: 'pm_card_visa' });
  await until(async () => (await app.call('get', `/api/v1/payments/${paymentId}`)).field('state') === 'paid');
  await step('post', '/organizations/{orgId}/card-setups', { orgId }, {});
  await step('post', '/organizations/{orgId}/portal', { orgId }, {});
  await step('patch', '/organizations/{orgId}/auto-top-up', { orgId }, { settings: null }, ifMatch);
  await step('post', '/payments/{id}/refunds', { id: paymentId }, { reason: 'not needed' });
  await step('post', '/models', {}, { id: 'acme/model-1', price: PRICE });
  await step('patch', '/models/{id}', { id: 'acme/model-1' }, { displayName: 'Model 1' }, ifMatch);
  await step('post', '/models/{id}/prices', { id: 'acme/model-1' }, { side: 'cost', price: COST });

  const { slotId, ...channel } = await oneChannel(step, upstream.url);
  const { apiKeyId, credential, rolledCredential } = await oneApiKey(app, step, orgId, projectId);
  const invited = await oneInvitation(app, step, orgId);
  await nightsProven(app.db);
  await nothingWaits(app.db);
  await step('post', '/demo/clock', {}, { advance: '10 minutes' });
  const { keyRotationId, rotationSecrets } = await oneKeyRotation(app.db, step, { id: channel.channelId, slotId });
  const { accountSecrets } = await oneAccount(app, step);
  const { signOnSecrets } = await oneSingleSignOn(app, step);
  const proposed = await oneProposal(app, step);
  await oneBackup(app.db, step);
  const postpaid = await oneInvoice(app, step, { id: apiKeyId, orgId, projectId, enforcementSeq: 0 });
  const subscribed = await oneSubscription(app, step, orgId);
  const applicationId = await oneApplication(app, step, { orgId, personId });
  await oneMasterKey(app, step);
  await app.refresh();
  return {
    applicationId,
    ...postpaid,
    ...subscribed,
    ...invited,
    ...proposed,
    ...{ steps, orgId, projectId, apiKeyId, personId, credential },
    ...channel,
    ...{ keyRotationId, paymentId },
    secrets: [...UPSTREAM_KEYS, ...rotationSecrets, credential, rolledCredential, ...accountSecrets, ...signOnSecrets],
  };
}

async function oneChannel(step: TakeStep, baseUrl: string) {
  const [firstKey, secondKey, thirdKey] = UPSTREAM_KEYS;
  const channelBody = {
    provider: 'openai-compatible',
    baseUrl,
    allowLocal: true,
    models: ['acme/model-1'],
  };
  const channel = await step('post', '/channels', {}, { ...channelBody, keys: [firstKey] });
  const id = channel.string('id');
  await step('patch', '/channels/{id}', { id }, { weight: 3, keys: [secondKey] }, ifMatch);
  const added = await step('post', '/channels/{id}/keys', { id }, { keys: [thirdKey] });
  const keyId = channel.string('keys.0.id');
  const off = { status: 'disabled', reason: 'leaked' };
  await step('patch', '/channels/{id}/keys/{keyId}', { id, keyId }, off, ifMatch);
  await step('post', '/channels/{id}/test', { id }, {});
  return { channelId: id, channelKeyId: keyId, slotId: added.string('keys.1.id') };
}

/** The clock waits for a mail server, and for workers to take what is news to workflows, and neither is here. */
async function nothingWaits(db: Pool): Promise<void> {
  await db.query(
    'update notifications set handed_over_at = billing_now() where handed_over_at is null and recipient is not null',
  );
  await db.query('delete from process_pokes');
}

async function oneMember(step: TakeStep, orgId: string): Promise<string> {
  const person = await step('post', '/persons', {}, { email: 'ada@example.com', name: 'Ada' });
  const ids = { id: person.string('id'), orgId, personId: person.string('id') };
  await step('patch', '/persons/{id}', ids, { name: 'Ada L.' }, ifMatch);
  await step('post', '/persons/{id}/verifications', ids, {});
  await step('post', '/persons/{id}/second-factor/remove', ids, { reason: 'he has lost it' });
  await step('post', '/organizations/{orgId}/members', ids, { personId: ids.id, role: 'owner' });
  await step('patch', '/organizations/{orgId}/members/{personId}', ids, { status: 'active' }, ifMatch);
  await step('patch', '/organizations/{orgId}/billing-details', ids, { legalName: 'Acme plc' }, ifMatch);
  return ids.id;
}

/** Of what this key uses beyond all that was paid in advance. */
async function oneInvoice(
  app: ManagementApp,
  step: TakeStep,
  customer: Customer,
): Promise<{ invoiceId: string; bankTransferId: string }> {
  const { orgId } = customer;
  const reason = 'as agreed';
  await step('post', '/tax-regimes', {}, { tax: { kind: 'none' }, reason });
  await step('post', '/organizations/{orgId}/contract', { orgId }, { creditLineCents: 100_000, reason });
  await step('patch', '/organizations/{orgId}/contract', { orgId }, { creditLineCents: 200_000, reason }, ifMatch);
  const gateway = await openBareGateway(app.database);
  await gateway.settle(customer, await gateway.hold(customer, '90'), '90');
  await gateway.close();
  await app.db.query('update usage_accounts set next_invoice_at = billing_now()');
  const [id = ''] = await issueDueInvoices(app.worker, null);
  const transfer = { amountCents: 1_000, reference: 'INV 1', receivedOn: '2026-01-31', reason };
  const recorded = await step('post', '/invoices/{id}/bank-transfers', { id }, transfer);
  const bankTransferId = recorded.string('id');
  await step('post', '/bank-transfers/{id}/reversals', { id: bankTransferId }, { reason });
  await step('post', '/invoices/{id}/pay-links', { id }, { reason });
  await step('post', '/invoices/{id}/dunning/decide-stop', { id }, { reason });
  await step('post', '/projects/{id}/prices', { id: customer.projectId }, { priceOfListPpm: 900_000, reason }, ifMatch);
  await step('post', '/organizations/{orgId}/contract/end', { orgId }, { reason }, ifMatch);
  return { invoiceId: id, bankTransferId };
}
