// `npm test`: every gate of the repository and every test, ended by the one line that CI reads: "N passed, N failed".
// A gate counts as a test. What was skipped, left to do or could not be loaded counts as failed: only what ran has passed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { serverUser } from '../services/platform/server-user.ts';
import { findOrInstallChromium, INSTALL_CHROMIUM } from './parts/chromium.ts';
import { findOrInstallCurl, INSTALL_CURL } from './parts/curl.ts';
import { homeFolder } from './parts/home.ts';
import { NAME_LOCALHOST, nameLocalhost } from './parts/localhost.ts';
import { findPostgres } from './parts/postgres-binaries.ts';
import { findOrFetchPostgresClients, INSTALL_POSTGRES_CLIENT } from './parts/postgres-clients.ts';
import { findOrInstallRedis, INSTALL_REDIS } from './parts/redis.ts';
import { findOrFetch, type ServerProgram, TEMPORAL, TEST_SERVER } from './parts/temporal-programs.ts';

const checkout = resolve(import.meta.dirname, '..');
const NODE_FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

interface Count {
  readonly passed: number;
  readonly failed: number;
}

type Gate = readonly [name: string, command: string, ...args: string[]];

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

// A signal ends the commands that run, and with them this script. It may come twice: to the group, and forwarded by npm.
const running = new Set<ChildProcess>();
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruption.abort();
    for (const command of running) command.kill(signal);
  });
}
process.on('disconnect', () => {
  interruption.abort();
  for (const command of running) command.kill();
});

const gates = await runGates();
const parts = await findParts();
// Without its database, Redis and a browser a test run would only fail a thousand times for one reason.
const tests = parts.failed === 0 && !interruption.signal.aborted ? await runJest() : { passed: 0, failed: 0 };
const passed = gates.passed + parts.passed + tests.passed;
const failed = gates.failed + parts.failed + tests.failed;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && !interruption.signal.aborted ? 0 : 1);

async function runGates(): Promise<Count> {
  const rooms = [
    'domain',
    'workflows',
    'services',
    'activities',
    'api',
    'workers',
    'test',
    'scripts',
    'bench',
    'console',
  ];
  // First, and alone: others read what the console makes of the API's answers.
  const types: Gate = ['types of the API', process.execPath, 'scripts/console-types.ts'];
  // The longest first.
  const others: readonly Gate[] = [
    ['types', 'tsc', '--noEmit'],
    ['format and lint', 'biome', 'ci', '--colors=off', '.'],
    ['console types', 'tsc', '--noEmit', '-p', 'console'],
    ['dead code', 'knip'],
    ['arrows', 'depcruise', ...rooms],
    ['workflow sandbox types', 'tsc', '--noEmit', '-p', 'workflows'],
    ['console build', process.execPath, 'scripts/build-console.ts'],
  ];
  const results = [await passes(types)];
  const waiting = [...others];
  const lane = async () => {
    for (let gate = waiting.shift(); gate !== undefined; gate = waiting.shift()) results.push(await passes(gate));
  };
  // Most of them keep one core busy, and the machine of CI has two.
  await Promise.all([lane(), lane()]);
  const passedGates = results.filter(Boolean).length;
  return { passed: passedGates, failed: results.length - passedGates };
}

/** What it said comes with its result, in one piece: others run beside it. */
async function passes([name, command, ...args]: Gate): Promise<boolean> {
  const said: Buffer[] = [];
  const exitCode = await run(command, args, said);
  process.stdout.write(Buffer.concat(said));
  return count(name, exitCode === 0);
}

