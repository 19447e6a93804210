// The whole product while the key of a channel is changed: customers ask all the time and none of them is refused, the new key gets its share, and neither
// a refusal of it nor the end of the old one is felt.
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import type { RotationView } from '../../services/channel-key-rotation/rotation-view.ts';
import { ChannelKeyRotations } from '../../services/channel-key-rotation/rotations.ts';
import { Egress } from '../../services/egress/egress.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { parseKeyring, Vault } from '../../services/vault/vault.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { type RunningProduct, startRunningProduct } from '../support/running-product.ts';
import { until } from '../support/until.ts';

const ADMIN_KEY = 'demo-admin-of-the-product';

let product: RunningProduct;
let db: Pool;
let egress: Egress;
let rotations: ChannelKeyRotations;
let customers: Customers;
let channelId: string;
let slotId: string;

beforeAll(async () => {
  product = await startRunningProduct();
  db = createPool(product.database.urlFor('worker'), { name: 'worker', maxConnections: 4, statementTimeoutMs: 10_000 });
  egress = new Egress();
  const keyring = JSON.stringify({ current: 1, keys: { 1: product.secrets.masterKey } });
  rotations = new ChannelKeyRotations({ db, vault: new Vault(parseKeyring('Master', keyring)), egress });
  const { data } = await called('get', '/channels');
  const channel = data.find(({ name }) => name === 'demo-b');
  [channelId, slotId] = [channel?.id ?? '', channel?.keys[0]?.id ?? ''];
  await called('post', `/channels/${channelId}/admin-key`, { adminKey: ADMIN_KEY });
  // All requests for its model go by this channel.
  await product.admin.query(`update channels set status = 'disabled' where name <> 'demo-b'`);
  // They ask as fast as this machine answers, which is no matter of their rates.
  await product.admin.query('update organizations set requests_per_minute = 1000000, tokens_per_minute = 1000000000');
  customers = new Customers();
});
afterAll(async () => {
  await customers.stop();
  await egress.close();
  await db.end();
  await product.stop();
});

/** Of what is asked here. */
interface Shown {
  readonly id: string;
  readonly data: readonly Shown[];
  readonly name: string;
  readonly status: string;
  readonly keys: readonly Shown[];
}

async function called(method: 'get' | 'post', path: string, body?: object) {
  const answer = await fetch(`${product.api}/api/v1${path}`, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const told = (await answer.json()) as Shown;
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(told)}`);
  return told;
}

/** Who asks all the time, some at once. */
class Customers {
  readonly statuses = new Map<number, number>();
  #isLeaving = false;
  readonly #asking = Array.from({ length: 4 }, () => this.#ask());

  async stop(): Promise<void> {
    this.#isLeaving = true;
    await Promise.all(this.#asking);
  }

  async #ask(): Promise<void> {
    while (!this.#isLeaving) {
      const status = await asks('hi');
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      await wait(10);
    }
  }
}

async function asks(content: string): Promise<number> {
  const answer = await fetch(`${product.api}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.customerKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo-chat', messages: [{ role: 'user', content }], max_tokens: 4 }),
  });
  await answer.text();
  return answer.status;
}

async function look(): Promise<RotationView> {
  let view = await rotations.tick(slotId);
  while (view.goesOn) view = await rotations.tick(slotId);
  return view;
}

async function started(): Promise<string> {
  const { id } = await called('post', `/channels/${channelId}/key-slots/${slotId}/rotations`, { reason: 'it is old' });
  return id;
}

/** Attempts of customers with each key since then. */
async function attemptsOf(rotationId: string): Promise<{ readonly old: number; readonly fresh: number }> {
  const { rows } = await product.admin.query<{ old: number; fresh: number }>(
    `select count(*) filter (where a.channel_key_id = r.old_key_id)::integer as old,
            count(*) filter (where a.channel_key_id = r.new_key_id)::integer as fresh
       from channel_key_rotations r join attempts a on a.channel_key_id in (r.old_key_id, r.new_key_id) and a.outcome <> 'channel_test'
        and a.sent_at >= to_timestamp((r.state #>> '{stage,sinceMs}')::float8 / 1000) + interval '2 seconds'
      where r.id = $1`,
    [rotationId],
  );
  return rows[0] ?? { old: 0, fresh: 0 };
}

