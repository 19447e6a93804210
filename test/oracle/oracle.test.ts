// The oracle on books that PostgreSQL itself wrote: it finds nothing in good ones and every error that is planted in a copy.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../support/throwaway-postgres.ts';
import { readBooks } from './books.ts';
import type { Answer, Facts } from './facts.ts';
import { type FindingKind, findingLine } from './finding.ts';
import { isSettled, judge } from './judge.ts';
import { proveSight } from './planted-errors.ts';
import { amountNano, priceInForce, priceTable } from './price-table.ts';
import { playSmallWorld, type SmallWorld } from './small-world.ts';

let postgres: ThrowawayPostgres;
let good: { url: string; readonlyUrl: string };
let world: SmallWorld;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  good = { url: database.url, readonlyUrl: database.urlFor('readonly') };
  world = await playSmallWorld(database.url);
});
afterAll(async () => {
  await postgres.stop();
});

test('books that the product wrote are found to be in order', async () => {
  const facts = await factsOf(good.readonlyUrl);

  expect(judge(facts).map(findingLine)).toEqual([]);
  expect(isSettled(facts)).toBe(true);
  expect(facts.usageRecords).toHaveLength(18);
});

test('every error that is planted in a copy of the facts is reported', async () => {
  const proofs = proveSight(await factsOf(good.readonlyUrl));

  expect(proofs.filter(({ reported }) => !reported)).toEqual([]);
  expect(proofs).toHaveLength(7);
});

const CHARGED = `(select request_id from usage_records where charge_nano > 0 and charge_nano = rated_nano and beyond_ppm is null order by request_id limit 1)`;
const OTHER = `(select request_id from usage_records
                 where charge_nano = rated_nano and charge_nano > 0 and beyond_ppm is null
                   and charge_nano <> (select charge_nano from usage_records where request_id = ${CHARGED}) limit 1)`;

test.each<[string, FindingKind, string, string]>([
  ['one usage row removed', 'debits_differ', `delete from usage_records where request_id = ${CHARGED}`, ''],
  [
    'one usage row doubled',
    'record_doubled',
    `alter table usage_records drop constraint usage_records_pkey;
     insert into usage_records select * from usage_records where request_id = ${CHARGED}`,
    CHARGED,
  ],
  [
    'one charge off by 1 nano',
    'charge_wrong',
    `update usage_records set charge_nano = charge_nano + 1, due_nano = due_nano + 1, rated_nano = rated_nano + 1 where request_id = ${CHARGED}`,
    CHARGED,
  ],
  [
    'two charges swapped',
    'charge_wrong',
    `update usage_records u set charge_nano = o.charge_nano, due_nano = o.due_nano, rated_nano = o.rated_nano from usage_records o
      where (u.request_id, o.request_id) in ((${CHARGED}, ${OTHER}), (${OTHER}, ${CHARGED}))`,
    OTHER,
  ],
  [
    'one ops_loss without an intent',
    'loss_without_intent',
    `insert into ops_losses values ('00000000-0000-7000-8000-000000000000', 1, 'orphaned', 1, 0)`,
    `select '00000000-0000-7000-8000-000000000000'`,
  ],
  [
    'one lease left open',
    'lease_left_open',
    `update leases set closed_at = null where incarnation_id in (select id from gateway_incarnations where closed_at is not null)`,
    `select id from leases where closed_at is null`,
  ],
  [
    'one entry removed',
    'transaction_unbalanced',
    `delete from ledger_entries where ctid = (select ctid from ledger_entries limit 1)`,
    '',
  ],
  [
    'money returned to the wrong grant',
    'grant_differs',
    `update grant_balances set available_nano = available_nano + 5 where grant_id = (select id from credit_grants order by id limit 1)`,
    `select id from credit_grants order by id limit 1`,
  ],
  ['one attempt forgotten', 'attempt_unclaimed', `delete from attempts where outcome = 'orphaned'`, ''],
  ['one loss forgotten', 'attempt_unaccounted', `delete from ops_losses where reason = 'orphaned'`, ''],
])('on a copy of the database %s is reported as %s', async (_error, kind, sql, idQuery) => {
  const { readonlyUrl, ids } = await copyWith(sql, idQuery);

  const findings = judge(await factsOf(readonlyUrl)).filter((finding) => finding.kind === kind);

  expect(findings.length).toBeGreaterThan(0);
  for (const id of ids) expect(findings.map(findingLine).join('\n')).toContain(id);
});

test('an end that a client saw needs a record, an error that it saw must be free, and nobody pays who did not call', async () => {
  const books = await factsOf(good.readonlyUrl);
  const seen = answer({ requestId: '00000000-0000-7000-8000-000000000001', terminatorSeen: true });
  const refused = answer({
    requestId: world.answers[0]?.requestId ?? '',
    status: 503,
    errorCode: 'service_unavailable',
  });
  const headless = answer({ requestId: null, status: 0 });

  const kinds = judge({ ...books, answers: [seen, refused, headless], hits: [] }).map(({ kind }) => kind);

  expect(kinds).toContain('record_missing');
  expect(kinds).toContain('charged_for_error');
  expect(kinds.filter((kind) => kind === 'record_without_client')).toHaveLength(16);
  expect(kinds).toContain('orphan_unexplained');
});