/** Found, made ready or installed here, before the first test needs them. */
async function findParts(): Promise<Count> {
  let hasPostgres = false;
  try {
    const { version, origin } = findPostgres(serverUser(), null);
    hasPostgres = count(`PostgreSQL ${version} (${origin})`, true);
  } catch (error) {
    count(`PostgreSQL: ${error instanceof Error ? error.message : error}`, false);
  }
  const hasClients = hasPostgres && (await findClients());
  const redis = await findOrInstallRedis((text) => process.stdout.write(`redis: ${text}\n`));
  const hasRedis = count(
    redis === null ? `Redis is missing: run as root: ${INSTALL_REDIS}` : `Redis (${redis})`,
    redis !== null,
  );
  const chromium = await findOrInstallChromium((text) => process.stdout.write(`chromium: ${text}\n`));
  const hasChromium = count(
    chromium === null ? `Chromium is missing: run as root: ${INSTALL_CHROMIUM}` : `Chromium (${chromium})`,
    chromium !== null,
  );
  const curl = await findOrInstallCurl((text) => process.stdout.write(`curl: ${text}\n`));
  const hasCurl = count(
    curl === null ? `curl is missing: run as root: ${INSTALL_CURL}` : `curl (${curl})`,
    curl !== null,
  );
  const isNamed = await nameLocalhost((text) => process.stdout.write(`localhost: ${text}\n`));
  count(isNamed ? 'localhost' : `localhost has no address: run as root: ${NAME_LOCALHOST}`, isNamed);
  const areFound = [
    isNamed,
    hasPostgres,
    hasClients,
    hasRedis,
    hasChromium,
    hasCurl,
    await findServerProgram(TEMPORAL),
    await findServerProgram(TEST_SERVER),
  ];
  const found = areFound.filter(Boolean).length;
  return { passed: found, failed: areFound.length - found };
}

/** Of the server's major or newer: a backup that cannot be taken is a failure, not a thing to leave out. */
async function findClients(): Promise<boolean> {
  const { major } = findPostgres(serverUser(), null);
  const say = (_part: string, text: string) => void process.stdout.write(`backups: ${text}\n`);
  const fetching = { ...homeFolder(), say, interrupted: interruption.signal };
  const folder = await findOrFetchPostgresClients(major, fetching);
  if (folder === null) return count(`pg_dump is missing: run as root: ${INSTALL_POSTGRES_CLIENT}`, false);
  process.env.PG_BIN = folder;
  return count(`pg_dump (${folder})`, true);
}

async function findServerProgram(program: ServerProgram): Promise<boolean> {
  const say = (_part: string, text: string) => void process.stdout.write(`temporal: ${text}\n`);
  try {
    const { origin } = await findOrFetch(program, { ...homeFolder(), say, interrupted: interruption.signal });
    return count(`Temporal (${origin})`, true);
  } catch (error) {
    return count(error instanceof Error ? error.message : String(error), false);
  }
}

function count(name: string, isGood: boolean): boolean {
  process.stdout.write(`${isGood ? 'ok  ' : 'FAIL'} ${name}\n`);
  return isGood;
}

async function runJest(): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-jest-'));
  const reportFile = join(folder, 'report.json');
  try {
    const jest = ['node_modules/jest/bin/jest.js', '--ci', '--json', `--outputFile=${reportFile}`];
    // Its stdout holds only the report once more.
    const exitCode = await run(process.execPath, [...NODE_FLAGS, ...jest], null);
    if (!existsSync(reportFile)) return { passed: 0, failed: 1 };
    const report = JSON.parse(readFileSync(reportFile, 'utf8')) as JestReport;
    const notPassed =
      report.numFailedTests + report.numPendingTests + report.numTodoTests + report.numRuntimeErrorTestSuites;
    return { passed: report.numPassedTests, failed: exitCode === 0 ? notPassed : Math.max(notPassed, 1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** said: takes what it writes; null: what it writes to stderr is seen as it comes, which of Jest is its progress. */
async function run(command: string, args: readonly string[], said: Buffer[] | null): Promise<number> {
  if (interruption.signal.aborted) return 1;
  const stdio = said === null ? (['ignore', 'ignore', 'inherit'] as const) : (['ignore', 'pipe', 'pipe'] as const);
  const child = spawn(command, args, { cwd: checkout, stdio: [...stdio] });
  running.add(child);
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => said?.push(bytes));
  try {
    const [code] = await once(child, 'close');
    return code ?? 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`); // not found: the line that CI reads must still come
    return 1;
  } finally {
    running.delete(child);
  }
}
