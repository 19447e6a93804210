// The auditor of the whole product: waits until all is settled, judges, prints one line per finding, and exits 1 if there is any.
// It shares no code with what it judges and writes nothing.
//   node test/oracle/main.ts --endpoints <endpoints.json> [--driver-log <file>] [--kill-log <file>] [--prices <file>]
//                            [--patience <seconds>] [--prove]
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readBooks } from './books.ts';
import type { Facts } from './facts.ts';
import { findingLine, totalDifference } from './finding.ts';
import { frameOf, isRecordPriced } from './frame.ts';
import { isSettled, judge } from './judge.ts';
import { readAnswers, readCaptures, readHits, readMeter } from './outside-facts.ts';
import { proveSight } from './planted-errors.ts';
import { priceTable } from './price-table.ts';

const LOOK_AGAIN_MS = 1_000;

const { values: options } = parseArgs({
  options: {
    endpoints: { type: 'string' },
    'driver-log': { type: 'string' },
    'kill-log': { type: 'string' },
    prices: { type: 'string' },
    // The three minutes of quiet; it ends as soon as all is settled.
    patience: { type: 'string', default: '180' },
    prove: { type: 'boolean', default: false },
  },
});

process.exitCode = await audit();

async function audit(): Promise<number> {
  const facts = await settledFacts();
  if (facts.answers === null) say('oracle: no driver log, so what the clients saw is not judged');
  if (facts.hits === null) say('oracle: no kill log, so lost ends and orphans are not judged');

  sayForeign(facts);

  const findings = judge(facts);
  for (const finding of findings) say(findingLine(finding));
  const isProved = options.prove ? prove(facts) : true;

  const requests = facts.answers?.length ?? facts.usageRecords.length;
  say(
    `oracle: ${requests} requests, ${attemptCount(facts)} attempts, difference ${totalDifference(findings)} nano-USD`,
  );
  return findings.length === 0 && isProved ? 0 : 1;
}

async function settledFacts(): Promise<Facts> {
  const deadlineMs = performance.now() + Number(options.patience) * 1_000;
  for (;;) {
    const facts = await readFacts();
    if (isSettled(facts) || performance.now() >= deadlineMs) return facts;
    await wait(LOOK_AGAIN_MS);
  }
}

async function readFacts(): Promise<Facts> {
  if (options.endpoints === undefined) throw new Error('--endpoints <endpoints.json> is missing');
  const { postgresUrl, demoMeter, stripe }: { postgresUrl: string; demoMeter: string; stripe?: string } = JSON.parse(
    readFileSync(options.endpoints, 'utf8'),
  );
  // In the order in which things come into being, so that what is looked at last knows of all the rest.
  const captures = stripe === undefined ? null : await readCaptures(stripe);
  const meter = await readMeter(demoMeter);
  return {
    ...(await readBooks(postgresUrl)),
    meter,
    captures,
    prices: priceTable(options.prices ?? null),
    answers: options['driver-log'] === undefined ? null : readAnswers(options['driver-log']),
    hits: options['kill-log'] === undefined ? null : readHits(options['kill-log']),
  };
}

function sayForeign(facts: Facts): void {
  const frame = frameOf(facts);
  const foreign = facts.usageRecords.filter((record) => !isRecordPriced(frame, record)).length;
  if (foreign > 0)
    say(`oracle: ${foreign} requests of models or prices that others made, judged by their sums in the ledger alone`);
}

function prove(facts: Facts): boolean {
  const proofs = proveSight(facts);
  for (const { error, reported } of proofs) say(`proof: ${error}: ${reported ? 'reported' : 'MISSED'}`);
  return proofs.every(({ reported }) => reported);
}

function attemptCount(facts: Facts): number {
  return new Set([...facts.meter.keys(), ...facts.attempts.map(({ requestId, n }) => `${requestId}.${n}`)]).size;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
