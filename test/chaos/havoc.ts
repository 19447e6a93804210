// What is broken beside the crash points, in an order that the seed decides: gateways, PostgreSQL, Redis and the demo provider are
// killed, gateways are paused, PostgreSQL becomes slow and falls silent. Each blow is logged at the moment it falls.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Blows } from './campaign-order.ts';
import { clientConnections } from './client-connections.ts';
import { Gateways } from './gateways.ts';
import type { KillLog } from './kill-log.ts';
import type { Load } from './load.ts';
import type { Product } from './product.ts';
import { shuffled } from './seeded-dice.ts';

type Blow = () => Promise<void>;

const BUSY_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;
const POSTGRES_DOWN_MS = 1_500;
const SLOW_LEAST_MS = 300;
const SLOW_MOST_MS = 2_000;
/** A crash sweep that waits for spills gets them this long, then a rest in which new gateways can start. */
const SPILLING_MS = 6_000;
const RESTING_MS = 4_000;

export class Havoc {
  readonly #product: Product;
  readonly #gateways: Gateways;
  readonly #load: Load;
  readonly #killLog: KillLog;
  readonly #dice: () => number;
  readonly #paused = new Set<number>();
  /** Only one thing happens to the link or to PostgreSQL at a time. */
  #database: Promise<void> = Promise.resolve();

  constructor(product: Product, load: Load, killLog: KillLog, dice: () => number) {
    this.#product = product;
    this.#gateways = new Gateways(product.database.urlFor('readonly'));
    this.#load = load;
    this.#killLog = killLog;
    this.#dice = dice;
  }

  /** Beside a crash sweep: only what leaves requests under way, so that whoever dies at a point takes some with it. */
  async runGently(blows: Blows): Promise<void> {
    await this.#strike(
      [...times(blows.gateways >> 1, () => this.#killGateway(blows)), ...this.#serviceKills('redis', blows)],
      blows,
    );
  }

  /** With nothing deployed meanwhile: a gateway that is paused would not hear that it is to leave. */
  async run(blows: Blows): Promise<void> {
    const hard = [
      ...times(blows.gateways - (blows.gateways >> 1), () => this.#killGateway(blows)),
      ...times(blows.postgres, () => this.#onDatabase(() => this.#killPostgres())),
      ...this.#serviceKills('demo', blows),
      ...blows.slowSeconds.map((seconds) => () => this.slowDown(seconds * 1_000)),
      ...blows.silentSeconds.map((seconds) => () => this.#onDatabase(() => this.#silence(seconds * 1_000))),
    ];
    await Promise.all([this.#strike(hard, blows), this.#pauseGateways(blows.pausedSeconds)]);
  }

  /** While the condition holds, PostgreSQL is slow more often than not. */
  async spillWhile(needed: () => boolean, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      if (needed()) await this.slowDown(SPILLING_MS);
      await wait(RESTING_MS);
    }
  }

  slowDown(durationMs: number): Promise<void> {
    return this.#onDatabase(async () => {
      this.#product.link.become({ kind: 'slow', leastMs: SLOW_LEAST_MS, mostMs: SLOW_MOST_MS, dice: this.#dice });
      this.#log('link', 'slow', 0, durationMs);
      await wait(durationMs);
      this.#product.link.become({ kind: 'good' });
    });
  }

  /** Whatever a run that ended early left broken. */
  heal(): void {
    this.#product.link.become({ kind: 'good' });
    for (const pid of this.#paused) signal(pid, 'SIGCONT');
  }

  async #strike(blows: readonly Blow[], { betweenMs }: Blows): Promise<void> {
    for (const blow of shuffled(blows, this.#dice)) {
      await blow();
      await wait(betweenMs * (0.5 + this.#dice()));
    }
  }

  #serviceKills(name: 'redis' | 'demo', blows: Blows): Blow[] {
    return times(blows[name], () => this.#killService(name));
  }

  async #silence(durationMs: number): Promise<void> {
    this.#product.link.become({ kind: 'paused' });
    this.#log('link', 'paused', 0, durationMs);
    await wait(durationMs);
    this.#product.link.become({ kind: 'good' });
  }

  async #killGateway({ requestsHit }: Blows): Promise<void> {
    await this.#load.inFlight(requestsHit);
    const pid = await this.#busyGateway(requestsHit);
    if (pid !== null && signal(pid, 'SIGKILL')) this.#killLog.killed('gateway', pid);
  }

  async #pauseGateways(seconds: readonly number[]): Promise<void> {
    for (const one of seconds) await this.#pauseGateway(one * 1_000);
  }

  async #pauseGateway(durationMs: number): Promise<void> {
    const pid = await this.#stopGateway();
    if (pid === null) return;
    this.#paused.add(pid);
    this.#log('gateway', 'SIGSTOP', pid, durationMs);
    await wait(durationMs);
    signal(pid, 'SIGCONT');
    this.#paused.delete(pid);
  }

  /** Right after a deployment those that PostgreSQL knows of may be gone, and the new ones not there yet. */
  async #stopGateway(): Promise<number | null> {
    const deadlineMs = performance.now() + BUSY_WITHIN_MS;
    while (performance.now() < deadlineMs) {
      const pid = await this.#anyGateway();
      if (pid !== null && signal(pid, 'SIGSTOP')) return pid;
      await wait(LOOK_EVERY_MS);
    }
    return null;
  }

  /** A blow that hits nobody proves nothing: it waits for a gateway with requests enough, and is not struck when there is none. */
  async #busyGateway(requests: number): Promise<number | null> {
    const ports = new Set(this.#product.installations.map(({ url }) => Number(new URL(url).port)));
    const deadlineMs = performance.now() + BUSY_WITHIN_MS;
    while (performance.now() < deadlineMs) {
      const pid = await this.#anyGateway();
      if (pid !== null && clientConnections(pid, ports) > requests) return pid;
      await wait(LOOK_EVERY_MS);
    }
    return null;
  }

  /** One that is paused is left alone: what a pause does is to be seen to its end. */
  async #anyGateway(): Promise<number | null> {
    const awake = (await this.#gateways.alive()).filter((pid) => !this.#paused.has(pid));
    return awake[Math.floor(this.#dice() * awake.length)] ?? null;
  }

  async #killPostgres(): Promise<void> {
    this.#product.postgres.kill('SIGKILL');
    this.#killLog.killed('postgres', 0);
    await wait(POSTGRES_DOWN_MS);
    await this.#product.postgres.restart();
  }

  /** Redis is emptied first, so that there is a moment in which it runs and knows nothing (M11). */
  async #killService(name: 'redis' | 'demo'): Promise<void> {
    if (name === 'redis') await emptied(this.#product.redisUrl);
    const service = this.#product[name];
    this.#killLog.killed(name, service.pid);
    service.kill('SIGKILL');
  }

  #onDatabase(work: Blow): Promise<void> {
    this.#database = this.#database.then(work);
    return this.#database;
  }

  #log(target: 'gateway' | 'link', what: 'SIGSTOP' | 'slow' | 'paused', pid: number, durationMs: number): void {
    const at = Date.now();
    this.#killLog.add({ at, untilMs: at + durationMs, target, what, pid, point: null });
  }
}

function times(count: number, blow: Blow): Blow[] {
  return Array.from({ length: count }, () => blow);
}

/** One that is only just coming back is empty already. */
async function emptied(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl, { retryStrategy: null, lazyConnect: true });
  redis.on('error', () => undefined); // connect() says it
  await redis.connect().then(
    () => redis.flushall(),
    () => undefined,
  );
  redis.disconnect();
}

/** False: it was gone already. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
