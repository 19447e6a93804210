// A rotation over a real PostgreSQL and the demo provider, step by step: what is stored, what is called for and what that costs, what people may do meanwhile,
// and that no key is told to anybody.
import { expect, test } from '@jest/globals';
import { channelKeysStanding, keyInventory, setPolicy } from '../../../services/channel-key-rotation/slots.ts';
import { lockedChannel } from '../../../services/channels/channels.ts';
import { refuseDuringRotation } from '../../../services/channels/successor-keys.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { Catalogue } from '../channels/catalogue.ts';
import { ADMIN_KEY, type Changed, OVERLOADED, openKeyDesk, REFUSED } from './key-desk.ts';

const CANARY_MS = 600_000;
const DAY_MS = 86_400_000;

const desk = await openKeyDesk();

async function keysOf({ slotId }: Changed): Promise<string[]> {
  const { rows } = await desk.admin.query<{ told: string }>(
    `select status || ' ' || share as told from channel_keys where slot_id = $1 order by created_at`,
    [slotId],
  );
  return rows.map(({ told }) => told);
}

async function inCanary(): Promise<{ readonly changed: Changed; readonly rotationId: string }> {
  const changed = await desk.newChannel();
  const rotationId = await desk.start(changed);
  await desk.look(changed);
  return { changed, rotationId };
}

test('a made key goes through 5, 25 and 100 of 100 requests by the attempts of customers, and the old one stands by for a day', async () => {
  const { changed, rotationId } = await inCanary();
  const went = [await keysOf(changed)];
  for (let stage = 0; stage < 3; stage += 1) {
    await desk.attempts(rotationId, 'new', 100);
    await desk.look(changed);
    went.push(await keysOf(changed));
  }
  await desk.later(DAY_MS);
  await desk.withdraw(changed.oldSecret);
  await desk.look(changed);
  const { stage } = await desk.look(changed);

  expect(went).toEqual([
    ['active 95', 'active 5'],
    ['active 75', 'active 25'],
    ['active 0', 'active 100'],
    ['active 0', 'active 100'],
  ]);
  expect([stage, await keysOf(changed)]).toEqual(['completed', ['revoked 0', 'active 100']]);
  expect((await desk.find(rotationId)).state.results.map(({ verdict }) => verdict)).toEqual(['good', 'good', 'good']);
});

test('what nobody uses is filled up by calls of our own, which cost less than ten cents and are nobody’s bill', async () => {
  const { changed, rotationId } = await inCanary();

  for (let stage = 0; stage < 3; stage += 1) {
    await desk.later(CANARY_MS);
    await desk.look(changed);
  }

  expect((await desk.find(rotationId)).state.stage.kind).toBe('grace');
  const { rows } = await desk.admin.query<{ calls: number; nano: string; lost: string }>(
    `select count(*)::integer as calls, sum(a.cost_nano)::text as nano,
            (select sum(amount_nano)::text from ops_losses l where l.reason = 'channel_test' and l.request_id in (
               select request_id from attempts where channel_id = $1)) as lost
       from attempts a where a.channel_id = $1 and a.outcome = 'channel_test'`,
    [changed.channelId],
  );
  expect(rows[0]?.calls).toBe(301);
  expect(rows[0]?.lost).toBe(rows[0]?.nano);
  expect(BigInt(rows[0]?.nano ?? 0)).toBeLessThanOrEqual(100_000_000n);
});

test('calls whose cost the provider has not told yet count as the most that they can be, and end with the ten cents', async () => {
  const changed = await desk.newChannel();
  const dear = { input: 16_000_000, output: 64_000_000 };
  const [forIt, since] = [{ channelId: changed.channelId }, { effectiveInMs: -400 * DAY_MS }];
  await new Catalogue(desk.admin, desk.vault).addPrice('demo-chat', 'cost', dear, { ...forIt, ...since });
  await desk.admin.query(`update channels set usage_export = 'demo' where id = $1`, [changed.channelId]);
  await desk.start(changed);
  await desk.look(changed);
  for (let stage = 0; stage < 3; stage += 1) {
    await desk.later(CANARY_MS);
    await desk.look(changed);
  }

  const { rows } = await desk.admin.query<{ calls: number }>(
    `select count(*)::integer as calls from attempts where channel_id = $1 and outcome = 'channel_test'`,
    [changed.channelId],
  );
  // $0.002048 each: 64 tokens in and 16 out.
  expect(rows).toEqual([{ calls: 48 }]);
});

