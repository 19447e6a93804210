// `npm run bench:workflows`: how many renewals a second the product does beside how many bare cycles the same Temporal does on the same cores,
// how soon somebody who pays is lifted, and what sleepers cost (`-- --quick`: short windows). A missed bar is a result; the exit code is 1
// only when the measurement itself is void, or when the books do not agree with what Stripe took.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { Connection, Client as TemporalClient } from '@temporalio/client';
import { Pool } from 'pg';
import { BillingClock } from '../test/chaos/billing/billing-clock.ts';
import { type BillingProduct, startBillingProduct } from '../test/chaos/billing/billing-product.ts';
import { Complaints } from '../test/chaos/billing/complaints.ts';
import { Desk } from '../test/chaos/billing/desk.ts';
import { gatherEvidence } from '../test/chaos/billing/evidence.ts';
import { answers } from '../test/chaos/product.ts';
import { billingFindingLine } from '../test/oracle/billing/billing-finding.ts';
import { judgeBilling } from '../test/oracle/billing/judge-billing.ts';
import { requireDurability } from './durability.ts';
import { median, p99, rounded } from './results.ts';
import { printed } from './table.ts';
import { bareWindow, startBareWorker } from './workflows/bare-cycles.ts';
import { type Debtor, limitAll } from './workflows/debtors.ts';
import { keepOpen } from './workflows/feed.ts';
import { holdNews, releaseNews, untilTold } from './workflows/held-news.ts';
import { liftTimes } from './workflows/lifts.ts';
import { putToSleep, type Renewal, type Renewing, renewalsOf, renewLate } from './workflows/renewals.ts';
import { replaysPerSecond } from './workflows/replays.ts';
import { type Customer, Shop } from './workflows/shop.ts';
import { sleepersRss } from './workflows/sleepers.ts';
import { startTemporalOnPostgres } from './workflows/temporal-on-postgres.ts';
import { TEMPORAL_VERSION, temporalPrograms } from './workflows/temporal-programs.ts';
import { countWithin, pace } from './workflows/window-count.ts';
import { type WorkflowFigures, workflowLines } from './workflows/workflow-figures.ts';

const CONNECTIONS = 8;
const OPEN = 60;
const ROUNDS = 3;
/** So much faster than bare cycles are done, renewals fall due in the rehearsal: it shows how many can be done. */
const OVERLOAD = 1.1;
/** And so much faster than in the rehearsal they fall due in a window, of whom as many are let through as are done. */
const SPARE = 1.25;
const GAP_MS = 1_200_000;
const HOUR_MS = 3_600_000;
/** A debtor is limited so long after his month has ended; the others' months end later. */
const LIMITED_AFTER_MS = 7.5 * 24 * HOUR_MS;

interface Size {
  readonly windowMs: number;
  readonly lifts: number;
  readonly sleepers: number;
}
const FULL: Size = { windowMs: 60_000, lifts: 550, sleepers: 10_000 };
const QUICK: Size = { windowMs: 20_000, lifts: 30, sleepers: 1_000 };

const interruption = new AbortController();
const startedAtMs = performance.now();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());
process.on('disconnect', () => interruption.abort());

