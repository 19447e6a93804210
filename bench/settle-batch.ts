// What a settlement costs PostgreSQL: `node bench/settle-batch.ts [batch size]` settles 600 batches on an empty database and
// prints CPU per request of its backend, every 200 batches, so that a cost that grows with the table shows.
import { Client } from 'pg';
import { settleBatch } from '../services/ledger/settle-batch.ts';
import type { AttemptRow, UsageRow } from '../services/ledger/settlement-rows.ts';
import { newId } from '../services/platform/ids.ts';
import { startThrowawayPostgres } from '../test/support/throwaway-postgres.ts';
import { cpuSecondsOf } from './machine.ts';

const BATCHES = 600;
const BETWEEN_LINES = 200;
const LEASES = 64;
const ENOUGH_NANO = '900000000000000';
const batchSize = Number(process.argv[2] ?? 32);

interface Holder {
  readonly orgId: string;
  readonly projectId: string;
  readonly apiKeyId: string;
  readonly leaseId: string;
}

const postgres = await startThrowawayPostgres();
const client = new Client({ connectionString: (await postgres.createDatabase()).url });
await client.connect();
const incarnationId = await begin();
const holders: Holder[] = [];
for (let count = 0; count < LEASES; count += 1) holders.push(await holder());
const [priceId, channelId] = [newId(), newId()];
const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
await measure(rows[0]?.pid ?? 0);
await client.end();
await postgres.stop();

async function measure(backendPid: number): Promise<void> {
  let before = cpuSecondsOf(backendPid);
  for (let batch = 1; batch <= BATCHES; batch += 1) {
    await settleBatch(client, incarnationId, false, Array.from({ length: batchSize }, settlement));
    if (batch % BETWEEN_LINES > 0) continue;
    const now = cpuSecondsOf(backendPid);
    const micros = ((now - before) * 1e6) / (BETWEEN_LINES * batchSize);
    process.stdout.write(`${batch} batches of ${batchSize}: ${micros.toFixed(0)} us a request\n`);
    before = now;
  }
}

async function begin(): Promise<string> {
  const id = newId();
  await client.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'bench', 1, '1', '/')`,
    [id],
  );
  return id;
}

/** An organization with a project, an API key, money, and a lease that holds it. */
async function holder(): Promise<Holder> {
  const [orgId, projectId, apiKeyId, leaseId] = [newId(), newId(), newId(), newId()];
  await client.query(`insert into organizations (id, name) values ($1, 'o')`, [orgId]);
  await client.query(`insert into projects (id, org_id, name) values ($1, $2, 'p')`, [projectId, orgId]);
  await client.query(
    `insert into api_keys (id, org_id, project_id, name, digest, prefix, last_four) values ($1, $2, $3, 'k', sha256($4), 's', 'x')`,
    [apiKeyId, orgId, projectId, Buffer.from(apiKeyId)],
  );
  await client.query(`select issue_grant($1, $2, 'manual', 1::smallint, $3, 0, null, null, 'bench')`, [
    newId(),
    orgId,
    ENOUGH_NANO,
  ]);
  await client.query('select take_credit($1, $2, $3, $4, $4, $4)', [incarnationId, leaseId, apiKeyId, ENOUGH_NANO]);
  return { orgId, projectId, apiKeyId, leaseId };
}

function settlement(_: unknown, at: number): { usage: UsageRow; attempts: AttemptRow[] } {
  const { orgId, projectId, apiKeyId, leaseId } = holders[at % LEASES] as Holder;
  const requestId = newId();
  const common = { request_id: requestId, org_id: orgId, model_id: 'bench' };
  const usage: UsageRow = {
    ...common,
    project_id: projectId,
    member_id: null,
    api_key_id: apiKeyId,
    lease_id: leaseId,
    dialect: 'openai-chat',
    streamed: false,
    price_version_id: priceId,
    meters: { input: 120, output: 30 },
    usage_source: 'provider',
    delivered_bytes: 200,
    rated_nano: '660001',
    outcome: 'complete',
    winner: 1,
    admitted_ms: Date.now(),
  };
  const attempt: AttemptRow = {
    ...common,
    n: 1,
    channel_id: channelId,
    channel_key_id: channelId,
    upstream_model: 'bench',
    cost_version_id: priceId,
    outcome: 'won',
    failure_class: null,
    status: 200,
    sent_ms: Date.now(),
    first_byte_ms: 1,
    duration_ms: 2,
    cost_nano: '480001',
  };
  return { usage, attempts: [attempt] };
}
