// Temporal on a network that is not ours: a worker takes work only over TLS from a server that its authority vouches for, shows its own
// certificate and its API key, and without either it gets nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { type GuardedTemporal, guardTemporal } from '../support/temporal-behind-tls.ts';
import { authority, clientCertificate, clientKey } from '../support/temporal-certificates.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../support/throwaway-postgres.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const API_KEY = 'a-key-of-this-test';
const folder = mkdtempSync(join(tmpdir(), 'tollgate-tls-'));
const file = (name: string) => join(folder, name);
writeFileSync(file('authority.pem'), authority);
writeFileSync(file('worker.pem'), clientCertificate);
writeFileSync(file('worker.key'), clientKey);
const ACCESS = {
  TEMPORAL_API_KEY: API_KEY,
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('authority.pem'),
  TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
  TEMPORAL_TLS_CLIENT_CERT_PATH: file('worker.pem'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: file('worker.key'),
};

let postgres: ThrowawayPostgres;
let database: ThrowawayDatabase;
let temporal: ThrowawayTemporal;
let guarded: GuardedTemporal;
let worker: WorkerProcess | null = null;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  database = await postgres.createDatabase();
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  guarded = await guardTemporal(temporal.environment.address, API_KEY);
});
afterEach(async () => {
  await worker?.stop();
  worker = null;
});
afterAll(async () => {
  await guarded.stop();
  await temporal.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

async function workerWith(environment: Record<string, string>): Promise<WorkerProcess> {
  worker = await startWorkerProcess({
    temporalAddress: guarded.address,
    namespace: temporal.namespace,
    databaseUrl: database.urlFor('worker'),
    environment,
  });
  return worker;
}

/** Or until the test's time is over. */
async function saysThatItIsAway({ output }: WorkerProcess): Promise<void> {
  while (!output.join('').includes('"temporal_away"')) await wait(50);
}

test('with certificate and API key a worker takes work', async () => {
  const { ready, readiness } = await workerWith(ACCESS);

  await ready();

  expect(await readiness()).toBe(200);
});

test('another API key is refused by Temporal, and no work is taken', async () => {
  const one = await workerWith({ ...ACCESS, TEMPORAL_API_KEY: 'another' });

  await saysThatItIsAway(one);

  expect(await one.readiness()).toBe(503);
  expect(guarded.refused.length).toBeGreaterThan(0);
});

test('a server that the authority does not vouch for under this name is not talked to', async () => {
  const refusedBefore = guarded.refused.length;
  const one = await workerWith({ ...ACCESS, TEMPORAL_TLS_SERVER_NAME: 'elsewhere.test' });

  await saysThatItIsAway(one);

  expect(await one.readiness()).toBe(503);
  expect(guarded.refused.length).toBe(refusedBefore);
});

test('without a certificate of its own a worker is turned away', async () => {
  const { TEMPORAL_TLS_CLIENT_CERT_PATH: _certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: _key, ...anonymous } = ACCESS;
  const one = await workerWith(anonymous);

  await saysThatItIsAway(one);

  expect(await one.readiness()).toBe(503);
});
