// A campaign of keys and backups: customers ask all the while; channel keys, API keys and the master key are changed for others, backups are taken and restored, and
// everything that has a part in it is killed. Then all comes to its end, and what is left is judged: no secret that anybody could read, one key in each place, every
// backup restorable, nothing left behind, and every request on the books once.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { OpenPlace } from '../../../services/backups/backups.ts';
import { readBooks } from '../../oracle/books.ts';
import type { LoadPlan } from '../../support/load-driver/plan.ts';
import { askOracle, type OracleAnswer } from '../ask-oracle.ts';
import { insistently } from '../billing/billing-clock.ts';
import { stockCatalogue } from '../catalogue.ts';
import { KillLog } from '../kill-log.ts';
import { Load, loadPlan } from '../load.ts';
import { Management } from '../management.ts';
import { seededDice } from '../seeded-dice.ts';
import { deathsIn } from '../unasked-deaths.ts';
import { ApiKeyRoller } from './api-key-roller.ts';
import { BackupTaker } from './backup-taker.ts';
import { Canaries } from './canaries.ts';
import { type Searched, searchCanaries } from './canary-search.ts';
import { ChannelKeyChanger } from './channel-key-changer.ts';
import { gatherEvidence } from './evidence.ts';
import { type KeyTenants, openKeyTenants } from './key-tenants.ts';
import { KeyHavoc, roundsOf } from './keys-havoc.ts';
import type { KeysOrder } from './keys-order.ts';
import { asAdmin, type KeysProduct, startKeysProduct } from './keys-product.ts';
import { keysConditions } from './keys-validity.ts';
import { rotateMasterKey } from './master-key-rotator.ts';
import { openWork } from './open-work.ts';
import { judgeProviderKeys } from './provider-keys.ts';
import {
  databaseNames,
  judgeBackups,
  judgeLeftovers,
  placeOf,
  type RecordedBackup,
  recordedBackups,
} from './stored-backups.ts';

export interface KeysResult {
  readonly passed: boolean;
  readonly lastLine: string;
}

/** Gateways hear of a change by notice or, without Redis, within five seconds. */
const HEARD_WITHIN_MS = 6_000;
const LOOK_EVERY_MS = 500;
/** As services/backups/backups.ts names it. */
const NIGHT_IS_OVER = `
  insert into backups (name, kind, stage, ended_at)
  select to_char((clock_timestamp() at time zone 'UTC') - interval '2 hours 10 minutes', 'YYYY-MM-DD'), 'nightly', 'dismissed', clock_timestamp()`;
/** None that speaks for or against a key: what a key fails of here has been killed. */
const FAULTS: LoadPlan['faults'] = [
  { spec: '', weight: 20 },
  { spec: 'latency=100,jitter=500', weight: 60 },
  { spec: 'chunk-delay=4', weight: 10 },
  { spec: 'no-usage', weight: 10 },
];

interface Running {
  readonly product: KeysProduct;
  readonly tenants: KeyTenants;
  readonly killLog: KillLog;
  readonly canaries: Canaries;
  readonly load: Load;
  readonly roller: ApiKeyRoller;
  readonly changer: ChannelKeyChanger;
  readonly taker: BackupTaker;
  readonly havoc: KeyHavoc;
  readonly api: Management;
  /** Before anything was restored. */
  readonly databases: readonly string[];
}

export async function runKeysCampaign(order: KeysOrder): Promise<KeysResult> {
  const product = await startKeysProduct();
  let passed = false;
  try {
    const running = await open(order, product);
    try {
      await breakUnderLoad(order, running);
      await comeToRest(order, running);
    } finally {
      await running.load.stop();
    }
    const result = await verdict(order, running);
    passed = result.passed;
    return result;
  } finally {
    await product.close();
    if (passed) rmSync(product.folder, { recursive: true });
    else order.say(`campaign: its logs stay in ${product.folder}`);
  }
}

