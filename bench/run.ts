// `npm run bench`: how fast a fully billed request is, against nginx in the same minutes on the same core (`-- --quick`: short
// windows, for those who change the hot path). A missed bar is a result; the exit code is 1 only when the measurement itself
// is void, or when what was charged is not what was served.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import { postGuardian } from '../scripts/parts/guardian.ts';
import { homeFolder, type Launch, moveIn } from '../scripts/parts/home.ts';
import { stopLeftovers } from '../scripts/parts/leftovers.ts';
import { type Books, checkBooks } from './books.ts';
import { fdatasyncMicros } from './durability.ts';
import { type Figures, type SpeedFigures, tableOf } from './figures.ts';
import { runClient } from './generators.ts';
import { GENERATOR_CORE, pinTo, untilQuiet } from './machine.ts';
import { openRig, type Rig } from './rig.ts';
import { addedLatency } from './scenarios/added-latency.ts';
import { coldKey } from './scenarios/cold-key.ts';
import { type CpuFigures, cpuPerRequest } from './scenarios/cpu-per-request.ts';
import { firstByteAdded } from './scenarios/first-byte.ts';
import { bytesPerOpenStream } from './scenarios/open-streams.ts';
import { streamEvents } from './scenarios/stream-events.ts';
import type { Bench } from './window.ts';

/** What the launcher keeps in its folder while it works there. */
const LAUNCHER_FILES = ['launcher.json', 'launcher.lock'];
const interruption = new AbortController();
const { checkout } = homeFolder();
const launch: Launch = {
  checkout,
  home: join(checkout, '.tollgate', 'bench'),
  say: (part, text) => process.stdout.write(`${part.padEnd(26)} ${text}\n`),
  interrupted: interruption.signal,
};
const startedAtMs = performance.now();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());
process.on('disconnect', () => interruption.abort());

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: void, ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// The channel to launch.mjs would keep the process alive.
process.exit();

async function main(): Promise<void> {
  const cores = cpus().length;
  if (cores < 2) throw new Error(`this machine has ${cores} core, and a bench needs one for each side`);
  // Whatever is started from here on inherits the generator's core.
  pinTo(GENERATOR_CORE, process.pid);
  mkdirSync(launch.home, { recursive: true });
  const home = await moveIn(launch);
  try {
    await stopLeftovers(launch.home);
    emptyHome();
    const guardian = postGuardian(launch);
    try {
      await using stack = new AsyncDisposableStack();
      await measureAll(await openRig(launch, stack));
    } finally {
      guardian.dismiss();
      emptyHome();
    }
  } finally {
    home.leave();
  }
}

/** Also where PostgreSQL's data had to go elsewhere (scripts/parts/postgres.ts). */
function emptyHome(): void {
  const data = join(launch.home, 'postgres');
  if (existsSync(data) && lstatSync(data).isSymbolicLink()) rmSync(dirname(realpathSync(data)), { recursive: true });
  for (const name of readdirSync(launch.home)) {
    if (!LAUNCHER_FILES.includes(name) && name !== 'logs' && name !== 'run') {
      rmSync(join(launch.home, name), { recursive: true, force: true });
    }
  }
}

async function measureAll(rig: Rig): Promise<void> {
  const loadAtStart = loadavg().map((load) => load.toFixed(2));
  const say = (text: string) => launch.say('bench', `${text}  (${secondsSoFar()} s, load ${loadavg()[0]?.toFixed(2)})`);
  const bench: Bench = { rig, say, quick: process.argv.includes('--quick'), voidWindows: 0 };
  const measured = await measureFigures(bench);
  const books = await closeBooks(rig, say);
  const died = rig.restarted();
  if (died.length > 0) throw new Error(`${died.join(', ')} died and was started again`);

  const box = {
    ...machine(),
    fdatasyncMicros: fdatasyncMicros(launch.home),
    windows: bench.quick ? 'quick' : 'full',
    voidWindows: bench.voidWindows,
    requestsOnTheBooks: books.metered,
    loadAverage: `${loadAtStart.join(' ')} before, ${loadavg()[0]?.toFixed(2)} after`,
    seconds: secondsSoFar(),
  };
  const figures: Figures = { box, ...measured, differenceNano: Number(books.differenceNano) };
  const out = join(import.meta.dirname, 'out');
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'latest.json'), `${JSON.stringify(figures, null, 2)}\n`);
  const facts = Object.entries(box).map(([name, value]) => `${name.padEnd(28)}  ${value}`);
  process.stdout.write(`\n${facts.join('\n')}\n\n${tableOf(figures)}\n`);
  if (books.differenceNano !== 0n) process.exitCode = 1;
}

