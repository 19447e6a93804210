// How many requests run at once is bounded by the plan tier or the organization's own figure, by the key, and by the model.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { digestOf } from '../../../../services/api-keys/credential.ts';
import { until } from '../../../support/until.ts';
import { type Caller, call } from './caller.ts';
import { chat } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, newCustomer, sell } from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function newModel(settings: object): Promise<string> {
  const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl });
  await gateway.manage('PATCH', `/models/${modelId}`, settings);
  await gateway.reload();
  return modelId;
}

/** A stream that is under way. */
async function running({ key }: Customer, modelId: string): Promise<{ caller: Caller; arrival: Arrival }> {
  const { answered } = call(gateway.url, { path: chat.path, key, body: chat.request(modelId) });
  const arrival = await upstream.next();
  arrival.send(chat.opening, chat.content('Toll'));
  return { caller: await answered, arrival };
}

async function refusal({ key }: Customer, modelId: string): Promise<string> {
  const refused = await call(gateway.url, { path: chat.path, key, body: chat.request(modelId) }).answered;
  await refused.over();
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
  return refused.text;
}

/** The gateway knows that what it knew of the customer has changed. */
function isHeard({ key }: Customer): Promise<void> {
  return until(() => gateway.parts.apiKeys.cached(digestOf(key)) === undefined);
}

test('a model that takes one request at once refuses an organization’s second, and takes the next when it has ended', async () => {
  const modelId = await newModel({ concurrentRequests: 1 });
  const [customer, other] = [await newCustomer(gateway, 10n ** 9n), await newCustomer(gateway, 10n ** 9n)];
  const first = await running(customer, modelId);

  expect(await refusal(customer, modelId)).toMatch(/model .* may use 1 requests at once/);

  const others = await running(other, modelId);
  first.arrival.cut();
  await first.caller.over();
  const next = await running(customer, modelId);
  expect([others.caller.status, next.caller.status]).toEqual([200, 200]);
  for (const { arrival } of [others, next]) arrival.cut();
});

test('an organization has the rates of its tier but for those that are its own', async () => {
  const modelId = await newModel({});
  const customer = await newCustomer(gateway, 10n ** 9n);
  const path = `/organizations/${customer.orgId}`;
  const first = await running(customer, modelId);

  await gateway.manage('PATCH', path, { concurrentRequests: 1 });
  await isHeard(customer);

  expect(await refusal(customer, modelId)).toContain('organization may use 1 requests at once');
  await gateway.manage('PATCH', path, { concurrentRequests: null });
  await isHeard(customer);
  const second = await running(customer, modelId);
  expect(second.caller.status).toBe(200);
  for (const { arrival } of [first, second]) arrival.cut();
});
