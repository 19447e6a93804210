// Lets gateways die at every named point of a request's life, often enough each, and supervisors while they recover a dead one. An installation is armed with one point at a time
// and restarted in order for the next, so the sweep is also a series of deployments under load.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { CrashPoint } from '../../services/platform/crash-points.ts';
import type { Sweep } from './campaign-order.ts';
import type { KillLog } from './kill-log.ts';
import { answers, type Installation, type Product } from './product.ts';

/**
 * A process dies when it passes the point for the nth time: a gateway late enough to have as many requests as the others, a
 * supervisor at its second recovery, so that each of its lives recovers one.
 */
const DIES_AT: Readonly<Record<CrashPoint, number>> = {
  'before-send': 600,
  'mid-stream': 3_500,
  'after-upstream-end': 400,
  'before-commit': 250,
  'in-commit': 250,
  'after-commit': 250,
  'before-last-byte': 600,
  'in-recovery': 2,
  'in-spill': 3,
  'in-replay': 2,
};
const DIES_IN_SUPERVISOR: CrashPoint = 'in-recovery';
/** For something to be recovered: no gateway, spilling or not, gets past it. */
const DIES_BEFORE: CrashPoint = 'before-send';

/** Only a PostgreSQL that answers late makes a gateway spill. */
const NEEDS_SPILLS: ReadonlySet<CrashPoint> = new Set(['in-spill', 'in-replay']);
const LOOK_EVERY_MS = 100;

export class CrashSweep {
  readonly #product: Product;
  readonly #killLog: KillLog;
  readonly #armed = new Map<Installation, CrashPoint>();
  #linesRead = 0;
  /** One installation at a time, as operators deploy. */
  #deployments: Promise<void> = Promise.resolve();

  constructor(product: Product, killLog: KillLog) {
    this.#product = product;
    this.#killLog = killLog;
  }

  /** Some gateway waits for a spill to die in. */
  get needsSpills(): boolean {
    return [...this.#armed.values()].some((point) => NEEDS_SPILLS.has(point));
  }

  hitsOf(point: string): number {
    return this.#killLog.events.filter((event) => event.point === point).length;
  }

  /** Resolves when every point was hit that often, or had its time, on a slow machine twice. */
  async run({ points, hits, secondsPerPoint }: Sweep): Promise<void> {
    const queue = [...points];
    const again = new Set<CrashPoint>();
    await Promise.all(
      this.#product.installations.map(async (installation) => {
        for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
          await this.#arm(installation, point);
          await this.#untilHit(point, hits, performance.now() + secondsPerPoint * 1_000);
          if (this.hitsOf(point) >= hits || again.has(point)) continue;
          again.add(point);
          queue.push(point);
        }
        if (points.length > 0) await this.#arm(installation, null);
      }),
    );
  }

  #arm(installation: Installation, point: CrashPoint | null): Promise<void> {
    this.#deployments = this.#deployments.then(() => this.#deploy(installation, point));
    return this.#deployments;
  }

  async #deploy(installation: Installation, point: CrashPoint | null): Promise<void> {
    const points = point === null ? [] : point === DIES_IN_SUPERVISOR ? [DIES_BEFORE, point] : [point];
    installation.armed = Object.fromEntries(points.map((one) => [one, DIES_AT[one]]));
    // Nobody waits for spills meanwhile: PostgreSQL may answer in time.
    this.#armed.delete(installation);
    await installation.process.restart('SIGTERM');
    await answers(`${installation.url}/readyz`);
    if (point !== null) this.#armed.set(installation, point);
  }

  async #untilHit(point: CrashPoint, hits: number, deadlineMs: number): Promise<void> {
    while (this.hitsOf(point) < hits && performance.now() < deadlineMs) {
      await wait(LOOK_EVERY_MS);
      this.readCrashes();
    }
  }

  /** A process writes down where it dies before it does. */
  readCrashes(): void {
    const lines = readFileSync(this.#product.crashLog, 'utf8').split('\n').slice(0, -1);
    for (const line of lines.slice(this.#linesRead)) {
      const { point, pid, atMs }: { point: string; pid: number; atMs: number } = JSON.parse(line);
      const target = point === DIES_IN_SUPERVISOR ? 'supervisor' : 'gateway';
      this.#killLog.add({ at: atMs, untilMs: atMs, target, what: 'SIGKILL', pid, point });
    }
    this.#linesRead = lines.length;
  }
}
