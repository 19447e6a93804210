// The master key rotates while customers are served: two gateways, their supervisor, a worker, PostgreSQL and Temporal, each with a file of master keys, by
// the commands of the page.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { addChannelKeys } from '../../services/channels/channel-keys.ts';
import { newId } from '../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../services/platform/postgres.ts';
import { parseKeyring, Vault } from '../../services/vault/vault.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { type RunningProduct, startRunningProduct } from '../support/running-product.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { keyringOf, startWorkerProcess, WORKERS_ADMIN_TOKEN, type WorkerProcess } from '../support/worker-process.ts';

const [ADD = '', ROTATE = '', TELL = '', REMOVE = ''] = commandsOf('The master key');
const SUPERVISOR = join(import.meta.dirname, '../../api/main.ts');
/** Beside those that serve: keys of a channel that is not in use. */
const MORE_KEYS = 3_000;
const ASKING = 4;
const PAUSE_MS = 50;

const folder = mkdtempSync(join(tmpdir(), 'master-keys-'));
const [atGateways, atWorker] = [join(folder, 'gateways.json'), join(folder, 'worker.json')];
let product: RunningProduct;
let temporal: ThrowawayTemporal;
let worker: WorkerProcess;

beforeAll(async () => {
  const first = keyringOf(randomBytes(32).toString('base64'));
  for (const file of [atGateways, atWorker]) writeFileSync(file, first);
  [product, temporal] = await Promise.all([
    startRunningProduct({ GATEWAY_PROCESSES: '2', TOLLGATE_MASTER_KEYS_FILE: atGateways }),
    startThrowawayTemporal(SEARCH_ATTRIBUTES),
  ]);
  worker = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: product.database.urlFor('worker'),
    environment: { TOLLGATE_MASTER_KEYS_FILE: atWorker },
  });
  await worker.ready();
});
afterAll(async () => {
  await worker.stop();
  await product.stop();
  await temporal.stop();
  rmSync(folder, { recursive: true });
});

function onThePage(commands: string, file = atGateways): Promise<string> {
  return typed(commands, {
    temporalAddress: temporal.environment.address,
    workerUrl: worker.url,
    filledIn: {
      '<admin token>': WORKERS_ADMIN_TOKEN,
      $ADMIN_TOKEN: product.adminToken,
      $API: product.api,
      '<master-keys.json>': file,
      '<version>': '2',
      '<you>': 'Ada',
      '<why>': 'a year is over',
    },
  });
}

async function moreKeys(): Promise<void> {
  const vault = new Vault(parseKeyring('Master', readFileSync(atGateways, 'utf8')));
  const db = createPool(product.database.urlFor('worker'), {
    name: 'more',
    maxConnections: 1,
    statementTimeoutMs: 9_000,
  });
  const channel = { id: newId(), baseUrl: 'https://idle.example/v1' };
  await product.admin.query(
    `insert into channels (id, name, provider, base_url, status) values ($1, 'idle', 'openai-compatible', $2, 'disabled')`,
    [channel.id, channel.baseUrl],
  );
  const secrets = Array.from({ length: MORE_KEYS }, (_, n) => `idle-upstream-key-${n}`);
  await inTransaction(db, (tx) => addChannelKeys(tx, vault, channel, secrets));
  await db.end();
}

interface Load {
  readonly statuses: readonly number[];
  end(): Promise<void>;
}