async function keysAtProvider(): Promise<string[]> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const answer = await fetch(`${product.demoProvider}/admin/v1/api-keys`, { headers });
  return ((await answer.json()) as { data: { name: string }[] }).data.map(({ name }) => name);
}

const demo = (path: string, body: object) =>
  fetch(`${product.demoProvider}${path}`, { method: 'POST', body: JSON.stringify(body) });

test('the new key gets its five of a hundred requests, and the request that meets its refusal is answered by the old one', async () => {
  const rotationId = await started();
  expect(await look()).toMatchObject({ stage: 'canary', percent: 5 });
  await until(async () => (await attemptsOf(rotationId)).fresh >= 5);
  const { old, fresh } = await attemptsOf(rotationId);
  await demo('/_demo/faults', { keyPrefix: 'demo-issued-', spec: 'status=401' });
  await until(async () => (await look()).stage === 'rolled_back');
  await demo('/_demo/faults', { keyPrefix: 'demo-issued-', spec: null });

  expect(Math.abs(old - 19 * fresh)).toBeLessThanOrEqual(40);
  expect([...customers.statuses.keys()]).toEqual([200]);
  expect(await keysAtProvider()).toEqual([]);
});

test('a key is changed to the end while customers ask, and the old one is given up after the last request that was sent it', async () => {
  const rotationId = await started();
  await look();
  for (let view = await look(); view.stage === 'canary'; view = await look()) {
    // Its time is over: what customers have not asked is called for.
    await product.admin.query(
      `update channel_key_rotations set state = jsonb_set(state, '{stage,endsAtMs}', '0') where id = $1 and stage = 'canary'`,
      [rotationId],
    );
  }
  let isSlowAnswered = false;
  const slow = asks('hi [[demo:latency=3000]]').then((status) => {
    isSlowAnswered = true;
    return status;
  });
  // It is under way when those have been answered that were asked after it.
  const asked = customers.statuses.get(200) ?? 0;
  await until(() => (customers.statuses.get(200) ?? 0) > asked + 8);
  await called('post', `/key-rotations/${rotationId}/finish`, { reason: 'all is well' });
  const waits = (await look()).stage;
  await until(async () => (await look()).stage === 'verifying');
  const wasAnswered = isSlowAnswered;
  await demo('/_demo/withdrawals', { key: 'demo-b-1' });
  const before = customers.statuses.get(200) ?? 0;
  await until(async () => (await look()).stage === 'completed');
  await until(async () => (customers.statuses.get(200) ?? 0) > before + 50);

  expect([waits, wasAnswered, await slow]).toEqual(['draining', true, 200]);
  expect([...customers.statuses.keys()]).toEqual([200]);
  expect(await keysAtProvider()).toEqual([`tollgate-rotation-${rotationId}`]);
  const shown = await called('get', `/channels/${channelId}`);
  expect(shown.keys.map(({ status }) => status)).toEqual(['revoked', 'disabled', 'active']);
});

test('what the page of operations says to type works as it stands there', async () => {
  const [INVENTORY = '', DECIDE = ''] = commandsOf('Keys of channels');
  const filledIn = {
    'http://127.0.0.1:8080': product.api,
    '<admin token>': product.adminToken,
    '<channel>': channelId,
    '<slot>': slotId,
    '<why>': 'it is old',
  };
  await product.admin.query('delete from channel_admin_keys');
  const told = await typed(INVENTORY, { temporalAddress: '127.0.0.1:1', workerUrl: product.api, filledIn });
  const [, rotationId = ''] = /"id":"([0-9a-f-]{36})","revision"/.exec(told) ?? [];
  const more = {
    '<rotation>': rotationId,
    '<until>': new Date(Date.now() + 86_400_000).toISOString(),
    '<new key>': 'demo-typed-by-hand',
  };
  const decided = await typed(DECIDE, {
    ...{ temporalAddress: '127.0.0.1:1', workerUrl: product.api },
    filledIn: { ...filledIn, ...more },
  });

  expect(told).toMatch(/"rotateAfterDays":90(.|\n)*"stage":"awaiting_key"/);
  expect(decided).toMatch(/"stage":"awaiting_key"(.|\n)*"stage":"probing"(.|\n)*"stage":"(undoing|rolled_back)"/);
  expect(decided).not.toContain('demo-typed-by-hand');
});
