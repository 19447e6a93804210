// Rotations on the server that skips time, over a real PostgreSQL and the demo provider: what a stage waits for, what takes it back, what ends it, and that
// a message to the workflow decides nothing.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { pokeStranded } from '../../services/processes/stranded.ts';
import {
  CHANNEL_KEY_ROTATION_TICK,
  channelKeyRotationWorkflowId,
  finish,
} from '../../workflows/contracts/channel-key-rotation.ts';
import { BILLING_STAGE, NEEDS_ATTENTION, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { type Changed, OVERLOADED, openKeyDesk, REFUSED } from '../services/channel-key-rotation/key-desk.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { openRotationHouse } from '../support/workflows/channel-key-rotation-house.ts';
import { detailsOf } from '../support/workflows/current-details.ts';
import type { ProcessHouse } from '../support/workflows/process-house.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const desk = await openKeyDesk();
let temporal: ThrowawayTemporal;
let house: ProcessHouse;

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal(SEARCH_ATTRIBUTES);
  house = await openRotationHouse(temporal, desk);
});
afterAll(async () => {
  await house.stop();
  await temporal.stop();
});

interface Running {
  readonly changed: Changed;
  readonly rotationId: string;
  readonly workflow: WorkflowHandle;
}

async function started(more: { isManaged?: boolean; isEmergency?: boolean } = {}): Promise<Running> {
  const changed = await desk.newChannel(more);
  const rotationId = await house.now(() => desk.start(changed, more));
  return {
    changed,
    rotationId,
    workflow: house.client.workflow.getHandle(channelKeyRotationWorkflowId(changed.slotId)),
  };
}

async function stageOf({ workflow }: Running): Promise<unknown> {
  return (await workflow.describe()).typedSearchAttributes.get(BILLING_STAGE);
}

async function reaches(running: Running, stage: string): Promise<void> {
  await until(async () => (await stageOf(running)) === stage);
}

/** By so many good attempts of customers as end each stage. */
async function comesTo(running: Running, stage: string): Promise<void> {
  await reaches(running, 'canary_5');
  for (const next of ['canary_25', 'canary_100', 'grace']) {
    if ((await stageOf(running)) === stage) return;
    await desk.attempts(running.rotationId, 'new', 100);
    await temporal.environment.sleep(MINUTE_MS);
    await reaches(running, next);
  }
}

/** Once so much time has passed. */
async function ends({ workflow }: Running, withinMs = 2 * MINUTE_MS): Promise<void> {
  await temporal.environment.sleep(withinMs);
  await workflow.result();
}

async function keysOf({ changed }: Running): Promise<string[]> {
  const { rows } = await desk.admin.query<{ status: string }>(
    'select status from channel_keys where slot_id = $1 order by created_at',
    [changed.slotId],
  );
  return rows.map(({ status }) => status);
}

/** Of this rotation. */
async function keysAtProvider({ rotationId }: Running): Promise<number> {
  return (await desk.keysAtProvider()).filter((name) => name.endsWith(rotationId)).length;
}

test('with nobody there, a key is made, filled up with calls, kept a day beside the old one, and the old one is revoked', async () => {
  const running = await started();
  await reaches(running, 'canary_5');
  await desk.withdraw(running.changed.oldSecret);

  await temporal.environment.sleep(31 * MINUTE_MS);
  const after = await stageOf(running);
  await ends(running, DAY_MS + 2 * MINUTE_MS);

  expect([after, await stageOf(running)]).toEqual(['grace', 'completed']);
  expect([await keysOf(running), await keysAtProvider(running)]).toEqual([['revoked', 'active'], 1]);
});

test.each(['canary_5', 'canary_25', 'canary_100', 'grace'])(
  'one refusal of the new key in %s takes all back, and the provider has it no more',
  async (stage) => {
    const running = await started();
    await comesTo(running, stage);
    await desk.attempts(running.rotationId, 'new', 1, REFUSED);

    await ends(running, stage === 'grace' ? 17 * MINUTE_MS : undefined);

    expect([await stageOf(running), await keysOf(running)]).toEqual(['rolled_back', ['active', 'disabled']]);
    expect(await keysAtProvider(running)).toBe(0);
  },
);

test.each(['canary_5', 'canary_25', 'canary_100'])('errors of the new key alone in %s take all back', async (stage) => {
  const running = await started();
  await comesTo(running, stage);
  await desk.attempts(running.rotationId, 'old', 20);
  await desk.attempts(running.rotationId, 'new', 20, OVERLOADED);

  await ends(running);

  expect(await stageOf(running)).toBe('rolled_back');
});

test('errors that the old key shows too hold the stage until they are over', async () => {
  const running = await started();
  await reaches(running, 'canary_5');
  for (const which of ['old', 'new'] as const) await desk.attempts(running.rotationId, which, 100, OVERLOADED);
  await temporal.environment.sleep(MINUTE_MS);
  await until(async () => (await running.workflow.describe()).typedSearchAttributes.get(NEEDS_ATTENTION) === true);
  const held = await stageOf(running);

  await desk.attempts(running.rotationId, 'new', 100);
  await temporal.environment.sleep(MINUTE_MS);
  await reaches(running, 'canary_25');

  expect(held).toBe('canary_5');
  await house.now(() => desk.decides(running.rotationId, { kind: 'roll_back', reason: 'enough seen' }));
  await ends(running);
});

