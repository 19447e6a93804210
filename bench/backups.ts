// `npm run bench:backups`: what a backup of five million usage records takes, what its proof by restoring takes, how fast the master key is changed for
// another, and what customers feel of each, who ask the zero-latency demo provider fifty times a second all the while. `-- --records N`: of fewer, and then the
// figures say so. The exit code is 1 when a bar is missed, or when the measurement is void.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'pg';
import { parseKeyring, Vault } from '../services/vault/vault.ts';
import { asAdmin, type KeysProduct, startKeysProduct } from '../test/chaos/keys-backups/keys-product.ts';
import { rotateMasterKey } from '../test/chaos/keys-backups/master-key-rotator.ts';
import { Management } from '../test/chaos/management.ts';
import { enrolPeople } from './backups/authenticators.ts';
import { type BackupFigures, backupLines, type Latencies } from './backups/backup-figures.ts';
import { takeOnCustomers } from './backups/customers.ts';
import { type History, writeHistory } from './backups/history.ts';
import { MemoryWatch, type PeakMemory } from './backups/peak-memory.ts';
import { requireDurability } from './durability.ts';
import { type SteadyLoad, steadyLoad } from './generators.ts';
import { prepareClient } from './programs.ts';
import { writeRequests } from './requests.ts';
import { rounded, toMs } from './results.ts';
import { printed } from './table.ts';

const FULL_RECORDS = 5_000_000;
const AUTHENTICATORS = 60_000;
const PER_SECOND = 50;
const CONNECTIONS = 4;
/** Code is compiled and heaps have grown before anything counts. */
const WARM_UP_MS = 15_000;
const BEFORE_MS = 60_000;
/** Above it something else holds customers up, and whatever is compared with that looks good. */
const CALM_P99_MS = 250;
const LOOK_EVERY_MS = 100;
/** Above all bars together. */
const JOB_WITHIN_MS = 1_500_000;
const MIB = 1_048_576;

const interruption = new AbortController();
const startedAtMs = performance.now();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());
process.on('disconnect', () => interruption.abort());
const { values } = parseArgs({ options: { records: { type: 'string', default: String(FULL_RECORDS) } } });

try {
  await main(Number(values.records));
} catch (error) {
  process.stderr.write(`bench: void, ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// The channel to launch.mjs would keep the process alive.
process.exit();

async function main(records: number): Promise<void> {
  if (!Number.isSafeInteger(records) || records < 1) throw new Error('--records: how many usage records there are');
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-backups-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const client = prepareClient(folder, say);
  const product = await startKeysProduct({
    workers: ['worker'],
    gateways: 1,
    storage: 'folder',
    postgres: { shared_buffers: '128MB', max_wal_size: '4GB' },
  });
  // Where something went wrong its logs are kept.
  let isDone = false;
  stack.defer(() => {
    if (isDone) rmSync(product.folder, { recursive: true });
  });
  stack.defer(() => product.close());
  interruption.signal.addEventListener('abort', () => void product.close().finally(() => process.exit(1)));
  say(`the product is up, its logs are in ${product.folder}`);
  await requireDurability(product.database.urlFor('gateway'), product.database.url);
  const db = stack.adopt(new Pool({ connectionString: product.database.url, max: 2 }), (pool) => pool.end());
  const api = new Management([product.api], product.adminToken);
  const credentials = await takeOnCustomers(api, product.demo.url);
  const bench = { product, db, api, ...loadOf(client, folder, product, credentials) };
  await takeBackup(bench);
  say('the worker has taken a backup of little, and tonight has its own');
  const history = await asAdmin(product.database, (one) => writeHistory(one, records, say));
  await enrolPeople(
    db,
    new Vault(parseKeyring('Master', readFileSync(product.masterKeys.file, 'utf8'))),
    AUTHENTICATORS,
  );
  say(`${AUTHENTICATORS} people have enrolled an authenticator`);
  await bringToDisk(db);
  publish(await measure(bench), history);
  isDone = true;
}

/** What was just written by the hundred megabytes: later it would hold up commits for seconds, and those before are what is compared with. */
async function bringToDisk(db: Pool): Promise<void> {
  await db.query('checkpoint');
  execFileSync('sync');
}

interface Bench {
  readonly product: KeysProduct;
  readonly db: Pool;
  readonly api: Management;
  /** Customers ask from now on. */
  startLoad(): SteadyLoad;
}

function loadOf(
  client: string,
  folder: string,
  { api }: KeysProduct,
  credentials: readonly string[],
): Pick<Bench, 'startLoad'> {
  const load = { port: Number(new URL(api).port), requestsFile: writeRequests(folder, 'asking', 'plain', credentials) };
  return { startLoad: () => steadyLoad(client, load, { connections: CONNECTIONS, perSecond: PER_SECOND }) };
}

type Measured = Omit<BackupFigures, 'box'>;

async function measure(bench: Bench): Promise<Measured> {
  const { product } = bench;
  const [worker] = product.workers;
  if (worker === undefined) throw new Error('there is no worker');
  await latenciesDuring(bench, () => wait(WARM_UP_MS));
  const [before] = await latenciesDuring(bench, () => wait(BEFORE_MS));
  say(`before: p50 ${before.p50Ms} ms, p99 ${before.p99Ms} ms`);
  if (before.p99Ms > CALM_P99_MS)
    throw new Error(`before anything began p99 was ${before.p99Ms} ms: this machine is busy`);

  const memory = new MemoryWatch(worker.process.pid);
  const { name } = await bench.api.post<{ name: string }>('/backups', {});
  const [dump] = await latenciesDuring(bench, () => untilStage(bench, name, ['verifying']));
  say(`dumped: p50 ${dump.p50Ms} ms, p99 ${dump.p99Ms} ms`);
  const [restoreAndVerify] = await latenciesDuring(bench, () => untilStage(bench, name, ['completed']));
  say(`restored and verified: p50 ${restoreAndVerify.p50Ms} ms, p99 ${restoreAndVerify.p99Ms} ms`);
  const [reseal, resealPerSecond] = await latenciesDuring(bench, () => resealPace(bench));
  say(`resealed: p50 ${reseal.p50Ms} ms, p99 ${reseal.p99Ms} ms`);
  const peak = memory.end();

  return {
    ...(await durationsOf(bench, name)),
    ...memoryFigures(peak),
    resealPerSecond: Math.floor(resealPerSecond),
    before,
    meanwhile: { dump, restoreAndVerify, reseal },
  };
}

function memoryFigures({ totalBytes, workerBytes }: PeakMemory): Pick<Measured, 'peakRssMb' | 'workerRssMb'> {
  return { peakRssMb: rounded(totalBytes / MIB, 1), workerRssMb: rounded(workerBytes / MIB, 1) };
}

/** Of what is asked while something is done. */
async function latenciesDuring<T>({ startLoad }: Bench, work: () => Promise<T>): Promise<[Latencies, T]> {
  const load = startLoad();
  try {
    const done = await work();
    const { p50Micros, p99Micros, completed, failed } = await load.end();
    const times = { p50Ms: rounded(toMs(p50Micros), 3), p99Ms: rounded(toMs(p99Micros), 3) };
    return [{ ...times, requests: completed + failed, errors: failed }, done];
  } catch (error) {
    await load.end().catch(() => undefined);
    throw error;
  }
}

async function takeBackup(bench: Bench): Promise<void> {
  const { name } = await bench.api.post<{ name: string }>('/backups', {});
  await untilStage(bench, name, ['completed']);
  await until(bench, `select from backups where ended_at is null having count(*) = 0`, 'every backup to end');
}

/** @throws Error where it needs a person instead */
async function untilStage({ db }: Bench, name: string, stages: readonly string[]): Promise<void> {
  const giveUpAtMs = performance.now() + JOB_WITHIN_MS;
  for (;;) {
    const { rows } = await db.query<{ stage: string; trouble: string | null }>(
      'select stage, trouble from backups where name = $1',
      [name],
    );
    const { stage = '', trouble = null } = rows[0] ?? {};
    if (stages.includes(stage)) return;
    if (stage === 'attention' || performance.now() > giveUpAtMs)
      throw new Error(`backup ${name} is ${stage}: ${trouble}`);
    await wait(LOOK_EVERY_MS);
  }
}

async function until({ db }: Bench, question: string, what: string): Promise<void> {
  const giveUpAtMs = performance.now() + JOB_WITHIN_MS;
  while ((await db.query(question)).rowCount === 0) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain for ${what}`);
    await wait(LOOK_EVERY_MS);
  }
}

