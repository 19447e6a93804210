// Temporal servers of a test file's own, in memory and on free ports: the dev server, and the one that skips time. Their programs
// come by the launcher's chain and are kept where it keeps them, so the first run of a checkout fetches them once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { homeFolder } from '../../scripts/parts/home.ts';
import { declareSearchAttributes, TEMPORAL_NAMESPACE, type TemporalNeeds } from '../../scripts/parts/temporal.ts';
import { type Fetching, findOrFetch, TEMPORAL, TEST_SERVER } from '../../scripts/parts/temporal-programs.ts';

// Once in a process, before anything of the SDK runs: by itself it writes a line for every state of every worker.
Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });

type SearchAttributes = TemporalNeeds['searchAttributes'];

const fetching: Fetching = {
  ...homeFolder(),
  say: (part, text) => void process.stderr.write(`${part}: ${text}\n`),
  interrupted: new AbortController().signal,
};

export interface ThrowawayTemporal {
  /** Client, connections of clients and workers, and on the server that skips time its clock. */
  readonly environment: TestWorkflowEnvironment;
  readonly namespace: string;
  stop(): Promise<void>;
}

/** A whole server: schedules, lists, updates. Time passes as it does. */
export async function startThrowawayTemporal(searchAttributes: SearchAttributes = []): Promise<ThrowawayTemporal> {
  const { file } = await findOrFetch(TEMPORAL, fetching);
  return await guarded(file, TEMPORAL_NAMESPACE, searchAttributes, (path) =>
    TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, namespace: TEMPORAL_NAMESPACE },
    }),
  );
}

/** Skips to the next timer while somebody awaits a result. One clock for all its workflows, no schedules, no lists. */
export async function startTimeSkippingTemporal(searchAttributes: SearchAttributes = []): Promise<ThrowawayTemporal> {
  const { file } = await findOrFetch(TEST_SERVER, fetching);
  return await guarded(file, 'default', searchAttributes, (path) =>
    TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } }),
  );
}

async function guarded(
  program: string,
  namespace: string,
  searchAttributes: SearchAttributes,
  start: (executable: string) => Promise<TestWorkflowEnvironment>,
): Promise<ThrowawayTemporal> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-temporal-'));
  const guardian = guard(folder, program);
  const farewell = async () => {
    guardian.ref();
    const gone = once(guardian, 'exit');
    guardian.stdin.end();
    await gone;
  };
  try {
    const environment = await start(executableIn(folder, program));
    await declareSearchAttributes(environment.address, searchAttributes, namespace);
    return {
      environment,
      namespace,
      async stop() {
        await environment.teardown();
        await farewell();
      },
    };
  } catch (error) {
    const log = join(folder, 'log');
    const said = existsSync(log) ? readFileSync(log, 'utf8') : 'nothing';
    await farewell();
    throw new Error(`${error instanceof Error ? error.message : error}; it said: ${said}`, { cause: error });
  }
}

/** The SDK starts the server, tells nobody its pid and gives it our stdout: what it starts mends that and becomes the server. */
function executableIn(folder: string, program: string): string {
  const executable = join(folder, 'server.sh');
  writeFileSync(executable, `#!/bin/sh\necho $$ >'${folder}/pid'\nexec '${program}' "$@" >'${folder}/log' 2>&1\n`, {
    mode: 0o755,
  });
  return executable;
}

// Waits for the end of its input, which comes with stop() or the death of this process, even by kill -9. A pid is believed only
// when its command line names the program: numbers are used again.
const FAREWELL = `
  cat >/dev/null
  pid=$(cat "$1/pid" 2>/dev/null)
  case "$(tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || ps -o command= -p "$pid")" in *"$2"*) kill -9 "$pid" ;; esac
  rm -rf "$1"`;

function guard(folder: string, program: string) {
  const guardian = spawn('sh', ['-c', FAREWELL, 'guardian', folder, program], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  if (guardian.stdin instanceof Socket) guardian.stdin.unref();
  return guardian;
}
