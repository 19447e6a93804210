// How gateways learn what the others counted: one pipeline to Redis every 100 ms, in which each of them writes its own counts and
// reads the others'. Nobody waits for it. Absolute counts, not increments: a write whose answer was lost may be repeated, and
// after a restart of Redis nothing counts twice.
// A gateway has one hash, and it expires when its gateway stops renewing it: that frees the slots of a gateway that died.
import { type RateWindow, together } from '../../domain/rate-window.ts';
import type { RedisCommand, RedisLink } from '../platform/redis.ts';
import { type Counts, NOTHING, type ScopeWindow } from './scope-window.ts';

const INTERVAL_MS = 100;
const PRESENCE_MS = 3_000;
const RENEWAL_ROUNDS = 10;
const LARGEST_BATCH = 4_096;
const GATEWAYS = 'tollgate:gateways';
/** The field that every hash has: without it the gateway is gone. */
const PRESENCE = '';

interface Message {
  readonly batch: readonly ScopeWindow[];
  readonly others: readonly string[];
  /** It makes the hash of this gateway anew, whatever was in it. */
  readonly isFirst: boolean;
  readonly commands: readonly RedisCommand[];
}

export class WindowExchange {
  readonly #redis: RedisLink;
  readonly #incarnation: string;
  readonly #timer: NodeJS.Timeout;
  #windows: ReadonlyMap<string, ScopeWindow> = new Map();
  #others: readonly string[] = [];
  #dead: readonly string[] = [];
  /** Scopes of the next message. */
  readonly #due = new Set<ScopeWindow>();
  #forgotten: string[] = [];
  /** Redis does not have what this gateway told it: all of it must be told again. */
  #isUnheard = true;
  #roundsSinceMessage = 0;
  #running: Promise<void> | null = null;

  constructor(redis: RedisLink, incarnation: string) {
    this.#redis = redis;
    this.#incarnation = incarnation;
    redis.onLost(() => this.#lose());
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS).unref();
  }

  attach(windows: ReadonlyMap<string, ScopeWindow>): void {
    this.#windows = windows;
  }

  /** Its counts have changed, or it was asked for and the others' counts matter. */
  touch(window: ScopeWindow): void {
    this.#due.add(window);
  }

  forget(window: ScopeWindow): void {
    this.#due.delete(window);
    this.#forgotten.push(window.id);
  }

  /** What it counted goes with it; its slots are free at once. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    await this.#redis.run([
      ['del', hashOf(this.#incarnation)],
      ['srem', GATEWAYS, this.#incarnation],
    ]);
  }

  #tick(): void {
    this.#roundsSinceMessage += 1;
    const hasNews = this.#due.size + this.#forgotten.length > 0 || this.#isUnheard;
    if (this.#running !== null || !(hasNews || this.#roundsSinceMessage >= RENEWAL_ROUNDS)) return;
    this.#roundsSinceMessage = 0;
    this.#running = this.#exchange().finally(() => {
      this.#running = null;
    });
  }

  async #exchange(): Promise<void> {
    // The first command is the one that connects; there is no sense in writing a long one that cannot be sent.
    if (!this.#redis.isUp()) {
      await this.#redis.run([['ping']]);
      return;
    }
    const message = this.#compose();
    const replies = await this.#redis.run(message.commands);
    if (replies !== null && this.#redis.isUp()) this.#learn(message, replies);
    else this.#lose();
  }

  #compose(): Message {
    const isFirst = this.#isUnheard;
    if (isFirst) this.#touchAll();
    this.#isUnheard = false;
    const batch = [...this.#due].slice(0, LARGEST_BATCH);
    for (const window of batch) this.#due.delete(window);
    const others = this.#others;
    const hash = hashOf(this.#incarnation);
    const commands: RedisCommand[] = [
      ['exists', hash],
      ['sadd', GATEWAYS, this.#incarnation],
      ['smembers', GATEWAYS],
    ];
    if (this.#dead.length > 0) commands.push(['srem', GATEWAYS, ...this.#dead]);
    if (isFirst) commands.push(['del', hash]);
    else if (this.#forgotten.length > 0) commands.push(['hdel', hash, ...this.#forgotten]);
    commands.push(['hset', hash, PRESENCE, '', ...batch.flatMap((window) => [window.id, told(window)])]);
    commands.push(['pexpire', hash, PRESENCE_MS]);
    const ids = batch.map(({ id }) => id);
    for (const other of others) commands.push(['hmget', hashOf(other), PRESENCE, ...ids]);
    this.#forgotten = [];
    return { batch, others, isFirst, commands };
  }

  #learn({ batch, others, isFirst, commands }: Message, replies: readonly unknown[]): void {
    const [existed, , members] = replies;
    // It expired while this gateway was paused, or somebody emptied Redis.
    if (existed === 0 && !isFirst) this.#isUnheard = true;
    const hashes = replies.slice(commands.length - others.length).map(listOf);
    this.#dead = others.filter((_, index) => hashes[index]?.[0] === null);
    this.#others = listOf(members)
      .map(String)
      .filter((member) => member !== this.#incarnation && !this.#dead.includes(member));
    if (this.#others.some((other) => !others.includes(other))) this.#touchAll(); // nobody has read its counts yet
    for (const [index, window] of batch.entries()) {
      window.others = hashes.map((hash) => heard(hash[index + 1])).reduce(plus, NOTHING);
      // Only a request in flight can give back what was counted for it. Without this look at every exchange, the first
      // request here would be refused for slots that are long free.
      if (window.others.open > 0 && this.#windows.get(window.id) === window) this.#due.add(window);
    }
  }

  #touchAll(): void {
    for (const window of this.#windows.values()) this.#due.add(window);
  }

  /** Without Redis every gateway counts alone, and does so at once. */
  #lose(): void {
    this.#isUnheard = true;
    this.#others = [];
    this.#dead = [];
    for (const window of this.#windows.values()) window.others = NOTHING;
  }
}

function plus(a: Counts, b: Counts): Counts {
  return {
    requests: together(a.requests, b.requests),
    tokens: together(a.tokens, b.tokens),
    open: a.open + b.open,
  };
}

function told({ requests, tokens, open }: Counts): string {
  return `${printed(requests)} ${printed(tokens)} ${open}`;
}

function printed({ minute, current, previous }: RateWindow): string {
  return `${minute} ${current} ${previous}`;
}

function heard(field: unknown): Counts {
  if (typeof field !== 'string') return NOTHING;
  const [minute = 0, current = 0, previous = 0, tokenMinute = 0, tokenCurrent = 0, tokenPrevious = 0, open = 0] = field
    .split(' ')
    .map(Number);
  return {
    requests: { minute, current, previous },
    tokens: { minute: tokenMinute, current: tokenCurrent, previous: tokenPrevious },
    open,
  };
}

function hashOf(incarnation: string): string {
  return `tollgate:gateway:${incarnation}`;
}

function listOf(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}
