// A real Redis of its own for a test: nothing on disk, killed, stopped and restarted at will on the same port, gone with the test.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { freePort } from './free-port.ts';

export interface ThrowawayRedis {
  readonly url: string;
  kill(signal: NodeJS.Signals): void;
  /** Empty, same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startThrowawayRedis(): Promise<ThrowawayRedis> {
  const port = await freePort();
  let server = await boot(port);
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: (signal) => void server.kill(signal),
    async restart() {
      await end(server);
      server = await boot(port);
    },
    stop: () => end(server),
  };
}

/** Whichever of the two this machine has. */
export function redisProgram(): string {
  const program = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (program === undefined)
    throw new Error('neither redis-server nor valkey-server is on PATH: apt install redis-server');
  return program;
}

async function boot(port: number): Promise<ChildProcess> {
  const program = redisProgram();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn(program, settings, { stdio: ['ignore', 'pipe', 'ignore'] });
  guard(server, port);
  let log = '';
  const ready = new Promise<'ready'>((resolve) => {
    server.stdout.setEncoding('utf8').on('data', (lines: string) => {
      log = (log + lines).slice(-8_000);
      if (log.includes('Ready to accept connections')) resolve('ready');
    });
  });
  const outcome = await Promise.race([ready, once(server, 'exit')]);
  if (outcome !== 'ready') throw new Error(`${program} did not start:\n${log}`);
  // Not before: in a process with nothing else to do, nobody would be left to hear that Redis is ready.
  server.unref();
  if (server.stdout instanceof Socket) server.stdout.unref();
  return server;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.ref();
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}

// Waits for the end of its input, which comes with the death of this process, even by kill -9. A pid is believed only when
// its command line names the port: numbers are used again.
const FAREWELL = `
  cat >/dev/null
  case "$(tr '\\0' ' ' <"/proc/$1/cmdline" 2>/dev/null || ps -o command= -p "$1")" in *"$2"*) kill -9 "$1" ;; esac`;

function guard({ pid }: ChildProcess, port: number): void {
  const guardian = spawn('sh', ['-c', FAREWELL, 'guardian', String(pid), String(port)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  if (guardian.stdin instanceof Socket) guardian.stdin.unref();
}
