// News that was committed reaches its workflow, whoever was away: Temporal, the worker, or the one who had it in hand. And what is late
// is found by its row.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { PokeOutbox, pokesStanding } from '../../services/processes/poke-outbox.ts';
import { pokeStranded } from '../../services/processes/stranded.ts';
import { ProcessRelay } from '../../workers/process-relay.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { subscriptionWorkflowId } from '../../workflows/contracts/subscription.ts';
import { newCustomer, oneRow } from '../support/bare-gateway.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, type WorkerProcess, workersCodec } from '../support/worker-process.ts';

const { database, admin } = await ownDatabase();
const pokes = new PokeOutbox(admin);
let temporal: ThrowawayTemporal;
let client: Client;
let worker: WorkerProcess | null = null;

beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { connection } = temporal.environment;
  client = new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs: [workersCodec] } });
});
beforeEach(() => admin.query('delete from process_pokes'));
afterAll(async () => {
  await worker?.stop();
  await temporal.stop();
});

async function poked(subject: string): Promise<string> {
  const workflowId = subscriptionWorkflowId(subject);
  await admin.query('select poke_process($1, $2, $3)', [workflowId, 'subscription', subject]);
  return workflowId;
}

async function signalsOf(workflowId: string): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length ?? 0;
}

async function waiting(): Promise<number> {
  return (await pokesStanding(admin)).waiting;
}

/** Until the given is so. */
async function relaying(clientNow: () => Client | null, isSo: () => Promise<boolean>): Promise<string[]> {
  const said: string[] = [];
  const relay = new ProcessRelay(pokes, clientNow, {
    warn: (_about: unknown, event?: string) => said.push(String(event)),
  });
  const running = relay.run();
  await until(isSo);
  relay.leave();
  await running;
  return said;
}

test('news starts a workflow that does not run, with its texts, and two pieces of it before it is told are one', async () => {
  const workflowId = await poked(randomUUID());
  await admin.query('select poke_process(workflow_id, process, subject) from process_pokes');

  await relaying(
    () => client,
    async () => (await waiting()) === 0,
  );
  await poked(workflowId.slice('subscription:'.length));
  await relaying(
    () => client,
    async () => (await waiting()) === 0,
  );

  const told = await client.workflow.getHandle(workflowId).describe();
  expect([told.type, told.taskQueue, await told.staticSummary()]).toEqual([
    'subscription',
    'tollgate-core',
    expect.stringMatching(/^Renews subscription /),
  ]);
  expect(await signalsOf(workflowId)).toBe(2);
});

test('while Temporal is away news waits and is not in hand, and what it refuses is said once and due again', async () => {
  const workflowId = await poked(randomUUID());
  const refusing = new Client({ connection: temporal.environment.connection, namespace: 'no-such-namespace' });
  let now: Client | null = null;
  let looks = 0;

  const said = await relaying(
    () => {
      looks += 1;
      if (looks > 1) now = refusing;
      return looks > 3 ? client : now;
    },
    async () => (await waiting()) === 0,
  );

  expect(said).toEqual(['pokes_waiting']);
  expect(await signalsOf(workflowId)).toBe(1);
});

test('what has become news while it was told is told again, and who died with it in hand loses nothing', async () => {
  const subject = randomUUID();
  await poked(subject);
  const [first] = await pokes.claim(10);
  const inHand = await pokes.claim(10);
  await poked(subject);

  await pokes.delivered(first === undefined ? [] : [first]);
  const [second] = await pokes.claim(10);
  await admin.query(`update process_pokes set due_at = due_at - interval '30 seconds'`); // so long a claim lasts
  const [third] = await pokes.claim(10);

  expect(inHand).toEqual([]);
  expect(BigInt(second?.news ?? 0)).toBeGreaterThan(BigInt(first?.news ?? 0));
  expect(third?.news).toBe(second?.news);
});

test('a worker process hears of news, and tells how much of it waits', async () => {
  worker = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: database.urlFor('worker'),
  });
  await worker.ready();

  const workflowId = await poked(randomUUID());

  await until(async () => (await waiting()) === 0);
  expect(await signalsOf(workflowId)).toBe(1);
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  expect(metrics).toMatch(/^tollgate_process_pokes_waiting 0$/m);
  expect(metrics).toMatch(/^tollgate_process_pokes_oldest_seconds 0$/m);
  await worker.stop();
});

test('those are poked that are late by minutes or ask for what nobody does, and nobody who is on time or has ended', async () => {
  const late = [
    await subscriptionRow('active', '-11 minutes'),
    await subscriptionRow('paying', '20 days', { phase: { authenticateByMs: null } }),
    await subscriptionRow('voiding', '20 days'),
    await subscriptionRow('ended', null, { toRefund: ['order'] }),
  ];
  await subscriptionRow('paying', '20 hours', { phase: { authenticateByMs: 1_900_000_000_000 } });
  await subscriptionRow('active', '-9 minutes');
  await subscriptionRow('active', '20 days');
  await subscriptionRow('paused', null);
  await subscriptionRow('ended', null);
  const lateCases = [
    await dunningRow({ wake: '-11 minutes' }),
    await dunningRow({ wake: '3 days', attempts: [{ answer: null }] }),
  ];
  await dunningRow({ wake: '3 days', attempts: [{ answer: { atMs: 0 } }] });
  await dunningRow({ wake: '3 days' });
  await dunningRow({ wake: null, closed: 'paid' });

  const stranded = await pokeStranded(admin);

  const { rows } = await admin.query<{ subject: string }>('select subject from process_pokes');
  expect(stranded).toEqual({ poked: 6, late: 2 });
  expect(rows.map(({ subject }) => subject).sort()).toEqual([...late, ...lateCases].sort());
});

async function organization(): Promise<string> {
  const { orgId } = await newCustomer(admin, []);
  return orgId;
}

async function subscriptionRow(phase: string, wakesIn: string | null, state: object = {}): Promise<string> {
  const id = randomUUID();
  await admin.query(
    `insert into subscriptions (id, org_id, phase, plan_version_id, state, revision, wake_at, ended_at)
     values ($1, $2, $3, 'pro-1', $4, 1, billing_now() + $5::interval, case when $3 = 'ended' then billing_now() end)`,
    [id, await organization(), phase, { toRefund: [], ...state }, wakesIn],
  );
  return id;
}

interface Case {
  readonly wake: string | null;
  readonly attempts?: readonly object[];
  readonly closed?: string;
}

async function dunningRow({ wake, attempts = [], closed }: Case): Promise<string> {
  const orgId = await organization();
  const { id } = await oneRow<{ id: string }>(
    admin,
    `insert into invoices (id, org_id, kind, name, amount_cents) values ($1, $2, 'usage', '2027-01', 100) returning id`,
    [randomUUID(), orgId],
  );
  await admin.query(
    `insert into dunnings (invoice_id, org_id, policy, state, revision, wake_at, closed, closed_at)
     values ($1, $2, 'postpaid', $3, 1, billing_now() + $4::interval, $5, case when $5::text is not null then billing_now() end)`,
    [id, orgId, { invoice: { attempts } }, wake, closed ?? null],
  );
  return id;
}