async function open(order: KeysOrder, product: KeysProduct): Promise<Running> {
  const { seed, concurrency, betweenMs } = order;
  const { folder, database, demo } = product;
  if (order.isNightOver) await asAdmin(database, (db) => db.query(NIGHT_IS_OVER));
  const dice = seededDice(seed);
  const api = new Management([product.api], product.adminToken);
  const canaries = new Canaries();
  for (const [what, secret] of product.secrets) canaries.add(what, secret);
  const changer = new ChannelKeyChanger({ api, demoUrl: demo.url, canaries, dice });
  await stockCatalogue(api, demo.url, () => changer.enterKey());
  await changer.prepare();
  const tenants = await openKeyTenants(api, canaries);
  const endpoints = { postgresUrl: database.urlFor('readonly'), demoMeter: `${demo.url}/meter` };
  writeFileSync(join(folder, 'endpoints.json'), JSON.stringify(endpoints));
  writeFileSync(join(folder, 'prices.json'), '[]');
  const killLog = new KillLog(join(folder, 'kills.jsonl'));
  const databases = await asAdmin(database, databaseNames);
  const { apiKeys, rolled: keys } = tenants;
  const logFile = join(folder, 'answers.jsonl');
  const load = new Load(loadPlan({ apis: [product.api], apiKeys, concurrency, seed, logFile, faults: FAULTS }), folder);
  const roller = new ApiKeyRoller({ api, gateway: product.api, load, canaries, keys, dice });
  const havoc = new KeyHavoc({ product, load, killLog, dice, betweenMs });
  const taker = new BackupTaker(product, api);
  return { product, tenants, killLog, canaries, load, roller, changer, taker, havoc, api, databases };
}

/** In each round the master key is changed while such parts are killed as it does not wait for. */
async function breakUnderLoad(order: KeysOrder, running: Running): Promise<void> {
  const { product, load, roller, changer, taker, havoc, api } = running;
  const over = new AbortController();
  await load.answered(order.concurrency);
  const people = Promise.all([changer.changeOn(over.signal), roller.rollOn(over.signal), taker.takeOn(over.signal)]);
  people.catch(() => undefined); // heard of below
  try {
    for (const [at, { gentle, rough }] of roundsOf(order.kills, order.rounds).entries()) {
      await Promise.all([rotateMasterKey(api, product.masterKeys), havoc.strike(gentle)]);
      await havoc.strike(rough);
      order.say(`campaign: ${secondsSoFar()} s, round ${at + 1} of ${order.rounds}, ${progress(running)}`);
    }
  } finally {
    over.abort();
  }
  await people;
}

/** What has begun comes to its end, and only what was shown last works. */
async function comeToRest({ quietSeconds, say }: KeysOrder, { product, roller }: Running): Promise<void> {
  await roller.endOverlaps();
  const heardAtMs = performance.now() + HEARD_WITHIN_MS;
  const giveUpAtMs = performance.now() + quietSeconds * 1_000;
  for (;;) {
    const open = await insistently(() => asAdmin(product.database, openWork));
    if (open.length === 0) break;
    if (performance.now() > giveUpAtMs) return say(`campaign: it did not come to its end: ${open.join(', ')}`);
    await wait(LOOK_EVERY_MS);
  }
  await wait(Math.max(0, heardAtMs - performance.now()));
}

async function verdict(order: KeysOrder, running: Running): Promise<KeysResult> {
  const { product, killLog, load, changer, taker, roller, havoc, tenants } = running;
  order.say(`campaign: ${secondsSoFar()} s, ${progress(running)}, now judged`);
  const [oracle, { searched, findings, restored }] = await Promise.all([
    askOracle({
      ...{ endpointsFile: join(product.folder, 'endpoints.json'), prices: join(product.folder, 'prices.json') },
      ...{ driverLog: load.logFile, killLog: killLog.file, quietSeconds: order.quietSeconds, prove: false },
    }),
    inspect(running),
  ]);
  for (const line of oracle.lines) order.say(line);
  for (const finding of findings) order.say(`campaign: FOUND ${finding}`);
  const answers = load.answers();
  const conditions = keysConditions(order, {
    ...{ havoc, roller, changer, taker, searched, answers, events: killLog.events },
    masterKeys: product.masterKeys.newest,
    rolled: new Set(tenants.rolled.map(({ keyIndex }) => keyIndex)),
    unasked: unaskedDeaths(running),
    pidOf: await pidsOf(product),
  });
  for (const { name, figure, met } of conditions) order.say(`campaign: ${met ? 'ok  ' : 'VOID'} ${name}: ${figure}`);
  if (order.isShort) order.say('campaign: SHORT, so it does not count');
  order.say(`campaign: ${secondsSoFar()} s, ${running.canaries.size} secrets looked for, ${restored} backups restored`);
  return {
    passed: oracle.code === 0 && findings.length === 0 && conditions.every(({ met }) => met),
    lastLine: lastLine(running, answers.length, oracle),
  };
}