async function measureFigures(bench: Bench): Promise<Omit<Figures, 'box' | 'differenceNano'>> {
  await warmUp(bench);
  const openStreams = await bytesPerOpenStream(bench, 'held');
  const openStreams30k = await bytesPerOpenStream(bench, 'held30k');
  bench.say(`open streams: ${openStreams} bytes each, ${openStreams30k} with 30 KB bodies`);
  const cold = await coldKey(bench);
  bench.say(`a cold key: ${cold.settled.addedP50Ms} ms more`);
  const plain = await cpuPerRequest(bench, 'plain');
  bench.say(`CPU of a request: ${plain.settled.cpuMicros} us, nginx ${plain.settled.nginxCpuMicros} us`);
  const plain30k = await cpuPerRequest(bench, 'plain30k');
  bench.say(`with 30 KB: ${plain30k.settled.cpuMicros} us, nginx ${plain30k.settled.nginxCpuMicros} us`);
  const latency = await addedLatency(bench);
  bench.say(`latency: ${latency.settled.addedP50Ms} ms more`);
  const firstByte = await firstByteAdded(bench);
  bench.say(`first byte: ${firstByte.settledMs} ms later`);
  const events = await streamEvents(bench);
  bench.say(`events: ${events.settled} a second`);

  const speed = (of: 'settled' | 'withoutSettlement', firstByteAddedMs: number): SpeedFigures => ({
    ...cpuOf(plain[of]),
    ...latency[of],
    firstByteAddedMs,
    streamEventsPerSecondPerCore: events[of],
    body30k: bodyOf(plain30k[of]),
    coldKey: cold[of],
  });
  const settled = speed('settled', firstByte.settledMs);
  return {
    ...settled,
    nginx: { cpuMicros: plain.settled.nginxCpuMicros },
    nodeFloor: { cpuMicros: plain.nodeFloorCpuMicros },
    bytesPerOpenStream: openStreams,
    body30k: { ...settled.body30k, bytesPerOpenStream: openStreams30k },
    withoutSettlement: speed('withoutSettlement', firstByte.withoutSettlementMs),
  };
}

/** Code is compiled and heaps have grown before anything counts. */
async function warmUp({ rig, quick, say }: Bench): Promise<void> {
  for (const { name, port, pid, requestsFile } of Object.values(rig.subjects)) {
    const { completed, failed } = await runClient(
      rig.programs.client,
      { port, requestsFile: requestsFile('plain') },
      { mode: 'closed', connections: 64, seconds: quick ? 2 : 5 },
    );
    await untilQuiet(pid);
    say(`warm-up of ${name}: ${completed} requests, ${failed} failed`);
  }
}

function cpuOf({ cpuMicros, postgresCpuMicros, cpuRatio, cpuRatioWithPostgres, requestsPerSecondPerCore }: CpuFigures) {
  return { tollgate: { cpuMicros }, postgresCpuMicros, cpuRatio, cpuRatioWithPostgres, requestsPerSecondPerCore };
}

function bodyOf({ cpuMicros, cpuRatio, requestsPerSecondPerCore }: CpuFigures): SpeedFigures['body30k'] {
  return { cpuMicros, cpuRatio, requestsPerSecondPerCore };
}

async function closeBooks(rig: Rig, say: (text: string) => void): Promise<Books> {
  await fetch(`http://127.0.0.1:${rig.subjects.tollgate.upstreamPort}/bench/counters`, { method: 'POST' });
  const books = await checkBooks(rig.databaseUrl, rig.meterFile);
  say(`books: ${books.metered} requests metered, ${books.charged} charged`);
  for (const finding of books.findings) say(`books: ${finding}`);
  return books;
}

function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    nginx: execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin nginx -v 2>&1'], { encoding: 'utf8' }).trim(),
  };
}

function secondsSoFar(): number {
  return Math.round((performance.now() - startedAtMs) / 1000);
}
