// The Temporal part with the real server: what it was told it knows after any end, it serves what it says it serves, and an
// address that the operator gives is used or refused.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { homeFolder, occupy } from '../../scripts/parts/home.ts';
import { stopLeftovers } from '../../scripts/parts/leftovers.ts';
import { type ReservedPort, reserveDefaultPort } from '../../scripts/parts/ports.ts';
import { whyClosed } from '../../scripts/parts/readiness.ts';
import {
  bringUpTemporal,
  TEMPORAL_NAMESPACE,
  type TemporalNeeds,
  type TemporalServer,
} from '../../scripts/parts/temporal.ts';
import { findOrFetch, TEMPORAL } from '../../scripts/parts/temporal-programs.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { eventually, newScene, type Scene, shareFetchedPrograms } from './scene.ts';

const STAGE = defineSearchAttributeKey('BillingStage', SearchAttributeType.KEYWORD);
const ATTENTION = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);

let scene: Scene;
let leave: () => void;
const servers: TemporalServer[] = [];
const ports: ReservedPort[] = [];
const connections: Connection[] = [];
beforeAll(async () => {
  await findOrFetch(TEMPORAL, { ...homeFolder(), say: () => undefined, interrupted: new AbortController().signal });
});
beforeEach(() => {
  scene = newScene();
  const lock = occupy(scene.launch.home, 'start');
  leave = () => lock?.leave();
  shareFetchedPrograms(scene);
  delete process.env.TEMPORAL_ADDRESS;
});
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close();
  for (const { process } of servers.splice(0)) await process?.stop();
  for (const port of ports.splice(0)) port.release();
  leave();
  scene.remove();
});

async function bringUp(searchAttributes: TemporalNeeds['searchAttributes'] = []): Promise<TemporalServer> {
  const server = await bringUpTemporal(scene.launch, {
    searchAttributes,
    async takePort(preferred) {
      const port = await reserveDefaultPort(preferred);
      ports.push(port);
      if (port.note !== null) scene.said.push(`temporal ${port.note}`);
      return port.number;
    },
  });
  servers.push(server);
  return server;
}

async function clientOf({ address }: TemporalServer): Promise<Client> {
  const connection = await Connection.connect({ address });
  connections.push(connection);
  return new Client({ connection, namespace: TEMPORAL_NAMESPACE });
}

async function startSleeper(server: TemporalServer, workflowId: string, stage?: string): Promise<void> {
  const { workflow } = await clientOf(server);
  const typedSearchAttributes = stage === undefined ? [] : [{ key: STAGE, value: stage }];
  await workflow.start('sleeper', { workflowId, taskQueue: 'nobody', typedSearchAttributes });
}

async function statusOf(server: TemporalServer, workflowId: string): Promise<string> {
  const { workflow } = await clientOf(server);
  return (await workflow.getHandle(workflowId).describe()).status.name;
}

function pidOfServer(): number {
  return JSON.parse(readFileSync(join(scene.launch.home, 'run/temporal.json'), 'utf8')).pid;
}

test('it serves the namespace and its UI where it says, and stopped it leaves nothing', async () => {
  const server = await bringUp();

  expect(server.text).toMatch(
    /^ready on 127\.0\.0\.1:\d+, UI http:\/\/127\.0\.0\.1:\d+ \(temporal \S+ with server 1\.\d+\.\d+, .+\)$/,
  );
  await eventually('the UI has found its server', async () => {
    const { status } = await fetch(`${server.uiUrl}/api/v1/namespaces/${TEMPORAL_NAMESPACE}`);
    return status === 200;
  });

  await server.process?.stop();
  expect(await whyClosed(Number(server.address.split(':')[1]))).toContain('ECONNREFUSED');
  expect(await stopLeftovers(scene.launch.home)).toEqual([]);
});

test('a second start finds what the first one was told', async () => {
  const first = await bringUp([STAGE]);
  await startSleeper(first, 'sleeper-1', 'limited');
  await first.process?.stop();

  const second = await bringUp([STAGE]);

  expect(await statusOf(second, 'sleeper-1')).toBe('RUNNING');
});

test('killed by SIGKILL it is brought up again on the same port, and knows what it was told', async () => {
  const server = await bringUp();
  await startSleeper(server, 'sleeper-1');

  process.kill(pidOfServer(), 'SIGKILL');
  await eventually('it is back', () => scene.said.includes('temporal ready again'));

  expect(await statusOf(server, 'sleeper-1')).toBe('RUNNING');
});

test('a search attribute that a later version declares can be set on the data of an earlier one', async () => {
  const earlier = await bringUp([STAGE]);
  await earlier.process?.stop();

  const later = await bringUp([STAGE, ATTENTION]);
  const { workflow } = await clientOf(later);
  const handle = await workflow.start('sleeper', {
    workflowId: 'sleeper-1',
    taskQueue: 'nobody',
    typedSearchAttributes: [{ key: ATTENTION, value: true }],
  });

  expect((await handle.describe()).typedSearchAttributes.get(ATTENTION)).toBe(true);
});

test('a port that is taken gives way to a free one, and says so', async () => {
  const squatter = createServer().listen(7233, '127.0.0.1');
  // Where somebody else has it already, it is as taken.
  await new Promise((resolve) => squatter.once('listening', resolve).once('error', resolve));

  const server = await bringUp();

  expect(server.address).not.toBe('127.0.0.1:7233');
  expect(scene.said).toContain(`temporal port 7233 is taken, using ${server.address.split(':')[1]}`);
  squatter.close();
});

test('an id that production refuses is refused', async () => {
  const server = await bringUp();

  await expect(startSleeper(server, 'x'.repeat(256))).rejects.toThrow();
  await startSleeper(server, 'x'.repeat(255));
});

let given: ThrowawayTemporal;
beforeAll(async () => {
  given = await startThrowawayTemporal();
});
afterAll(async () => {
  await given.stop();
});

test('TEMPORAL_ADDRESS is used, with our search attributes, and no server is started', async () => {
  process.env.TEMPORAL_ADDRESS = given.environment.address;

  const server = await bringUp([STAGE]);

  expect(server).toMatchObject({ address: given.environment.address, uiUrl: null, process: null });
  await startSleeper(server, 'sleeper-1', 'limited');
});

test('a TEMPORAL_ADDRESS where nobody listens is refused, and no other server is put in its place', async () => {
  const port = await reserveDefaultPort(23_000);
  ports.push(port);
  process.env.TEMPORAL_ADDRESS = `127.0.0.1:${port.number}`;

  await expect(bringUp()).rejects.toThrow(
    `TEMPORAL_ADDRESS cannot be used (connect ECONNREFUSED 127.0.0.1:${port.number}): correct it, or unset it`,
  );
});

test('a TEMPORAL_ADDRESS without our namespace is refused, with the command that makes it', async () => {
  const bare = await startThrowawayTemporal();
  await bare.environment.connection.operatorService.deleteNamespace({ namespace: TEMPORAL_NAMESPACE });
  process.env.TEMPORAL_ADDRESS = bare.environment.address;

  await expect(bringUp()).rejects.toThrow(
    `no namespace there: temporal operator namespace create --namespace ${TEMPORAL_NAMESPACE}`,
  );
  await bare.stop();
});

test.each(['localhost', 'temporal', 'http://localhost:7233'])(
  'TEMPORAL_ADDRESS=%s is refused with what an address is',
  async (address) => {
    process.env.TEMPORAL_ADDRESS = address;

    await expect(bringUp()).rejects.toThrow(`${address} is no host:port`);
  },
);
