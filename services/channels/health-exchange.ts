// What one gateway found out about an upstream, all of them know within a second, and the next one that starts knows it, too
// (gateways.md T51): open breakers and dead keys stand in one hash in Redis. Whoever changes its mind writes, and the last word
// holds (D11). Without Redis each gateway finds out for itself.
import type { RedisCommand, RedisLink } from '../platform/redis.ts';
import type { ChannelHealth } from './channel-health.ts';
import type { Lockout } from './channel-state.ts';

const INTERVAL_MS = 250;
/** Longer than the longest lock-out: what nobody writes for so long has no meaning left. */
const KEPT_MS = 7_200_000;
const HEALTH = 'tollgate:channel-health';

/** Here by this process's clock, there as it stands in Redis. Neither changes while the other's clock is corrected. */
interface Agreed {
  readonly here: Lockout | null;
  readonly there: string;
}

interface Clock {
  /** PostgreSQL's time: the same in all gateways. */
  timeMs(): number;
  /** What ChannelHealth reckons in. */
  nowMs(): number;
}

export class HealthExchange {
  readonly #redis: RedisLink;
  readonly #health: ChannelHealth;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  readonly #agreed = new Map<string, Agreed>();
  #running: Promise<void> | null = null;

  constructor(redis: RedisLink, health: ChannelHealth, clock: Clock) {
    this.#redis = redis;
    this.#health = health;
    this.#clock = clock;
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #tick(): void {
    this.#running ??= this.#exchange().finally(() => {
      this.#running = null;
    });
  }

  async #exchange(): Promise<void> {
    const replies = await this.#redis.run([['hgetall', HEALTH]]);
    if (replies === null) return;
    const there = fieldsOf(replies[0]);
    const news = this.#news(there);
    for (const [name, text] of there) if (!news.has(name)) this.#hear(name, text);
    if (news.size === 0) return;
    const fields = [...news].flatMap(([name, { there: text }]) => [name, text]);
    const commands: RedisCommand[] = [
      ['hset', HEALTH, ...fields],
      ['pexpire', HEALTH, KEPT_MS],
    ];
    if ((await this.#redis.run(commands)) === null) return; // told again in the next round
    for (const [name, agreed] of news) this.#agreed.set(name, agreed);
  }

  /** What changed here since it was agreed on, and what Redis has lost. */
  #news(there: ReadonlyMap<string, string>): Map<string, Agreed> {
    const news = new Map<string, Agreed>();
    for (const [name, lockout] of this.#health.lockouts()) {
      const agreed = this.#agreed.get(name);
      const isForgotten = lockout !== null && agreed !== undefined && !there.has(name);
      if (isForgotten || !isSame(lockout, agreed?.here ?? null)) {
        news.set(name, { here: lockout, there: this.#told(lockout) });
      }
    }
    return news;
  }

  #hear(name: string, text: string): void {
    if (this.#agreed.get(name)?.there === text) return;
    const here = this.#heard(text);
    this.#agreed.set(name, { here, there: text });
    this.#health.lockOut(name, here);
  }

  #told(lockout: Lockout | null): string {
    if (lockout === null) return '';
    return `${Math.round(lockout.untilMs + this.#shiftMs())} ${lockout.waitMs}`;
  }

  #heard(text: string): Lockout | null {
    const [untilMs = Number.NaN, waitMs = Number.NaN] = text.split(' ').map(Number);
    return untilMs > 0 && waitMs > 0 ? { untilMs: untilMs - this.#shiftMs(), waitMs } : null;
  }

  #shiftMs(): number {
    return this.#clock.timeMs() - this.#clock.nowMs();
  }
}

function isSame(a: Lockout | null, b: Lockout | null): boolean {
  return a?.untilMs === b?.untilMs && a?.waitMs === b?.waitMs;
}

function fieldsOf(reply: unknown): Map<string, string> {
  const fields = typeof reply === 'object' && reply !== null ? Object.entries(reply) : [];
  return new Map(fields.map(([name, text]) => [name, String(text)]));
}