try {
  await main(process.argv.includes('--quick') ? QUICK : FULL);
} catch (error) {
  process.stderr.write(`bench: void, ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// The channel to launch.mjs would keep the process alive.
process.exit();

async function main(size: Size): Promise<void> {
  const programs = await temporalPrograms(say, interruption.signal);
  await using stack = new AsyncDisposableStack();
  const product = await startBillingProduct({
    workers: ['worker'],
    postgres: { shared_buffers: '128MB', max_connections: 300 },
    startTemporal: (site) => startTemporalOnPostgres(programs, site),
  });
  // Where something was found wrong its logs are kept.
  let isDone = false;
  stack.defer(() => {
    if (isDone) rmSync(product.folder, { recursive: true });
  });
  stack.defer(() => product.close());
  interruption.signal.addEventListener('abort', () => void product.close().finally(() => process.exit(1)));
  say(`the product is up, its logs are in ${product.folder}`);
  await requireDurability(product.database.urlFor('gateway'), product.database.url);
  const db = stack.adopt(new Pool({ connectionString: product.database.url, max: CONNECTIONS }), (one) => one.end());
  const connection = stack.adopt(await Connection.connect({ address: product.temporal.url }), (one) => one.close());
  const temporal = new TemporalClient({ connection, namespace: product.environment.TEMPORAL_NAMESPACE ?? '' });
  const bench: Bench = { product, db, temporal, shop: new Shop(product, db), size };
  publish(await measure(bench));
  isDone = process.exitCode !== 1;
}

interface Bench extends Renewing {
  readonly product: BillingProduct;
  readonly size: Size;
}

interface Measured extends Omit<WorkflowFigures, 'box'> {
  readonly facts: Readonly<Record<string, string | number>>;
}

async function measure(bench: Bench): Promise<Measured> {
  const { product, temporal, size } = bench;
  const bareUrl = await startBareWorker(product);
  const warmUp = await bareWindow(temporal, bareUrl, OPEN, size.windowMs / 4);
  say(`warm-up: ${rounded(warmUp, 1)} bare cycles a second`);
  const rehearsal = await rehearse(bench, warmUp);
  const { groups, debtors } = await takeOnCustomers(bench, SPARE * rehearsal.perSecond);
  await renewLate(bench, rehearsal.customers, 2);
  const rounds: Round[] = [];
  for (const group of groups) rounds.push(await measureRound(bench, bareUrl, group));
  const renewalsPerSecond = median(rounds.map(({ perSecond }) => perSecond));
  const lifted = await measureLifts(bench, debtors, renewalsPerSecond / 2);
  const books = await closeBooks(bench);
  const renewals = rounds.flatMap((round) => round.renewals);
  const replays = await replaysPerSecond(product, renewals, size.windowMs / 6);
  say(`${rounded(replays, 1)} replays a second`);
  const rss = await sleepersRss(product, bench.db, temporal, size.sleepers);
  say(`${size.sleepers} sleepers: ${rounded(rss, 1)} MiB`);
  return {
    renewalsPerSecond: rounded(renewalsPerSecond, 2),
    bareCyclesPerSecond: rounded(median(rounds.map(({ bare }) => bare)), 2),
    renewalsRatio: rounded(median(rounds.map(({ bare, perSecond }) => perSecond / bare)), 3),
    eventsPerRenewal: rounded(renewals.reduce((total, { events }) => total + events, 0) / renewals.length, 2),
    replaysPerSecond: rounded(replays, 1),
    ...lifted,
    sleepersRssMb: rounded(rss, 1),
    facts: { lifts: size.lifts, sleepers: size.sleepers, windowSeconds: size.windowMs / 1_000, ...books },
  };
}

/** How many renewals a second are done when more than enough are due. */
async function rehearse(bench: Bench, cyclesPerSecond: number) {
  const { product, shop, size } = bench;
  const customers = await whileNobodyWorks(bench, () => renewing(bench, OVERLOAD * cyclesPerSecond, size.windowMs / 4));
  const clock = new BillingClock(product, new Desk(product, new Complaints()));
  await clock.leap(((await shop.endOfMonth(customers)) - GAP_MS - (await shop.nowMs())) / HOUR_MS);
  await putToSleep(bench, customers, { open: OPEN, cyclesPerSecond });
  const perSecond = pace(await renewalsOf(bench, customers));
  say(`rehearsal: ${rounded(perSecond, 1)} renewals a second`);
  return { customers, perSecond };
}

/** As many as are open at first, and one after another for so long. */
function renewing({ shop }: Bench, perSecond: number, forMs: number): Promise<Customer[]> {
  return shop.sell({ count: OPEN + Math.ceil((perSecond * forMs) / 1_000), perSecond, atOnce: OPEN });
}

/** What became news meanwhile is held back. */
async function whileNobodyWorks<T>({ product, db }: Bench, work: () => Promise<T>): Promise<T> {
  const [worker] = product.workers;
  await worker?.process.stop('SIGTERM');
  const result = await work();
  await holdNews(db);
  await worker?.process.restart('SIGTERM');
  await answers(`${worker?.url}/readyz`);
  return result;
}

async function takeOnCustomers(bench: Bench, perSecond: number) {
  const { product, shop, size } = bench;
  const clock = new BillingClock(product, new Desk(product, new Complaints()));
  const groups: Customer[][] = [];
  const owing = await whileNobodyWorks(bench, async () => {
    const sold = await shop.sell({ count: 2 * size.lifts, perSecond, atOnce: 2 * size.lifts });
    await shop.emptyCards(sold);
    say(`${sold.length} customers who will owe`);
    await clock.leap(LIMITED_AFTER_MS / HOUR_MS);
    for (let round = 0; round < ROUNDS; round += 1) {
      groups.push(await renewing(bench, perSecond, size.windowMs));
      await shop.moveTo((await shop.nowMs()) + GAP_MS);
      say(`${groups.at(-1)?.length} customers who will renew`);
    }
    return sold;
  });
  await clock.leap(((await shop.endOfMonth(owing)) - (await shop.nowMs())) / HOUR_MS);
  const debtors = await limitAll(product, owing);
  say(`${debtors.length} debtors are limited`);
  return { groups, debtors };
}

interface Round {
  readonly bare: number;
  readonly perSecond: number;
  readonly renewals: readonly Renewal[];
}

async function measureRound(bench: Bench, bareUrl: string, group: readonly Customer[]): Promise<Round> {
  const { windowMs } = bench.size;
  const bare = await bareWindow(bench.temporal, bareUrl, OPEN, windowMs);
  await putToSleep(bench, group, { open: OPEN, cyclesPerSecond: bare });
  const fromMs = Date.now();
  const { taken, left } = await keepOpen(bench, group, OPEN);
  const renewals = await renewalsOf(bench, taken);
  const { perSecond, fewestOpen, mostOpen } = countWithin(renewals, fromMs, fromMs + windowMs);
  say(`${rounded(bare, 2)} bare cycles a second, and ${rounded(perSecond, 2)} renewals`);
  say(`${fewestOpen} to ${mostOpen} renewals were open at a time`);
  if (fewestOpen < OPEN / 2) say('more renewals could have been done');
  await renewLate(bench, left, 1);
  return { bare, perSecond, renewals };
}

async function measureLifts({ product, db }: Bench, debtors: readonly Debtor[], perSecond: number) {
  const half = debtors.length / 2;
  const whileUp = debtors.slice(0, half);
  await releaseNews(
    db,
    whileUp.flatMap(({ subscriptionId, invoiceId }) => [subscriptionId, invoiceId]),
  );
  await untilTold(db);
  const slowest = (times: readonly number[]) => rounded(p99(times), 1);
  const withTemporal = await liftTimes(product, whileUp, perSecond);
  say(
    `lifted at ${rounded(perSecond, 1)}/s: p50 ${rounded(median(withTemporal), 1)} ms, p99 ${slowest(withTemporal)} ms`,
  );
  await product.temporal.process.stop('SIGTERM');
  const without = await liftTimes(product, debtors.slice(half), perSecond);
  say(`with Temporal stopped: p50 ${rounded(median(without), 1)} ms, p99 ${slowest(without)} ms`);
  await product.temporal.process.restart('SIGTERM');
  return { webhookToLiftedP99Ms: slowest(withTemporal), webhookToLiftedWithoutTemporalP99Ms: slowest(without) };
}

/** @throws Error when the books do not agree */
async function closeBooks({ product, db }: Bench): Promise<{ charges: number; findings: number }> {
  await answers(`${product.workers[0]?.url}/readyz`);
  await releaseNews(db, 'all');
  await untilTold(db);
  const desk = new Desk(product, new Complaints());
  await new BillingClock(product, desk).rest();
  const facts = await gatherEvidence(product, desk);
  const findings = judgeBilling(facts);
  for (const one of findings.slice(0, 20)) say(billingFindingLine(one));
  say(`books: ${facts.captures.size} captures, ${findings.length} findings`);
  if (findings.length > 0) process.exitCode = 1;
  return { charges: facts.captures.size, findings: findings.length };
}

function publish({ facts, ...measured }: Measured): void {
  const box = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    temporal: TEMPORAL_VERSION,
    ...facts,
    seconds: secondsSoFar(),
  };
  const figures: WorkflowFigures = { box, ...measured };
  const out = join(import.meta.dirname, 'out');
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'workflows.json'), `${JSON.stringify(figures, null, 2)}\n`);
  const about = Object.entries(box).map(([name, value]) => `${name.padEnd(28)}  ${value}`);
  process.stdout.write(`\n${about.join('\n')}\n\n${printed(workflowLines(figures), null)}\n`);
}

function say(text: string): void {
  process.stdout.write(`bench ${text}  (${secondsSoFar()} s, load ${loadavg()[0]?.toFixed(2)})\n`);
}

function secondsSoFar(): number {
  return Math.round((performance.now() - startedAtMs) / 1_000);
}
