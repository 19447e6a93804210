// Rolled API keys on the server that skips time, over a real PostgreSQL: who is reminded when, what ends an overlap, and that one whose workflow is gone
// ends all the same.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { createApiKeyRotationActivities } from '../../activities/api-key-rotation.ts';
import { ApiKeyRotations } from '../../services/api-keys/rotations.ts';
import { pokeStranded } from '../../services/processes/stranded.ts';
import { typedRotations } from '../../workers/activities.ts';
import { apiKeyRotationWorkflowId, endOverlap, extendOverlap } from '../../workflows/contracts/api-key-rotation.ts';
import { BILLING_STAGE, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { type Made, openKeyShop } from '../services/api-keys/key-shop.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { detailsOf } from '../support/workflows/current-details.ts';
import { openProcessHouse, type ProcessHouse } from '../support/workflows/process-house.ts';

const HOUR_MS = 3_600_000;
const shop = await openKeyShop();
let temporal: ThrowawayTemporal;
let house: ProcessHouse;

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal(SEARCH_ATTRIBUTES);
  const rotations = typedRotations(new ApiKeyRotations(shop.db));
  house = await openProcessHouse(temporal, {
    ...{ admin: shop.admin, db: shop.db, process: 'rotate:api-key', beginsAt: '2027-01-07T07:00:00Z' },
    activities: (setClock) =>
      createApiKeyRotationActivities(
        {
          async tick(id) {
            await setClock();
            return rotations.tick(id);
          },
          async command(id, told) {
            await setClock();
            return rotations.command(id, told);
          },
        },
        'docs/operations.md',
      ),
  });
});
afterAll(async () => {
  await house.stop();
  await temporal.stop();
});

interface Rolled extends Made {
  readonly workflow: WorkflowHandle;
  readonly next: string;
}

async function rolled(overlapHours: number): Promise<Rolled> {
  const made = await shop.apiKey();
  const next = await house.now(() => shop.roll(made, overlapHours));
  // The client that lets time pass while a result is awaited.
  const workflow = temporal.environment.client.workflow.getHandle(
    apiKeyRotationWorkflowId(await shop.rotationOf(made)),
  );
  return { ...made, next, workflow };
}

const hours = (count: number) => temporal.environment.sleep(count * HOUR_MS);
const used = (made: Made) => house.now(() => shop.usedNow(made));

async function stageOf({ workflow }: Rolled): Promise<unknown> {
  return (await workflow.describe()).typedSearchAttributes.get(BILLING_STAGE);
}

async function endOf(rotation: Rolled): Promise<unknown[]> {
  await rotation.workflow.result();
  return [await stageOf(rotation), await shop.known(rotation.credential), await shop.known(rotation.next)];
}

/** As a person types it. */
const command = (more: object = {}) => ({
  args: [{ actor: 'ops:ada', reason: 'he asked', requestId: randomUUID(), ...more }] as [never],
});

test('whoever still uses the replaced credential is reminded a day and an hour before it ends, and its end is written down', async () => {
  const rotation = await rolled(30);

  const told: number[] = [];
  for (const count of [5.5, 1, 22, 0.75]) {
    await used(rotation);
    await hours(count);
    told.push((await shop.told(rotation)).length);
  }
  const end = await endOf(rotation);

  expect(told).toEqual([0, 1, 1, 2]);
  expect(end).toEqual(['over', 'ended', 'works']);
  expect(await shop.told(rotation)).toEqual(['old_credential_ends owner', 'old_credential_ends owner']);
});

test('nobody is written to of a credential that nobody uses any more', async () => {
  const rotation = await rolled(720);

  expect(await endOf(rotation)).toEqual(['over', 'ended', 'works']);
  expect(await shop.told(rotation)).toEqual([]);
});

test('an operator has it work longer, once for each request, and ends it', async () => {
  const rotation = await rolled(24);
  const extended = command({ overlapHours: 48 });

  const [first, again] = [
    await rotation.workflow.executeUpdate(extendOverlap, extended),
    await rotation.workflow.executeUpdate(extendOverlap, extended),
  ];
  const refusals = [];
  for (const overlapHours of [48, 721, -1, 'many']) {
    const refused = rotation.workflow.executeUpdate(extendOverlap, command({ overlapHours }));
    refusals.push(await refused.catch((error: Error) => error.cause ?? error));
  }
  await hours(30);
  const before = [await stageOf(rotation), await shop.known(rotation.credential)];
  await rotation.workflow.executeUpdate(endOverlap, command());

  expect(again.endsAt).toBe(first.endsAt);
  expect(refusals.map(String)).toEqual([
    expect.stringContaining('not_longer'),
    expect.stringContaining('too_long'),
    ...Array(2).fill(expect.stringContaining('lacks a field')),
  ]);
  expect(before).toEqual(['overlap', 'works still']);
  expect(await endOf(rotation)).toEqual(['ended_now', 'ended', 'works']);
});

test('what its owner does is news to it: taken back, ended, or found elsewhere', async () => {
  const [takenBack, ended, leaked] = [await rolled(24), await rolled(24), await rolled(24)];

  await house.now(() => shop.end(takenBack, 'old'));
  await house.now(() => shop.end(ended, 'new'));
  await house.now(() => shop.report({ credential: leaked.credential }));

  expect(await endOf(takenBack)).toEqual(['taken_back', 'works', 'ended']);
  expect(await endOf(ended)).toEqual(['ended_now', 'ended', 'works']);
  expect(await endOf(leaked)).toEqual(['leaked', 'ended', 'works']);
});

test('terminated, it ends at its time for every gateway, and in the books when the hourly repair finds it', async () => {
  const rotation = await rolled(24);
  await until(async () => (await detailsOf(rotation.workflow)).includes('Two credentials work'));
  await rotation.workflow.terminate();
  await shop.admin.query('delete from process_pokes');

  await hours(25);
  const before = await house.now(() => shop.known(rotation.credential));
  const { late } = await house.now(() => pokeStranded(shop.db));

  expect([before, late]).toEqual(['ended', 1]);
  expect(await endOf(rotation)).toEqual(['over', 'ended', 'works']);
});
