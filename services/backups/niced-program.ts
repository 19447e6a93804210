// A program of PostgreSQL's that works while customers are served: niced, without anything of our environment, and gone when we are
// done with it, however that comes about.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { BackupRejected } from './rejection.ts';

const NICENESS = '10';
/** Where `nice` is, and a shell. PostgreSQL's own programs are named whole. */
const STANDARD_PATH = '/usr/local/bin:/usr/bin:/bin';
/** The end of what it complains of, which says most. */
const COMPLAINT_CHARACTERS = 600;

interface NicedProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** As whom it runs, where it may not run as root. */
  readonly as?: { readonly uid: number; readonly gid: number } | null;
  readonly folder?: string;
  /** Told at once of its process, for whoever ends it when ours dies. */
  readonly begun?: (pid: number) => void;
}

interface Streams {
  readonly input: Writable;
  /** All it says, which ends in an error where the program does: half of it is never taken for the whole. */
  readonly output: () => AsyncGenerator<Uint8Array>;
}

/** Ends it when `work` has failed. @throws BackupRejected when it ends with a complaint */
export async function withProgram<T>(program: NicedProgram, work: (streams: Streams) => Promise<T>): Promise<T> {
  const child = startNiced(program);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-COMPLAINT_CHARACTERS);
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  ended.catch(() => undefined);
  const complain = () => complained(program, child.exitCode, complaint);
  async function* output() {
    yield* child.stdout;
    await ended;
    if (child.exitCode !== 0) throw complain();
  }
  let result: T;
  try {
    result = await work({ input: child.stdin, output });
    child.stdout.resume();
  } catch (error) {
    // It may be why: a pipe that broke says less than who broke it.
    const hasEndedItself = child.exitCode !== null || isBrokenPipe(error);
    if (!hasEndedItself) child.kill('SIGKILL');
    child.stdout.destroy();
    await ended;
    throw hasEndedItself && child.exitCode !== 0 ? complain() : error;
  }
  await ended;
  if (child.exitCode !== 0) throw complain();
  return result;
}

/** One that has nothing to say but whether it succeeded. */
export async function runProgram(program: NicedProgram): Promise<void> {
  await withProgram(program, async ({ input }) => {
    input.end();
  });
}

export function startNiced({ command, args, env = {}, as = null, folder = '/', begun }: NicedProgram) {
  const child = spawn('nice', ['-n', NICENESS, command, ...args], {
    cwd: folder,
    env: { PATH: STANDARD_PATH, TZ: 'UTC', LC_ALL: 'C', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(as === null ? {} : { uid: as.uid, gid: as.gid }),
  });
  if (child.pid !== undefined) begun?.(child.pid);
  child.on('error', () => undefined); // whoever waits for its end hears of it, as whoever writes of the next
  child.stdin.on('error', () => undefined);
  return child satisfies ChildProcess;
}

function isBrokenPipe(error: unknown): boolean {
  return ['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(String(Object(error).code));
}

function complained({ command }: NicedProgram, code: number | null, complaint: string): BackupRejected {
  const lines = complaint.trim().split('\n');
  const said = lines.find((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? '';
  return new BackupRejected(`${command} ended with ${code ?? 'a signal'}: ${said}`);
}
