// A part that is a process: it counts as up when its probe says so, comes back when it dies unasked, and ends when told.
// It leads a process group of its own, so Ctrl-C in the terminal does not reach it: parts stop in order, one by one.
// It writes to its log file itself: the death of the launcher takes nothing from it in the middle of its work.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ServerUser } from '../../services/platform/server-user.ts';
import type { Launch } from './home.ts';
import { forget, record } from './leftovers.ts';
import { type GroupLeader, leaderOf, stopGroup } from './process-group.ts';

const PROBE_EVERY_MS = 50;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
const LOG_TAIL_LINES = 15;

export interface ProcessPlan {
  readonly part: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly user: ServerUser | null;
  /** For what may not stand in the command line, which everybody on the machine can read. */
  readonly input: string | null;
  readonly stopSignal: NodeJS.Signals;
  readonly graceMs: number;
  readonly readyWithinMs: number;
  /** Null when it is ready, else what is missing. */
  missing(): Promise<string | null>;
}

interface Incarnation {
  readonly leader: GroupLeader;
  readonly startedAtMs: number;
  /** How it ended, in words; resolves once. */
  readonly ended: Promise<string>;
  /** The same for those who cannot wait; null while it runs. */
  readonly end: { text: string | null };
}

export class SupervisedProcess {
  /** How often it died unasked. */
  restarts = 0;
  readonly part: string;
  readonly #plan: ProcessPlan;
  readonly #launch: Launch;
  readonly #stopping = new AbortController();
  #current: Incarnation;
  #watch: Promise<void> = Promise.resolve();

  static async start(plan: ProcessPlan, launch: Launch): Promise<SupervisedProcess> {
    const log = logFile(launch.home, plan.part);
    if (existsSync(log)) renameSync(log, log.replace(/log$/, 'previous.log'));
    const process = new SupervisedProcess(plan, launch, await bringUp(plan, launch, launch.interrupted));
    process.#watch = process.#restartWheneverItDies();
    return process;
  }

  private constructor(plan: ProcessPlan, launch: Launch, first: Incarnation) {
    this.part = plan.part;
    this.#plan = plan;
    this.#launch = launch;
    this.#current = first;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await end(this.#plan, this.#launch.home, this.#current);
    await this.#watch;
  }

  async #restartWheneverItDies(): Promise<void> {
    for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS)) {
      const how = await this.#current.ended;
      if (this.#stopping.signal.aborted) return;
      if (performance.now() - this.#current.startedAtMs > LONGEST_BACKOFF_MS) backoffMs = FIRST_BACKOFF_MS;
      this.restarts += 1;
      this.#launch.say(
        this.part,
        `died (${how}); again in ${backoffMs / 1000} s; ${logFile(this.#launch.home, this.part)}`,
      );
      await end(this.#plan, this.#launch.home, this.#current);
      await wait(backoffMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      await this.#bringUpAgain();
    }
  }

  async #bringUpAgain(): Promise<void> {
    try {
      this.#current = await bringUp(this.#plan, this.#launch, this.#stopping.signal);
      this.#launch.say(this.part, 'ready again');
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#launch.say(this.part, error instanceof Error ? error.message : String(error));
    }
  }
}

/** A process that answers its probe, or an error that says why not and no process. */
async function bringUp(plan: ProcessPlan, launch: Launch, givenUp: AbortSignal): Promise<Incarnation> {
  givenUp.throwIfAborted();
  const incarnation = await spawnPart(plan, launch.home);
  try {
    await becomesReady(plan, incarnation, givenUp);
    return incarnation;
  } catch (error) {
    await end(plan, launch.home, incarnation);
    if (givenUp.aborted) throw error;
    throw new Error(`${error instanceof Error ? error.message : error}${logTail(launch.home, plan.part)}`, {
      cause: error,
    });
  }
}

async function spawnPart(plan: ProcessPlan, home: string): Promise<Incarnation> {
  const log = openSync(logFile(home, plan.part), 'a', 0o640);
  const child = spawn(plan.command, plan.args, {
    cwd: plan.folder,
    env: plan.env,
    detached: true,
    stdio: [plan.input === null ? 'ignore' : 'pipe', log, log],
    ...(plan.user === null ? {} : { uid: plan.user.uid, gid: plan.user.gid }),
  });
  closeSync(log);
  const end = { text: null as string | null };
  const ended = new Promise<string>((resolve) => {
    const tell = (text: string) => {
      end.text ??= text;
      resolve(end.text);
    };
    child.on('error', (error) => tell(error.message));
    child.on('exit', (code, signal) => tell(signal ?? `exit ${code}`));
  });
  if (child.pid === undefined) throw new Error(`${plan.part} cannot be started: ${await ended}`);
  const leader = leaderOf(child.pid);
  record(home, { ...leader, part: plan.part, stopSignal: plan.stopSignal, graceMs: plan.graceMs });
  feed(child, plan.input);
  return { leader, startedAtMs: performance.now(), ended, end };
}

function feed(child: ChildProcess, input: string | null): void {
  if (child.stdin === null || input === null) return;
  child.stdin.on('error', () => undefined); // it died before it read: its exit says so
  child.stdin.end(input);
}

async function becomesReady(plan: ProcessPlan, incarnation: Incarnation, givenUp: AbortSignal): Promise<void> {
  for (;;) {
    const missing = await plan.missing();
    givenUp.throwIfAborted();
    // Asked after the probe: another process on the same port may have answered it.
    if (incarnation.end.text !== null)
      throw new Error(`${plan.part} ended before it was ready (${incarnation.end.text})`);
    if (missing === null) return;
    if (performance.now() - incarnation.startedAtMs > plan.readyWithinMs) {
      throw new Error(`${plan.part} is not ready after ${plan.readyWithinMs / 1000} s: ${missing}`);
    }
    await Promise.race([incarnation.ended, wait(PROBE_EVERY_MS)]);
  }
}

async function end(plan: ProcessPlan, home: string, { leader }: Incarnation): Promise<void> {
  await stopGroup(leader, plan.stopSignal, plan.graceMs);
  forget(home, plan.part);
}

function logFile(home: string, part: string): string {
  return join(home, 'logs', `${part}.log`);
}

function logTail(home: string, part: string): string {
  const lines = readFileSync(logFile(home, part), 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES);
  return lines.map((line) => `\n  ${part} | ${line}`).join('');
}
