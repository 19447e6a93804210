// How gateways learn what the others counted: one pipeline to Redis every 100 ms, or sooner when a rate is nearly used up.
// Each gateway keeps one hash with the absolute counts of its scopes and reads the same fields of the others' hashes. Absolute,
// not increments: a write whose answer was lost may be repeated, and after a restart of Redis nothing counts twice.
// The hash expires when its gateway stops renewing it, which frees the concurrent requests of a gateway that died.
import { newRateWindow, type RateWindow } from '../../domain/rate-window.ts';
import type { RedisCommand, RedisLink } from '../platform/redis.ts';
import { type ScopeWindow, together } from './scope-window.ts';

const INTERVAL_MS = 100;
const HURRIED_INTERVAL_MS = 20;
const PRESENCE_MS = 3_000;
const RENEWAL_ROUNDS = 10;
// A scope that was quiet has accounts that settle anew: first everybody's first counts must have gone round.
const ROUNDS_TO_SETTLE = 2;
const LARGEST_BATCH = 4_096;
const GATEWAYS = 'tollgate:gateways';
/** The field that every hash has: without it the gateway is gone. */
const PRESENCE = '';

interface Message {
  readonly batch: readonly ScopeWindow[];
  readonly others: readonly string[];
  /** Everything this gateway has, instead of what changed. */
  readonly isWhole: boolean;
  readonly commands: readonly RedisCommand[];
}

export class WindowExchange {
  /** Gateways that are alive, this one included. */
  gateways = 1;
  /** Grows when Redis is lost: what was learned before no longer counts. */
  epoch = 0;
  readonly #redis: RedisLink;
  readonly #incarnation: string;
  readonly #timer: NodeJS.Timeout;
  #windows: ReadonlyMap<string, ScopeWindow> = new Map();
  #others: readonly string[] = [];
  #dead: readonly string[] = [];
  #dirty: ScopeWindow[] = [];
  #pruned: string[] = [];
  #waiting: (() => void)[] = [];
  #round = 0;
  #renewedRound = Number.NEGATIVE_INFINITY;
  /** Redis does not have what this gateway told it: all of it goes into the next message. */
  #mustTellAll = true;
  #running: Promise<void> | null = null;
  #hurried: NodeJS.Timeout | null = null;
  #endedAtMs = 0;

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
    if (window.isDirty) return;
    window.isDirty = true;
    if (this.#round - window.touchedRound > ROUNDS_TO_SETTLE) window.busySinceRound = this.#round;
    window.touchedRound = this.#round;
    this.#dirty.push(window);
  }

  forget(id: string): void {
    this.#pruned.push(id);
  }

  hurry(): void {
    if (this.#hurried !== null || this.#running !== null) return;
    const waitMs = Math.max(this.#endedAtMs + HURRIED_INTERVAL_MS - performance.now(), 0);
    this.#hurried = setTimeout(() => {
      this.#hurried = null;
      this.#start(false);
    }, waitMs).unref();
  }

  /** When the counts of this moment have been exchanged, or could not be. */
  exchanged(): Promise<void> {
    const done = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.hurry();
    return done;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#hurried !== null) clearTimeout(this.#hurried);
    await this.#running;
    await this.#redis.run([
      ['del', hashOf(this.#incarnation)],
      ['srem', GATEWAYS, this.#incarnation],
    ]);
  }

  #tick(): void {
    this.#round += 1;
    const hasNews = this.#dirty.length + this.#pruned.length + this.#waiting.length > 0;
    if (hasNews || this.#mustTellAll || this.#round - this.#renewedRound >= RENEWAL_ROUNDS) this.#start(true);
  }

  #start(isRegular: boolean): void {
    if (this.#running !== null) return;
    this.#renewedRound = this.#round;
    this.#running = this.#exchange(isRegular).finally(() => {
      this.#running = null;
      this.#endedAtMs = performance.now();
      if (this.#waiting.length > 0) this.hurry();
    });
  }

  async #exchange(isRegular: boolean): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const round = this.#round;
    const message = this.#compose();
    const replies = await this.#redis.run(message.commands);
    if (replies === null) this.#lose();
    else this.#learn(message, replies, isRegular ? round : null);
    for (const resolve of waiting) resolve();
  }

  #compose(): Message {
    const isWhole = this.#mustTellAll;
    this.#mustTellAll = false;
    if (isWhole) for (const window of this.#windows.values()) this.touch(window);
    const batch = this.#dirty;
    this.#dirty = batch.splice(LARGEST_BATCH);
    const others = this.#others;
    const hash = hashOf(this.#incarnation);
    const ids = batch.map((window) => window.id);
    const commands: RedisCommand[] = [['exists', hash]];
    if (isWhole) commands.push(['del', hash]);
    else if (this.#pruned.length > 0) commands.push(['hdel', hash, ...this.#pruned]);
    commands.push(['hset', hash, PRESENCE, '', ...batch.flatMap(fieldOf)], ['pexpire', hash, PRESENCE_MS]);
    if (this.#dead.length > 0) commands.push(['srem', GATEWAYS, ...this.#dead]);
    commands.push(['sadd', GATEWAYS, this.#incarnation], ['smembers', GATEWAYS]);
    for (const other of others) commands.push(['hmget', hashOf(other), PRESENCE, ...ids]);
    this.#pruned = [];
    for (const window of batch) window.publish();
    return { batch, others, isWhole, commands };
  }

  /** Without Redis every gateway counts alone, and does so at once. */
  #lose(): void {
    this.epoch += 1;
    this.gateways = 1;
    this.#others = [];
    this.#dead = [];
    this.#mustTellAll = true;
  }

  #learn(
    { batch, others, isWhole, commands }: Message,
    replies: readonly unknown[],
    settledRound: number | null,
  ): void {
    if (!isWhole && replies[0] === 0) this.#mustTellAll = true;
    const shares = replies.slice(commands.length - others.length).map(listOf);
    this.#dead = others.filter((_, index) => shares[index]?.[0] === null);
    const members = listOf(replies[commands.length - others.length - 1]).map(String);
    this.#others = members.filter((member) => member !== this.#incarnation && !this.#dead.includes(member));
    this.gateways = this.#others.length + 1;
    for (const [index, window] of batch.entries()) {
      const isSettled = settledRound !== null && settledRound - window.busySinceRound >= ROUNDS_TO_SETTLE;
      learnWindow(window, shares, index + 1, isSettled);
    }
  }
}

function learnWindow(
  window: ScopeWindow,
  shares: readonly (readonly unknown[])[],
  at: number,
  isSettled: boolean,
): void {
  let requests = NOTHING;
  let tokens = NOTHING;
  let open = 0;
  let sharers = 1;
  for (const share of shares) {
    const field = share[at];
    if (typeof field !== 'string') continue;
    const told = parseField(field);
    requests = together(requests, told.requests);
    tokens = together(tokens, told.tokens);
    open += told.open;
    const isInUse = told.open > 0 || told.requests.minute >= window.requests.own.minute - 1;
    if (isInUse) sharers += 1;
  }
  window.learn(requests, tokens, open);
  if (isSettled) window.settle(sharers);
}

const NOTHING = newRateWindow(0);

function fieldOf({ id, requests, tokens, open }: ScopeWindow): [string, string] {
  const [r, t] = [requests.own, tokens.own];
  return [id, `${r.minute} ${r.current} ${r.previous} ${t.minute} ${t.current} ${t.previous} ${open.own}`];
}

function parseField(field: string): { requests: RateWindow; tokens: RateWindow; open: number } {
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
