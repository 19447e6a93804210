// Everything that a campaign does to the product, as it does it: what the oracle explains orphans with, and what the last line counts.
import { appendFileSync, writeFileSync } from 'node:fs';

export interface KillEvent {
  readonly at: number;
  /** Later than `at` for what was paused or slow. */
  readonly untilMs: number;
  readonly target:
    | 'gateway'
    | 'supervisor'
    | 'postgres'
    | 'redis'
    | 'demo'
    | 'link'
    | 'worker'
    | 'temporal'
    | 'objects';
  readonly what: 'SIGKILL' | 'SIGSTOP' | 'slow' | 'paused';
  /** 0: not one process. */
  readonly pid: number;
  /** The crash point at which it killed itself. */
  readonly point: string | null;
}

export class KillLog {
  readonly file: string;
  readonly events: KillEvent[] = [];

  constructor(file: string) {
    this.file = file;
    writeFileSync(file, '');
  }

  add(event: KillEvent): void {
    this.events.push(event);
    appendFileSync(this.file, `${JSON.stringify(event)}\n`);
  }

  killed(target: KillEvent['target'], pid: number): void {
    const at = Date.now();
    this.add({ at, untilMs: at, target, what: 'SIGKILL', pid, point: null });
  }

  get kills(): number {
    return this.events.filter(({ what }) => what === 'SIGKILL').length;
  }
}
