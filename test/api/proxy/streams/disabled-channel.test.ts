// A disabled channel stays disabled, whatever a request still holds in its hand that was admitted before (gateways.md T41).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../../support/until.ts';
import { chat } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { newCustomer, sell } from './shop.ts';

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

test('a request that was admitted by an older table does not bring a disabled channel back', async () => {
  const { modelId, channelIds } = await sell(gateway, { baseUrl: upstream.baseUrl });
  const { key } = await newCustomer(gateway, 1_000_000_000n);
  const ask = (headers: Record<string, string> = {}) =>
    fetch(gateway.url + chat.path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(chat.request(modelId)),
    }).then(({ status }) => status);

  const lock = await gateway.admin.connect();
  await lock.query('begin');
  await lock.query('lock table idempotency_keys in access exclusive mode');
  const admitted = ask({ 'idempotency-key': 'order-1' });
  await until(() => gateway.parts.leases.snapshot().reservedNano > 0n);
  await gateway.manage('PATCH', `/channels/${channelIds[0]}`, { status: 'disabled', reason: 'T41' });
  const status = () => gateway.parts.routing().models.get(modelId)?.routes[0]?.channel.status;
  await until(() => status() === 'disabled');
  await lock.query('rollback');
  lock.release();

  expect(await admitted).toBe(503);
  expect(await ask()).toBe(503);
  expect(upstream.untaken).toBe(0);
});
