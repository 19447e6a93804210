// A refund that Stripe will not make, from its refusal to a person's word: PostgreSQL, the fake Stripe and Temporal, with the codec on, and
// the commands of the page.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createRefusedRefundActivities } from '../../activities/refused-refund.ts';
import { refundUnusedPack, sendRefunds } from '../../services/payments/refunds.ts';
import { RefusedRefunds } from '../../services/payments/refused-refunds.ts';
import { createLog } from '../../services/platform/log.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { PokeOutbox } from '../../services/processes/poke-outbox.ts';
import { pokeStranded } from '../../services/processes/stranded.ts';
import { ProcessRelay } from '../../workers/process-relay.ts';
import { refundWorkflowId } from '../../workflows/contracts/refused-refund.ts';
import { NEEDS_ATTENTION, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { ledgerOf } from '../fake-stripe/stripe-client.ts';
import { openTill } from '../services/payments/till.ts';
import { startCodecEndpoint } from '../support/codec-endpoint.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { WORKERS_ADMIN_TOKEN, workersCodec } from '../support/worker-process.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

const till = await openTill();
const codecEndpoint = await startCodecEndpoint();
const [PAGE = ''] = commandsOf('Refused refunds');

let temporal: ThrowawayTemporal;
let client: Client;
let relay: ProcessRelay;
let worker: Worker;
let running: readonly Promise<void>[];

beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { environment, namespace } = temporal;
  const dataConverter = { payloadCodecs: [workersCodec] };
  client = new Client({ connection: environment.connection, namespace, dataConverter });
  worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace,
    dataConverter,
    taskQueue: CORE_QUEUE,
    workflowBundle: { codePath: await workflowBundle() },
    activities: createRefusedRefundActivities(new RefusedRefunds(till.db), 'docs/operations.md'),
  });
  relay = new ProcessRelay(new PokeOutbox(till.db), () => client, createLog({ name: 'refunds', level: 'silent' }));
  running = [worker.run(), relay.run()];
});
afterAll(async () => {
  relay.leave();
  worker.shutdown();
  await Promise.all(running);
  codecEndpoint.close();
  await temporal.stop();
});

interface Refused {
  readonly paymentId: string;
  readonly intent: string;
}

/** Somebody gives 7.00 of a pack back at Stripe, we have not heard of it and ask for all. */
async function refusedRefund(): Promise<Refused> {
  const { paymentId, paymentIntent: intent } = await till.pay(await till.newOrganization(), 'pack_50');
  await till.record(intent);
  await till.sdk.refunds.create({ payment_intent: intent, amount: 700 });
  await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
  await sendRefunds(till.db, till.stripe);
  return { paymentId, intent };
}

async function needsAttention({ paymentId }: Refused): Promise<boolean> {
  const { typedSearchAttributes } = await handleOf(paymentId).describe();
  return typedSearchAttributes.get(NEEDS_ATTENTION) === true;
}

function handleOf(paymentId: string) {
  return client.workflow.getHandle(refundWorkflowId(paymentId));
}

/** It, or that it never ran. */
async function statusOf({ paymentId }: Refused): Promise<string> {
  const described = await handleOf(paymentId)
    .describe()
    .catch(() => null);
  return described?.status.name ?? 'none';
}

function onThePage({ paymentId }: Refused, commands: string): Promise<string> {
  return typed(commands, {
    temporalAddress: temporal.environment.address,
    workerUrl: codecEndpoint.url,
    filledIn: {
      '<admin token>': WORKERS_ADMIN_TOKEN,
      '<payment>': paymentId,
      '<you>': 'Ada',
      '<why>': 'the card is open again',
    },
  });
}

async function hearAll(): Promise<void> {
  const inbox = till.newInbox();
  for (const event of await till.events()) await inbox.store(event);
  await inbox.processDue();
}

test('it needs attention as soon as Stripe refuses, and the command of the page has it asked for again and ends it', async () => {
  const refused = await refusedRefund();
  await until(async () => (await statusOf(refused)) === 'RUNNING' && (await needsAttention(refused)));
  await hearAll();

  const answer = await onThePage(refused, PAGE);
  await until(async () => (await statusOf(refused)) === 'COMPLETED');
  await sendRefunds(till.db, till.stripe);

  expect(answer).toMatch(/hasEnded:true/);
  expect(await needsAttention(refused)).toBe(false);
  expect((await ledgerOf(till.stripeUrl))[refused.intent]).toMatchObject({ captured: 5_000, refunded: 5_000 });
  expect(await till.differences()).toEqual([]);
});

test('terminated, it is found by its row, and refused once more it comes back under its id', async () => {
  const refused = await refusedRefund();
  await until(async () => (await statusOf(refused)) === 'RUNNING');
  await handleOf(refused.paymentId).terminate('by a test');

  await pokeStranded(till.db);
  await until(async () => (await statusOf(refused)) === 'RUNNING' && (await needsAttention(refused)));
  await onThePage(refused, PAGE);
  await until(async () => (await statusOf(refused)) === 'COMPLETED');
  await sendRefunds(till.db, till.stripe);
  await until(async () => (await statusOf(refused)) === 'RUNNING' && (await needsAttention(refused)));

  await hearAll();
  await onThePage(refused, PAGE.replace('--name retryRefund', '--name dismiss'));
  await until(async () => (await statusOf(refused)) === 'COMPLETED');
  expect(await till.differences()).toEqual([]);
});