/** What is left of keys and backups, and what anybody can read of them. */
async function inspect(running: Running) {
  const { product, changer, roller, taker } = running;
  const place = await placeOf(product);
  const recorded = await recordedBackups(product);
  const searched = await searchEverywhere(running, place, recorded[0]);
  const findings = [
    ...searched.findings,
    ...(await judgeProviderKeys(product, changer.adminKey)),
    ...(await roller.findings()),
    ...(await judgeBackups(place, recorded)),
    ...(await judgeLeftovers(product, running.databases)),
    ...(await insistently(() => asAdmin(product.database, openWork))).map((what) => `${what} has not ended`),
    ...taker.troubles.map((trouble) => `somebody had to be called: ${trouble}`),
  ];
  return { searched, findings, restored: recorded.length };
}

async function searchEverywhere(
  { product, canaries }: Running,
  place: OpenPlace,
  newest: RecordedBackup | undefined,
): Promise<Searched> {
  if (newest === undefined) return { findings: [], blind: ['everything'], places: 0 };
  gatherIssued(product, canaries);
  const evidence = await gatherEvidence(product, place, newest);
  return searchCanaries(evidence, canaries, join(product.folder, 'canaries.txt'));
}

function lastLine({ havoc, changer, taker }: Running, requests: number, { difference }: OracleAnswer): string {
  const rotations = endedOf(changer);
  const counts = `${havoc.counted.length} kills, ${requests} requests, ${rotations} rotations`;
  return `chaos: ${counts}, ${taker.completed.backups} backups, difference ${difference} nano-USD`;
}

function endedOf({ ended }: ChannelKeyChanger): number {
  return (ended.get('completed') ?? 0) + (ended.get('rolled_back') ?? 0);
}

function progress({ havoc, changer, roller, taker }: Running): string {
  const changed = changer.ended.get('completed') ?? 0;
  const { backups, restore_checks: drills } = taker.completed;
  return `${havoc.counted.length} kills, ${changed} channel keys, ${roller.rolls} rolls, ${backups} backups, ${drills} drills`;
}

/** Every key that the provider has ever issued, and every master key. */
function gatherIssued(product: KeysProduct, canaries: Canaries): void {
  const lines = readFileSync(join(product.folder, 'demo', 'keys.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean);
  for (const line of lines) {
    const { what, value } = JSON.parse(line) as { what: string; value?: string };
    if (what === 'created' && value !== undefined) canaries.add('channel key', value);
  }
  for (const masterKey of product.masterKeys.all()) canaries.add('master key', masterKey);
}

async function pidsOf({ database }: KeysProduct): Promise<Map<string, number>> {
  const { usageRecords, incarnations } = await readBooks(database.urlFor('readonly'));
  const pids = new Map(incarnations.map(({ id, pid }) => [id, pid]));
  return new Map(usageRecords.map(({ requestId, incarnationId }) => [requestId, pids.get(incarnationId) ?? 0]));
}

function unaskedDeaths({ product, killLog }: Running): string[] {
  const { gateway, demo, objects, temporal, workers } = product;
  const neighbours = [demo, temporal, ...workers, ...(objects === null ? [] : [objects])];
  const kept = [gateway, ...neighbours.map((one) => one.process)];
  const handled = new Set(killLog.events.map(({ pid }) => pid));
  const gateways = deathsIn(gateway.logFile).filter(({ pid }) => !handled.has(pid));
  return [
    ...kept.flatMap(({ deaths }) => deaths.map(({ how }) => how)),
    ...gateways.map(({ pid, code, signal }) => `gateway ${pid} (${signal ?? code})`),
  ];
}

function secondsSoFar(): number {
  return Math.round(performance.now() / 1_000);
}