test('a refusal of the new key takes all back, and the provider has it no more', async () => {
  const { changed, rotationId } = await inCanary();
  await desk.attempts(rotationId, 'new', 1, REFUSED);

  await desk.look(changed);
  const { stage, why } = await desk.look(changed);

  expect([stage, why, await keysOf(changed)]).toEqual(['rolled_back', 'refused', ['active 100', 'disabled 0']]);
  expect((await desk.keysAtProvider()).filter((name) => name.endsWith(rotationId))).toEqual([]);
});

test('a new key that may not use a model which the old one may use is worse', async () => {
  const { changed, rotationId } = await inCanary();
  for (const which of ['old', 'new'] as const) await desk.attempts(rotationId, which, 100);
  await desk.attempts(rotationId, 'new', 60, { failureClass: 'misconfigured', status: 403 });

  await desk.look(changed);
  const { stage, why } = await desk.look(changed);

  expect([stage, why]).toEqual(['rolled_back', 'worse']);
});

test('errors that the old key shows as well hold the stage, and say so', async () => {
  const { changed, rotationId } = await inCanary();
  for (const which of ['old', 'new'] as const) await desk.attempts(rotationId, which, 60, OVERLOADED);
  await desk.attempts(rotationId, 'new', 40);

  const { stage, percent, attention } = await desk.look(changed);

  expect([stage, percent, attention]).toEqual(['canary', 5, expect.stringContaining('the old key fails as well')]);
});

test('a key that the provider refuses when it is probed is never routed', async () => {
  const changed = await desk.newChannel({ isManaged: false });
  const rotationId = await desk.start(changed);
  const waits = await desk.look(changed);
  await desk.decides(rotationId, { kind: 'supply', secret: 'wrong-key-of-nobody', reason: 'from the page' });

  const { stage, why } = await desk.look(changed);

  expect(waits).toMatchObject({ stage: 'awaiting_key', attention: expect.stringContaining('bring it') });
  expect([stage, why, await keysOf(changed)]).toEqual(['rolled_back', 'refused', ['active 100', 'disabled 0']]);
});

test('a key that a person brings is used, and the one that he revokes at the provider ends it', async () => {
  const changed = await desk.newChannel({ isManaged: false });
  const rotationId = await desk.start(changed, { isEmergency: true });
  await desk.look(changed);
  await desk.decides(rotationId, { kind: 'supply', secret: 'demo-brought-by-ada', reason: 'from the page' });

  const waits = await desk.look(changed);
  await desk.withdraw(changed.oldSecret);
  await desk.later(5_000);
  const { stage } = await desk.look(changed);

  expect(waits).toMatchObject({
    stage: 'verifying',
    attention: expect.stringContaining('revoke the old key at the provider'),
  });
  expect([stage, await keysOf(changed)]).toEqual(['completed', ['revoked 0', 'active 100']]);
});

test('a provider that refuses the new key as well has said nothing of the old one', async () => {
  const changed = await desk.newChannel({ isManaged: false });
  const rotationId = await desk.start(changed, { isEmergency: true });
  await desk.look(changed);
  await desk.decides(rotationId, { kind: 'supply', secret: 'demo-brought-by-bob', reason: 'from the page' });
  await desk.look(changed);
  for (const secret of [changed.oldSecret, 'demo-brought-by-bob']) await desk.withdraw(secret);
  await desk.later(5_000);

  const { stage } = await desk.look(changed);

  expect([stage, await keysOf(changed)]).toEqual(['verifying', ['disabled 0', 'active 100']]);
  await desk.decides(rotationId, { kind: 'finish', reason: 'seen on the page of the provider' });
});

test('whoever brings the key that is to be replaced is told so', async () => {
  const changed = await desk.newChannel({ isManaged: false });
  const rotationId = await desk.start(changed);

  const brought = desk.decides(rotationId, { kind: 'supply', secret: changed.oldSecret, reason: 'from the page' });

  await expect(brought).rejects.toMatchObject({ code: 'invalid_body' });
  expect(await keysOf(changed)).toEqual(['active 100']);
});

test('of a channel one goes on at a time, and its keys are left alone meanwhile', async () => {
  const { changed } = await inCanary();

  const touching = () => inTransaction(desk.db, (tx) => refuseDuringRotation(tx, changed.channelId, changed.slotId));

  await expect(desk.start(changed)).rejects.toMatchObject({ code: 'conflict' });
  await expect(touching()).rejects.toMatchObject({ code: 'conflict' });
});