/** How many wraps a second, from when the new one seals. */
async function resealPace({ product, db, api }: Bench): Promise<number> {
  await rotateMasterKey(api, product.masterKeys);
  const { rows } = await db.query<{ pace: number }>(
    'select (resealed / extract(epoch from ended_at - switched_at))::float8 as pace from master_key_rotations order by version desc limit 1',
  );
  return rows[0]?.pace ?? 0;
}

async function durationsOf(
  { db }: Bench,
  name: string,
): Promise<Pick<Measured, 'dumpSeconds' | 'restoreAndVerifySeconds'>> {
  const { rows } = await db.query<{ dumped: number; proven: number }>(
    'select dumped_in_ms::float8 as dumped, proven_in_ms::float8 as proven from backups where name = $1',
    [name],
  );
  const { dumped = Number.NaN, proven = Number.NaN } = rows[0] ?? {};
  return { dumpSeconds: rounded(dumped / 1_000, 1), restoreAndVerifySeconds: rounded(proven / 1_000, 1) };
}

function publish(measured: Measured, history: History): void {
  const box = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    ...history,
    size: history.usageRecords < FULL_RECORDS ? 'SMALL: no figure of five million' : 'full',
    authenticators: AUTHENTICATORS,
    seconds: secondsSoFar(),
  };
  const figures: BackupFigures = { box, ...measured };
  const lines = backupLines(figures);
  const out = join(import.meta.dirname, 'out');
  mkdirSync(out, { recursive: true });
  const derived = Object.fromEntries(
    lines.map(({ name, value, bar }) => [name, { value, bar: bar?.text ?? null, met: bar?.met ?? null }]),
  );
  writeFileSync(join(out, 'backups.json'), `${JSON.stringify({ ...figures, bars: derived }, null, 2)}\n`);
  const about = Object.entries(box).map(([name, value]) => `${name.padEnd(28)}  ${value}`);
  process.stdout.write(`\n${about.join('\n')}\n\n${printed(lines, null)}\n`);
  if (lines.some(({ bar }) => bar?.met === false)) process.exitCode = 1;
}

function say(text: string): void {
  process.stdout.write(`bench ${text}  (${secondsSoFar()} s, load ${loadavg()[0]?.toFixed(2)})\n`);
}

function secondsSoFar(): number {
  return Math.round((performance.now() - startedAtMs) / 1_000);
}