test('an orphan is explained by the death of its own gateway while its client waited, and of no other', async () => {
  const books = await factsOf(good.readonlyUrl);
  const orphan = books.attempts.find(({ outcome }) => outcome === 'orphaned');
  const lost = answer({ requestId: orphan?.requestId ?? '', atMs: 100_000, durationMs: 5_000 });
  const pid = books.incarnations.find(({ id }) => id === orphan?.incarnationId)?.pid ?? 0;
  const kinds = (killed: number, hitAtMs: number) => {
    const hits = [{ target: 'gateway', fromMs: hitAtMs, untilMs: hitAtMs, pid: killed }] as const;
    return judge({ ...books, answers: [lost], hits }).map(({ kind }) => kind);
  };

  expect(kinds(pid, 103_000)).not.toContain('orphan_unexplained');
  expect(kinds(pid, 120_000)).toContain('orphan_unexplained');
  expect(kinds(pid + 1, 103_000)).toContain('orphan_unexplained');
});

test('a request costs one ceil of its tokens times its price', () => {
  const chat = priceInForce(priceTable(null), 'demo-chat', 'selling', 0);
  const embed = priceInForce(priceTable(null), 'demo-embed', 'cost', 0);
  if (chat === null || embed === null) throw new Error('the table has lost a model');

  expect(amountNano(chat, { input: 1_234, output: 567 })).toBe(8_755_000n);
  expect(amountNano(embed, { input: 7 })).toBe(140n);
  expect(amountNano({ ...embed, picoPerToken: { input: 1 } }, { input: 1_001 })).toBe(2n);
});

test('the program prints its verdict in one line and says by its exit code whether all is in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oracle-'));
  const meter = createServer((_request, response) => response.end(meterJson()));
  await new Promise<void>((resolve) => meter.listen(0, '127.0.0.1', resolve));
  const { port } = meter.address() as AddressInfo;
  const endpoints = join(folder, 'endpoints.json');
  try {
    writeFileSync(endpoints, JSON.stringify({ postgresUrl: good.readonlyUrl, demoMeter: `http://127.0.0.1:${port}/` }));
    const inOrder = await runOracle(endpoints);
    expect(inOrder.lines.at(-1)).toBe('oracle: 18 requests, 19 attempts, difference 0 nano-USD');
    expect(inOrder.lines.filter((line) => line.endsWith(': reported'))).toHaveLength(7);
    expect(inOrder.code).toBe(0);

    const { readonlyUrl } = await copyWith(`delete from usage_records where request_id = ${CHARGED}`, '');
    writeFileSync(endpoints, JSON.stringify({ postgresUrl: readonlyUrl, demoMeter: `http://127.0.0.1:${port}/` }));
    const broken = await runOracle(endpoints);
    expect(broken.lines.at(-1)).toMatch(/^oracle: 17 requests, 19 attempts, difference [1-9]\d* nano-USD$/);
    expect(broken.code).toBe(1);
  } finally {
    meter.close();
    rmSync(folder, { recursive: true });
  }
});

test('books that were read are books that were left alone', async () => {
  const client = new Client({ connectionString: good.readonlyUrl });
  await client.connect();
  try {
    await expect(client.query('update usage_records set charge_nano = 0')).rejects.toThrow('permission denied');
  } finally {
    await client.end();
  }
});

function meterJson(): string {
  const attempts = [...world.meter].map(([id, { modelId, usage, ended, atMs }]) => [
    id,
    { model: modelId, usage, ended, at: atMs },
  ]);
  return JSON.stringify({ attempts: Object.fromEntries(attempts) });
}

async function runOracle(endpoints: string): Promise<{ lines: string[]; code: number }> {
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  const args = [program, '--endpoints', endpoints, '--patience', '0', '--prove'];
  const run = promisify(execFile)(process.execPath, args);
  const { stdout, code } = await run.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  );
  return { lines: stdout.trim().split('\n'), code };
}

async function factsOf(url: string): Promise<Facts> {
  return {
    ...(await readBooks(url)),
    prices: priceTable(null),
    meter: world.meter,
    captures: world.captures,
    answers: null,
    hits: null,
  };
}

let copies = 0;

/** The product's own rules are switched off for the superuser who plants the error. */
async function copyWith(sql: string, idQuery: string): Promise<{ readonlyUrl: string; ids: string[] }> {
  copies += 1;
  const name = `planted_${copies}`;
  await query(postgres.adminUrl, `create database ${name} template ${new URL(good.url).pathname.slice(1)}`);
  const ids = idQuery === '' ? [] : await query(urlOn(good.url, name), `${idQuery}`);
  await query(urlOn(good.url, name), `set session_replication_role = replica; ${sql}`);
  return { readonlyUrl: urlOn(good.readonlyUrl, name), ids };
}

function urlOn(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${database}` }).href;
}

async function query(url: string, sql: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query<Record<string, string>>(sql);
    return (result.rows ?? []).flatMap((row) => Object.values(row));
  } finally {
    await client.end();
  }
}

function answer(what: Partial<Answer>): Answer {
  return {
    atMs: 0,
    durationMs: 0,
    api: '',
    requestId: null,
    status: 200,
    promptBytes: 0,
    contentBytes: 0,
    terminatorSeen: false,
    errorCode: null,
    errorMessage: null,
    abortedByClient: false,
    fault: null,
    ...what,
  };
}