test('nothing is revoked before every gateway that is not fenced works by the new table, silent or not, and has no request by an older one', async () => {
  const { changed, rotationId } = await inCanary();
  for (let stage = 0; stage < 3; stage += 1) {
    await desk.attempts(rotationId, 'new', 100);
    await desk.look(changed);
  }
  await desk.decides(rotationId, { kind: 'finish', reason: 'all is well' });
  const { routingVersion } = await desk.find(rotationId);
  const { rows } = await desk.admin.query<{ id: string }>(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path, routing_loaded, routing_in_use, renewed_at)
     values (gen_random_uuid(), 'here', 1, '', '', $1, $1, clock_timestamp() - interval '80 seconds') returning id`,
    [routingVersion - 1],
  );
  const stages = [(await desk.look(changed)).stage];
  await desk.admin.query('update gateway_incarnations set routing_loaded = $1', [routingVersion]);
  stages.push((await desk.look(changed)).stage);
  await desk.admin.query('update gateway_incarnations set routing_in_use = $1', [routingVersion]);
  stages.push((await desk.look(changed)).stage);
  await desk.admin.query('delete from gateway_incarnations where id = $1', [rows[0]?.id]);

  expect(stages).toEqual(['draining', 'draining', 'verifying']);
});

test('a provider that makes no keys is asked again, and after five times a person is told', async () => {
  const changed = await desk.newChannel();
  await desk.fault(ADMIN_KEY, 'status=500');
  await desk.start(changed);
  const told: (string | null)[] = [];
  for (let looks = 0; looks < 5; looks += 1) {
    told.push((await desk.look(changed)).attention);
    await desk.later(300_000);
  }
  await desk.fault(ADMIN_KEY, null);
  const { stage, attention } = await desk.look(changed);

  expect(told).toEqual([null, null, null, null, expect.stringMatching(/^creating: .* HTTP 500$/)]);
  expect([stage, attention]).toEqual(['canary', null]);
});

test('a key that is older than it may be is changed by itself, once', async () => {
  const changed = await desk.newChannel();
  await inTransaction(desk.db, async (tx) => {
    await lockedChannel(tx, changed.channelId);
    await setPolicy(tx, changed.channelId, changed.slotId, 30);
  });

  const early = await desk.rotations.startDue();
  await desk.later(32 * DAY_MS);
  const overdue = (await channelKeysStanding(desk.db)).overdueKeys;
  const begun = [await desk.rotations.startDue(), await desk.rotations.startDue()];
  const [slot] = (await keyInventory(desk.db, changed.channelId)).slots;

  expect([early, overdue, begun]).toEqual([0, 1, [1, 0]]);
  expect(slot).toMatchObject({ ageDays: 32, rotateAfterDays: 30, rotationStage: 'creating' });
});

test('whoever has to bring a key is written to when nobody began by hand, and again after each day', async () => {
  const changed = await desk.newChannel({ isManaged: false });
  await inTransaction(desk.db, (tx) => setPolicy(tx, changed.channelId, changed.slotId, 30));
  await desk.later(31 * DAY_MS);
  await desk.rotations.startDue();
  await desk.look(changed);
  const told = async () => {
    const { rows } = await desk.admin.query<{ recipient: string; facts: object }>(
      `select recipient, facts from notifications where kind = 'channel_key_awaited' and facts ->> 'workflowId' = $1`,
      [`rotate:channel-key:${changed.slotId}`],
    );
    return rows;
  };
  const [atOnce] = await told();

  await desk.later(DAY_MS);
  await desk.look(changed);
  await desk.look(changed);

  expect(atOnce).toMatchObject({ recipient: 'staff', facts: { channelName: 'demo' } });
  expect(await told()).toHaveLength(2);
});

test('no key is in what is told, audited or kept of a rotation', async () => {
  const { rows } = await desk.admin.query<{ text: string }>(
    `select a::text as text from audit_log a union all select r::text from channel_key_rotations r
      union all select d::text from channel_key_decisions d union all select k::text from channel_keys k
      union all select m::text from channel_admin_keys m`,
  );

  const all = rows.map(({ text }) => text).join('\n');
  for (const secret of ['demo-issued-', 'demo-of-', 'demo-brought-by-ada', ADMIN_KEY])
    expect(all).not.toContain(secret);
});