/** Customers who ask one thing after another. */
function load(): Load {
  const statuses: number[] = [];
  let isOver = false;
  const asking = Array.from({ length: ASKING }, async () => {
    while (!isOver) {
      const answer = await fetch(`${product.api}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${product.customerKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo-chat', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }),
      });
      await answer.text();
      statuses.push(answer.status);
      await wait(PAUSE_MS);
    }
  });
  return {
    statuses,
    async end() {
      isOver = true;
      await Promise.all(asking);
    },
  };
}

async function rotation() {
  const { rows } = await product.admin.query<{ stage: string; is_paused: boolean; resealed: number }>(
    'select stage, is_paused, resealed from master_key_rotations where version = 2',
  );
  return rows[0];
}

async function behind(): Promise<string> {
  const answer = await fetch(`${product.api}/api/v1/master-key-rotations/2`, {
    headers: { authorization: `Bearer ${product.adminToken}` },
  });
  return String(((await answer.json()) as { behind?: readonly string[] }).behind);
}

async function gauge(name: string): Promise<string | undefined> {
  const text = await (await fetch(`${worker.url}/metrics`)).text();
  return new RegExp(`^tollgate_${name} (\\d+)$`, 'm').exec(text)?.[1];
}

test('gateways serve on while it rotates, it waits for the process that lacks the new one, and nothing is left under the one before', async () => {
  await moreKeys();
  const customers = load();
  await until(() => customers.statuses.length > 0);
  await expect(onThePage(ROTATE)).rejects.toThrow(); // no gateway has it yet

  await onThePage(ADD, atGateways);
  await until(async () => (await onThePage(ROTATE).catch(() => '')).includes('"stage":"acknowledging"'));
  await until(async () => /^worker \d+ on [^,]+: it does not have it$/.test(await behind()));
  const paused = await onThePage(TELL);
  const meanwhile = await gauge('master_key_processes_behind');
  writeFileSync(atWorker, readFileSync(atGateways));
  await until(async () => (await behind()) === '');
  await onThePage(TELL.replace('--name pause', '--name resume'));
  await until(async () => (await rotation())?.stage === 'completed');
  const during = customers.statuses.length;
  await until(() => customers.statuses.length > during + ASKING);
  await customers.end();

  expect(paused).toMatch(/isPaused:true/);
  expect(meanwhile).toBe('1');
  expect(new Set(customers.statuses)).toEqual(new Set([200]));
  const { rows } = await product.admin.query('select version, sealed_rows::int as "sealedRows" from sealed_rows()');
  expect(rows).toEqual([{ version: 2, sealedRows: (await rotation())?.resealed }]);
  expect((await rotation())?.resealed).toBeGreaterThanOrEqual(MORE_KEYS);
  expect([await gauge('master_key_rows_left'), await gauge('master_keys_retired')]).toEqual(['0', '1']);
  const { rows: paces } = await product.admin.query<{ pace: number }>(
    'select (resealed / extract(epoch from ended_at - switched_at))::integer as pace from master_key_rotations',
  );
  process.stdout.write(
    `${customers.statuses.length} requests were answered while the master key rotated, ${paces[0]?.pace} wraps a second\n`,
  );
});

test('with other bytes as its master key neither a worker nor a supervisor starts: each says so in a sentence and touches nothing', async () => {
  const wrong = { TOLLGATE_MASTER_KEYS: keyringOf(randomBytes(32).toString('base64')) };
  const states =
    'select process_id, seen_at is null as seen from master_key_holders union all select id, false from gateway_incarnations order by 1';
  const before = (await product.admin.query(states)).rows;

  const another = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: product.database.urlFor('worker'),
    environment: wrong,
  });
  await expect(another.ready()).rejects.toThrow(/ended with 1.*master key 1 has other bytes than the one that sealed/);
  const { code, said } = await supervisorWith(wrong);

  expect([code, said]).toEqual([1, expect.stringContaining('master key 1 has other bytes than the one that sealed')]);
  expect((await product.admin.query(states)).rows).toEqual(before);
});

async function supervisorWith(environment: Record<string, string>) {
  const of = (login: 'gateway' | 'worker' | 'members') => product.database.urlFor(login);
  const supervisor = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SUPERVISOR], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      ...{ DATABASE_URL: of('gateway'), DATABASE_URL_WORKER: of('worker'), DATABASE_URL_MEMBERS: of('members') },
      TOLLGATE_ADMIN_TOKEN: randomBytes(24).toString('hex'),
      TOLLGATE_LINK_SECRET: randomBytes(24).toString('hex'),
      TOLLGATE_JOURNAL_DIR: join(folder, 'journal'),
      ...environment,
    },
  });
  const said: string[] = [];
  supervisor.stdout.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const [code] = await once(supervisor, 'close');
  return { code, said: said.join('') };
}

test('what is sealed now is sealed under the new one; destroyed and removed, the one before is needed by nobody, also after a restart', async () => {
  const ask = (path: string, body: object) =>
    fetch(`${product.api}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const channels = await product.admin.query<{ id: string }>(`select id from channels where name = 'idle'`);
  const added = await ask(`/channels/${channels.rows[0]?.id}/keys`, { keys: ['another-upstream-key'] });

  const destroyed = await ask('/master-keys/1/destroy', { reason: 'no backup was made under it' });
  for (const file of [atGateways, atWorker]) await onThePage(REMOVE.replaceAll('<version>', '1'), file);
  await until(async () => {
    const { rowCount } = await product.admin.query('select from master_key_holders where 1 = any(versions)');
    return rowCount === 0;
  });
  const { rows: gateways } = await product.admin.query<{ pid: number }>(
    `select pid from master_key_holders where kind = 'gateway'`,
  );
  for (const { pid } of gateways) process.kill(pid, 'SIGKILL');
  await until(async () => (await fetch(`${product.api}/readyz`).catch(() => null))?.status === 200);

  expect([added.status, destroyed.status, gateways.length]).toEqual([200, 200, 2]);
  const customers = load();
  await until(() => customers.statuses.length >= ASKING);
  await customers.end();
  expect(new Set(customers.statuses)).toEqual(new Set([200]));
  expect(Object.keys(JSON.parse(readFileSync(atGateways, 'utf8')).keys)).toEqual(['2']);
});