test('a key that a person must bring needs him, is tried, and counts from then on', async () => {
  const running = await started({ isManaged: false });
  await until(async () => (await running.workflow.describe()).typedSearchAttributes.get(NEEDS_ATTENTION) === true);
  const details = await detailsOf(running.workflow);

  await house.now(() => desk.decides(running.rotationId, { kind: 'supply', secret: 'demo-by-hand', reason: 'made' }));
  await comesTo(running, 'grace');
  await desk.withdraw(running.changed.oldSecret);
  await house.now(() => desk.decides(running.rotationId, { kind: 'finish', reason: 'all is well' }));
  await ends(running);

  expect(details).toMatch(/NEEDS ATTENTION: make a key at the provider(.|\n)*Read on: docs\/operations.md/);
  expect(await keysOf(running)).toEqual(['revoked', 'active']);
});

test('an emergency has the old key revoked without canary and grace', async () => {
  const running = await started({ isManaged: false, isEmergency: true });
  await reaches(running, 'awaiting_key');
  await desk.withdraw(running.changed.oldSecret);

  await house.now(() =>
    desk.decides(running.rotationId, { kind: 'supply', secret: 'demo-in-a-hurry', reason: 'leak' }),
  );
  await ends(running);

  expect([await stageOf(running), (await desk.find(running.rotationId)).state.results]).toEqual(['completed', []]);
});

test('a grace that is extended ends later, and is taken back on the way', async () => {
  const running = await started();
  await comesTo(running, 'grace');
  const later = new Date((await temporal.environment.currentTimeMs()) + 3 * DAY_MS);
  await house.now(() => desk.decides(running.rotationId, { kind: 'extend', until: later, reason: 'a holiday' }));
  await temporal.environment.sleep(MINUTE_MS);
  const { stage } = (await desk.find(running.rotationId)).state;
  await house.now(() => desk.decides(running.rotationId, { kind: 'roll_back', reason: 'it is slow' }));
  await ends(running);

  expect(stage).toEqual({ kind: 'grace', endsAtMs: later.getTime() });
  expect([await stageOf(running), await keysOf(running)]).toEqual(['rolled_back', ['active', 'disabled']]);
});

test('whoever reaches Temporal can have a decision read that was made, and cannot make one', async () => {
  const running = await started();
  await comesTo(running, 'grace');
  const other = await started();
  const anothers = await desk.decides(other.rotationId, { kind: 'roll_back', reason: 'not now' });
  const update = (decisionId: unknown) => running.workflow.executeUpdate(finish, { args: [{ decisionId } as never] });
  const failures: string[] = [];
  for (const forged of [randomUUID(), anothers, 'finish', undefined]) {
    failures.push(
      await update(forged).then(
        () => 'done',
        ({ cause }) => cause.message,
      ),
    );
  }
  const before = await stageOf(running);
  await desk.withdraw(running.changed.oldSecret);

  const decisionId = await desk.decides(running.rotationId, { kind: 'finish', reason: 'all is well' });
  const told = await update(decisionId);
  await ends(running);

  expect(failures).toEqual([
    ...Array(2).fill(expect.stringContaining('has a decision')),
    ...Array(2).fill(expect.stringContaining('the UUID of a decision')),
  ]);
  expect([before, told.stage, await stageOf(running)]).toEqual(['grace', 'draining', 'completed']);
});

test('terminated at any stage and repaired from its row, each comes to the same end', async () => {
  const stages: unknown[] = [];
  for (const at of ['canary_5', 'canary_100', 'grace', 'draining']) {
    const running = await started();
    await desk.withdraw(running.changed.oldSecret);
    await comesTo(running, at === 'draining' ? 'grace' : at);
    await running.workflow.terminate();
    const finishes = () => desk.decides(running.rotationId, { kind: 'finish', reason: 'all is well' });
    if (at === 'draining') await finishes();
    await desk.admin.query('delete from process_pokes');
    await desk.later(11 * MINUTE_MS);

    await house.now(() => pokeStranded(desk.db));
    if (at.startsWith('canary')) await temporal.environment.sleep(35 * MINUTE_MS);
    if (at !== 'draining') await house.now(finishes);
    await ends(running);
    stages.push(await stageOf(running));
  }

  expect(stages).toEqual(Array(4).fill('completed'));
});

test('the tick of its schedule begins what is due by age', async () => {
  const changed = await desk.newChannel();
  await desk.admin.query('update channel_key_slots set rotate_after_days = 1 where id = $1', [changed.slotId]);
  await temporal.environment.sleep(2 * DAY_MS);

  await house.now(() =>
    house.client.workflow.execute(CHANNEL_KEY_ROTATION_TICK, {
      workflowId: `tick:${randomUUID()}`,
      taskQueue: CORE_QUEUE,
      args: [{ v: 1 }],
    }),
  );
  const workflow = house.client.workflow.getHandle(channelKeyRotationWorkflowId(changed.slotId));

  await until(async () => (await workflow.describe()).typedSearchAttributes.get(BILLING_STAGE) === 'canary_5');
  const { rows } = await desk.admin.query('select started_by from channel_key_rotations where slot_id = $1', [
    changed.slotId,
  ]);
  expect(rows).toEqual([{ started_by: 'channel-key-rotation' }]);
});
