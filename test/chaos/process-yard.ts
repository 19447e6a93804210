// The processes of a campaign: each comes back when it dies, as a service manager would see to it, until it is told to stop.
// A shell waits for the end of the campaign, which also kill -9 brings about, and leaves no process behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface Service {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Asked at each start: a service may come back with another one. */
  readonly env: () => NodeJS.ProcessEnv;
  readonly comesBackAfterMs: number;
}

export class ProcessYard {
  readonly #folder: string;
  readonly #groupsFile: string;
  readonly #guardian: ChildProcess;
  readonly #kept: KeptProcess[] = [];

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, 'logs'), { recursive: true });
    this.#groupsFile = join(folder, 'process-groups');
    appendFileSync(this.#groupsFile, '');
    const farewell = 'cat >/dev/null; while read group; do kill -9 "-$group"; done <"$1"';
    this.#guardian = spawn('sh', ['-c', farewell, 'guardian', this.#groupsFile], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  keep(service: Service): KeptProcess {
    const kept = new KeptProcess(service, join(this.#folder, 'logs', `${service.name}.log`), this.#groupsFile);
    this.#kept.push(kept);
    return kept;
  }

  async close(): Promise<void> {
    await Promise.all(this.#kept.map((kept) => kept.stop('SIGKILL')));
    this.#guardian.stdin?.end();
    await once(this.#guardian, 'exit');
  }
}

export class KeptProcess {
  readonly name: string;
  readonly logFile: string;
  readonly #service: Service;
  readonly #groupsFile: string;
  #child: ChildProcess;
  #wanted = true;
  /** How it died when nobody had asked it to. */
  readonly deaths: { readonly pid: number; readonly how: string }[] = [];
  #killedByUs = false;

  constructor(service: Service, logFile: string, groupsFile: string) {
    this.name = service.name;
    this.#service = service;
    this.logFile = logFile;
    this.#groupsFile = groupsFile;
    this.#child = this.#spawn();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#killedByUs = true;
    this.#child.kill(signal);
  }

  /** Stops it in order, and starts it again with the environment of now. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.stop(signal);
    this.#wanted = true;
    this.#child = this.#spawn();
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#wanted = false;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    if (signal === 'SIGKILL') process.kill(-this.pid, 'SIGKILL');
    else this.#child.kill(signal);
    await gone;
  }

  #spawn(): ChildProcess {
    const { command, args, env } = this.#service;
    const log = openSync(this.logFile, 'a');
    const child = spawn(command, args, { env: env(), detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    appendFileSync(this.#groupsFile, `${child.pid}\n`);
    this.#killedByUs = false;
    child.once('exit', (code, signal) => void this.#died(child, signal ?? `exit ${code}`));
    return child;
  }

  async #died(child: ChildProcess, how: string): Promise<void> {
    if (!this.#wanted || child !== this.#child) return;
    if (!this.#killedByUs) this.deaths.push({ pid: child.pid ?? 0, how: `${this.name} died: ${how}` });
    await wait(this.#service.comesBackAfterMs);
    // Meanwhile it may have been restarted by order.
    if (this.#wanted && child === this.#child) this.#child = this.#spawn();
  }
}
