// A customer made through the API, and requests of it settled by the money parts of a real gateway: the rows that receipts,
// usage and credits are read from are those that production writes.
import { nano } from '../../../domain/nano.ts';
import { charge, type Price } from '../../../domain/prices.ts';
import type { AttemptRow, UsageRow } from '../../../services/ledger/settlement-rows.ts';
import { newId } from '../../../services/platform/ids.ts';
import { type BareGateway, type Customer, openBareGateway, rowsOf } from '../../support/bare-gateway.ts';
import { done, type ManagementApp } from './management-app.ts';
import { UPSTREAM_KEYS } from './one-of-everything.ts';

export interface PayingCustomer extends Customer {
  readonly credential: string;
}

export async function newPayingCustomer(app: ManagementApp, keyBody: object = {}): Promise<PayingCustomer> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  done(await app.call('post', '/api/v1/grants', { body: { orgId, amountNano: '25000000000' } }));
  return newKey(app, orgId, keyBody);
}

export async function newKey(app: ManagementApp, orgId: string, keyBody: object = {}): Promise<PayingCustomer> {
  const made = done(await app.call('post', '/api/v1/api-keys', { body: { orgId, ...keyBody } }));
  const [id, projectId, credential] = [made.string('id'), made.string('projectId'), made.string('credential')];
  return { id, orgId, projectId, credential, enforcementSeq: 0 };
}

export interface Shop {
  readonly gateway: BareGateway;
  readonly channelId: string;
  readonly modelId: string;
  readonly priceVersionId: string;
  readonly price: Price;
}

/** A model with a price, a channel for it, and a gateway that settles. */
export async function openShop(app: ManagementApp, modelId: string): Promise<Shop> {
  const price = {
    tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input: 2_500_000, output: 10_000_000 } }],
    perCallNano: 0,
  };
  done(await app.call('post', '/api/v1/models', { body: { id: modelId, price } }));
  const channel = { name: 'the shop', provider: 'openai', baseUrl: 'https://api.example.com', models: [modelId] };
  const made = done(await app.call('post', '/api/v1/channels', { body: { ...channel, keys: UPSTREAM_KEYS } }));
  const prices = done(await app.call('get', `/api/v1/models/${modelId}/prices`));
  await app.refresh();
  const gateway = await openBareGateway(app.database);
  return { gateway, channelId: made.string('id'), modelId, priceVersionId: prices.string('data.0.id'), price };
}

export interface SettledRequest {
  readonly requestId: string;
  readonly chargeNano: bigint;
}

/** One answered request of these meters, charged by the shop's price. */
export async function answeredRequest(
  { gateway, channelId, modelId, priceVersionId, price }: Shop,
  customer: Customer,
  meters: UsageRow['meters'],
  more: Partial<UsageRow> = {},
  lost: readonly Partial<AttemptRow>[] = [],
): Promise<SettledRequest> {
  const rated = charge(price, meters);
  const requestId = newId();
  const need = { floor: rated, preferred: rated, wish: rated };
  const reservation = gateway.leases.reserve(customer, need) ?? (await gateway.leases.acquire(customer, need));
  gateway.leases.settle(reservation, nano(rated));
  const { usage, attempts } = rowsOf(customer, reservation.lease.id, rated, requestId);
  const [won] = attempts;
  if (won === undefined) throw new Error('a request has an attempt');
  const ofShop = { channel_id: channelId, model_id: modelId, upstream_model: modelId };
  const all = [...lost, { n: lost.length + 1, cost_nano: '1000' }].map((one, at) => ({
    ...won,
    ...ofShop,
    n: at + 1,
    ...one,
  }));
  await new Promise((acknowledged) =>
    gateway.writer.settle({
      usage: { ...usage, model_id: modelId, price_version_id: priceVersionId, meters, winner: all.length, ...more },
      attempts: all,
      segments: [],
      acknowledged,
      inDatabase: () => gateway.leases.confirmed(reservation.lease),
    }),
  );
  return { requestId, chargeNano: rated };
}
