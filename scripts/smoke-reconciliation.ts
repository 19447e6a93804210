// One proof of the ledger on the way that the nightly one takes: started in Temporal, done by the worker, its result read from its
// row. It sees whatever this installation has ever sold.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Pool } from 'pg';
import { PayloadCodec } from '../services/vault/payload-codec.ts';
import { parseKeyring } from '../services/vault/vault.ts';
import {
  RECONCILIATION,
  type ReconciliationInput,
  reconciliationId,
  reconciliationSummary,
} from '../workflows/contracts/reconciliation.ts';
import { CORE_QUEUE } from '../workflows/contracts/task-queues.ts';
import type { Endpoints } from './endpoints.ts';
import { secondsSince } from './installation.ts';
import type { Launch } from './parts/home.ts';
import { payloadKeysFile } from './parts/secrets.ts';

const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 100;

interface Result {
  readonly stage: string;
  readonly invariants: number | null;
  readonly findings: readonly { readonly id: string }[];
}

/** Null when every invariant holds. */
export async function reconcileOnce(launch: Launch, endpoints: Endpoints): Promise<string | null> {
  const startedAtMs = performance.now();
  const name = `smoke-${Date.now()}`;
  await startReconciliation(launch, endpoints, name);
  const { stage, invariants, findings } = await resultOf(launch, endpoints, name);
  launch.say('worker', `reconciliation ${stage}, invariants: ${invariants}  ${secondsSince(startedAtMs)}`);
  if (stage === 'completed') return null;
  return `the reconciliation ${name} is ${stage}: ${findings.map(({ id }) => id).join(', ')}`;
}

async function startReconciliation(launch: Launch, endpoints: Endpoints, name: string): Promise<void> {
  const { temporalAddress: address, temporalNamespace: namespace } = endpoints;
  const keyring = parseKeyring('Payload', readFileSync(payloadKeysFile(launch.home), 'utf8'));
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace, dataConverter: { payloadCodecs: [new PayloadCodec(keyring)] } });
    const input: ReconciliationInput = { v: 1, name };
    await client.workflow.start(RECONCILIATION, {
      workflowId: reconciliationId(name),
      taskQueue: CORE_QUEUE,
      args: [input],
      staticSummary: reconciliationSummary(name),
    });
  } finally {
    await connection.close();
  }
}

async function resultOf(launch: Launch, { postgresUrl }: Endpoints, name: string): Promise<Result> {
  const db = new Pool({ connectionString: postgresUrl, max: 1 });
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  try {
    for (;;) {
      launch.interrupted.throwIfAborted();
      const { rows } = await db.query<Result>(
        'select stage, invariants, findings from reconciliations where name = $1',
        [name],
      );
      if (rows[0] !== undefined && rows[0].stage !== 'running') return rows[0];
      if (performance.now() > giveUpAtMs) throw new Error(`the reconciliation ${name} has no result after 60 s`);
      await wait(LOOK_EVERY_MS);
    }
  } finally {
    await db.end();
  }
}
