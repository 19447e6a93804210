// Automatic top-up from a balance that falls to credit that is there: PostgreSQL, the fake Stripe and Temporal, with the codec on. Time at the
// bank and in the caps is the clock of billing, which the test moves; Temporal's goes on as it does.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createCardAskActivities } from '../../activities/card-asks.ts';
import { lookAfter } from '../../activities/look-after.ts';
import { createTopUpActivities } from '../../activities/top-up.ts';
import { answerCardAsk } from '../../services/payments/card-asks.ts';
import { createLog } from '../../services/platform/log.ts';
import { PokeOutbox } from '../../services/processes/poke-outbox.ts';
import { pokeStranded } from '../../services/processes/stranded.ts';
import { watchBalances } from '../../workers/balance-loop.ts';
import { ProcessRelay } from '../../workers/process-relay.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { BILLING_QUEUE, CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { topUpWorkflowId } from '../../workflows/contracts/top-up.ts';
import { openTill } from '../services/payments/till.ts';
import { RunningLow } from '../services/top-ups/running-low.ts';
import type { Customer } from '../support/bare-gateway.ts';
import { startCodecEndpoint } from '../support/codec-endpoint.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { WORKERS_ADMIN_TOKEN, workersCodec } from '../support/worker-process.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

const till = await openTill();
const low = new RunningLow(till);
const log = createLog({ name: 'auto-top-up', level: 'silent' });
const leaving = new AbortController();
const codecEndpoint = await startCodecEndpoint();

let temporal: ThrowawayTemporal;
let client: Client;
let relay: ProcessRelay;
let workers: readonly Worker[];
let running: readonly Promise<void>[];
let isTemporalAway = false;

beforeAll(async () => {
  await low.begin();
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { environment, namespace } = temporal;
  const dataConverter = { payloadCodecs: [workersCodec] };
  client = new Client({ connection: environment.connection, namespace, dataConverter });
  const place = { connection: environment.nativeConnection, namespace, dataConverter };
  const topUpActivities = createTopUpActivities(low.topUps, 'docs/operations.md');
  workers = [
    await Worker.create({
      ...place,
      taskQueue: CORE_QUEUE,
      workflowBundle: { codePath: await workflowBundle() },
      activities: topUpActivities,
    }),
    await Worker.create({
      ...place,
      taskQueue: BILLING_QUEUE,
      activities: createCardAskActivities(
        (ask, asker) =>
          answerCardAsk({ db: till.db, stripe: till.stripe, ...(asker === undefined ? {} : { asker }) }, ask),
        lookAfter(topUpActivities),
      ),
    }),
  ];
  relay = new ProcessRelay(new PokeOutbox(till.db), () => (isTemporalAway ? null : client), log);
  running = [...workers.map((worker) => worker.run()), relay.run(), watchBalances(till.db, log, leaving.signal)];
});
afterEach(async () => {
  expect(await till.differences()).toEqual([]);
});
afterAll(async () => {
  leaving.abort();
  relay.leave();
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  codecEndpoint.close();
  await temporal.stop();
});

/** It, or that it never ran. */
async function statusOf({ orgId }: Customer): Promise<string> {
  const described = await client.workflow
    .getHandle(topUpWorkflowId(orgId))
    .describe()
    .catch(() => null);
  return described?.status.name ?? 'none';
}

async function stageOf({ orgId }: Customer): Promise<unknown> {
  const { typedSearchAttributes } = await client.workflow.getHandle(topUpWorkflowId(orgId)).describe();
  return typedSearchAttributes.getAll().find(({ key: { name } }) => name === 'BillingStage')?.value;
}

function onThePage({ orgId }: Customer, commands: string): Promise<string> {
  return typed(commands, {
    temporalAddress: temporal.environment.address,
    workerUrl: codecEndpoint.url,
    filledIn: { '<admin token>': WORKERS_ADMIN_TOKEN, '<organization>': orgId },
  });
}

test('who runs low has bought once some seconds later, and nothing runs for him any more', async () => {
  const customer = await low.customer('5.001');

  await low.spend(customer, '0.002', '0.002');
  await until(async () => (await statusOf(customer)) === 'COMPLETED');

  expect(await low.balanceOf(customer)).toBe('29.997000');
  expect(await low.bought(customer)).toEqual(['1 paid 2500, 2500']);
  expect(await low.intentsAtStripe(customer)).toBe(1);
});

test('while Temporal is away it is late, and not forgotten', async () => {
  isTemporalAway = true;
  const customer = await low.customer('4.000');
  await until(async () => (await low.bought(customer)).length === 1);
  const meanwhile = [await low.bought(customer), await statusOf(customer)];

  isTemporalAway = false;
  relay.ring();
  await until(async () => (await statusOf(customer)) === 'COMPLETED');

  expect(meanwhile).toEqual([['1 open 2500, no intent'], 'none']);
  expect(await low.bought(customer)).toEqual(['1 paid 2500, 2500']);
});

test('what the page tells an operator shows a card that rests, and has it asked again when its hour is over', async () => {
  const customer = await low.customer('4.000', 'pm_fake_declines_insufficient_funds');
  await until(async () => (await statusOf(customer)) === 'RUNNING' && (await stageOf(customer)) === 'resting');
  const [commands = ''] = commandsOf('Automatic top-up');
  await low.pass('1 hour');

  const shown = await onThePage(customer, commands);
  await until(async () => (await low.declinesInARow(customer)) === 2);

  expect(shown).toMatch(new RegExp(`Running +${topUpWorkflowId(customer.orgId)}`));
  expect(shown).toMatch(/BillingStage.*resting/);
  expect(await low.bought(customer)).toEqual(['1 expired 2500, canceled', '2 expired 2500, canceled']);
});

test('one that is terminated while its card rests is found by its row, and ends when the third decline switches it off', async () => {
  const customer = await low.customer('4.000', 'pm_fake_declines_insufficient_funds');
  await until(async () => (await statusOf(customer)) === 'RUNNING' && (await stageOf(customer)) === 'resting');

  for (const tries of [2, 3]) {
    await client.workflow.getHandle(topUpWorkflowId(customer.orgId)).terminate('by a test');
    await low.pass('2 hours');
    await pokeStranded(till.db);
    await until(async () => (await low.declinesInARow(customer)) === tries);
  }
  await until(async () => (await statusOf(customer)) === 'COMPLETED');

  expect(await low.isOn(customer)).toBe(false);
  expect((await low.told(customer)).at(-1)).toBe('top_up_off declines');
});
