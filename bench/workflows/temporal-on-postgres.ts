// A Temporal server as production has it: over PostgreSQL, in the cluster of the application, with as many shards (temporal.md 8 D and 10).
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { declareSearchAttributes, TEMPORAL_NAMESPACE } from '../../scripts/parts/temporal.ts';
import type { BillingSite } from '../../test/chaos/billing/billing-product.ts';
import type { Served } from '../../test/chaos/kept-parts.ts';
import { freePort } from '../../test/support/free-port.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import type { TemporalPrograms } from './temporal-programs.ts';

const DATABASES = { temporal: 'postgresql/v12/temporal', temporal_visibility: 'postgresql/v12/visibility' } as const;
const SHARDS = 512;
const RETENTION_S = 30 * 86_400;
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;

export async function startTemporalOnPostgres(programs: TemporalPrograms, site: BillingSite): Promise<Served> {
  const store = new URL(site.postgres.adminUrl);
  for (const [database, schema] of Object.entries(DATABASES)) await makeSchema(programs.sql, store, database, schema);
  const [frontend, http, history, matching, worker, ...gossip] = await freePorts(9);
  const settings = join(site.folder, 'temporal.yaml');
  writeFileSync(settings, 'limit.maxIDLength:\n  - value: 255\nfrontend.enableServerVersionCheck:\n  - value: false\n');
  const ports = {
    FRONTEND_GRPC_PORT: frontend,
    FRONTEND_HTTP_PORT: http,
    HISTORY_GRPC_PORT: history,
    MATCHING_GRPC_PORT: matching,
    WORKER_GRPC_PORT: worker,
    FRONTEND_MEMBERSHIP_PORT: gossip[0],
    HISTORY_MEMBERSHIP_PORT: gossip[1],
    MATCHING_MEMBERSHIP_PORT: gossip[2],
    WORKER_MEMBERSHIP_PORT: gossip[3],
  };
  const env = {
    PATH: globalThis.process.env.PATH,
    TZ: 'UTC',
    DB: 'postgres12',
    POSTGRES_SEEDS: store.hostname,
    DB_PORT: store.port,
    POSTGRES_USER: store.username,
    POSTGRES_PWD: 'trusted',
    NUM_HISTORY_SHARDS: String(SHARDS),
    BIND_ON_IP: '127.0.0.1',
    LOG_LEVEL: 'warn',
    DYNAMIC_CONFIG_FILE_PATH: settings,
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
  };
  const process = site.yard.keep({
    name: 'temporal',
    command: programs.server,
    args: ['--allow-no-auth', 'start'],
    env: () => env,
    comesBackAfterMs: 500,
  });
  const url = `127.0.0.1:${frontend}`;
  await persistently(() => makeNamespace(url));
  await persistently(() => declareSearchAttributes(url, SEARCH_ATTRIBUTES));
  return { url, process };
}

async function makeSchema(sql: string, store: URL, database: string, schema: string): Promise<void> {
  const place = ['--plugin', 'postgres12', '--ep', store.hostname, '-p', store.port, '-u', store.username];
  const run = (...args: string[]) =>
    promisify(execFile)(sql, [...place, '--pw', 'trusted', '--db', database, ...args], { timeout: READY_WITHIN_MS });
  await run('create-database');
  await run('setup-schema', '-v', '0.0');
  await run('update-schema', '--schema-name', schema);
}

async function makeNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.workflowService
      .registerNamespace({
        namespace: TEMPORAL_NAMESPACE,
        workflowExecutionRetentionPeriod: { seconds: RETENTION_S as never },
      })
      .catch((error: Error) => {
        if (!error.message.includes('ALREADY_EXISTS')) throw error;
      });
    await connection.workflowService.describeNamespace({ namespace: TEMPORAL_NAMESPACE });
  } finally {
    await connection.close();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** A server that has just begun knows its namespaces seconds later. */
async function persistently(work: () => Promise<void>): Promise<void> {
  const giveUpAtMs = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await wait(LOOK_EVERY_MS);
    }
  }
}
