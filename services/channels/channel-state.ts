// What one process has learnt about one channel and its keys since it started. Every question is answered from memory and by
// the caller's clock; every lock-out ends by itself, by time and then by one probe (gateways.md T48).
import { allows, type Breaker, newBreaker, onAttempt, onFailure, onSuccess } from '../../domain/breaker.ts';
import { counted, newRateWindow, type RateWindow, resetMs, wouldExceed } from '../../domain/rate-window.ts';
import type { Channel, ChannelKey } from './routing-table.ts';

const FIRST_DEAD_MS = 60_000;
const MAX_DEAD_MS = 3_600_000;
const LIMITED_MS = 2_000;
const MAX_RETRY_AFTER_MS = 600_000;
// As in domain/breaker.ts: a probe that has not come back by then no longer keeps the next one away.
const PROBE_PATIENCE_MS = 30_000;
/** Nobody can tell when a request in flight ends. */
const BUSY_MS = 1_000;

/** Nobody but a probe may ask until then; the next one waits longer than this one. */
export interface Lockout {
  readonly untilMs: number;
  readonly waitMs: number;
}

export class KeyState {
  limitedUntilMs = Number.NEGATIVE_INFINITY;
  deadUntilMs = Number.NEGATIVE_INFINITY;
  /** How long it was last set aside as dead; 0 while it is believed sound. */
  deadWaitMs = 0;
  probe: object | null = null;
  #probedAtMs = 0;

  allows(nowMs: number): boolean {
    return nowMs >= this.readyAtMs();
  }

  readyAtMs(): number {
    if (this.deadWaitMs === 0) return this.limitedUntilMs;
    const probeEndsMs = this.probe === null ? Number.NEGATIVE_INFINITY : this.#probedAtMs + PROBE_PATIENCE_MS;
    return Math.max(this.limitedUntilMs, this.deadUntilMs, probeEndsMs);
  }

  /** Of a key that is believed sound nothing has to be found out. */
  beginProbe(probe: object, nowMs: number): void {
    if (this.deadWaitMs === 0) return;
    this.probe = probe;
    this.#probedAtMs = nowMs;
  }

  /** It may have ended without a verdict: then the next request probes. */
  endProbe(probe: object): void {
    if (this.probe === probe) this.probe = null;
  }

  limited(retryAfterMs: number | null, nowMs: number): void {
    this.limitedUntilMs = Math.max(
      this.limitedUntilMs,
      nowMs + Math.min(retryAfterMs ?? LIMITED_MS, MAX_RETRY_AFTER_MS),
    );
  }

  /** Stragglers that were sent before it was set aside say nothing new. */
  died(nowMs: number): void {
    if (nowMs < this.deadUntilMs) return;
    this.deadWaitMs = this.deadWaitMs === 0 ? FIRST_DEAD_MS : Math.min(this.deadWaitMs * 2, MAX_DEAD_MS);
    this.deadUntilMs = nowMs + this.deadWaitMs;
    this.probe = null;
  }

  get lockout(): Lockout | null {
    return this.deadWaitMs === 0 ? null : { untilMs: this.deadUntilMs, waitMs: this.deadWaitMs };
  }

  /** As another gateway found it out. */
  lockOut({ untilMs, waitMs }: Lockout): void {
    this.deadUntilMs = untilMs;
    this.deadWaitMs = waitMs;
    this.probe = null;
  }

  worked(): void {
    this.deadWaitMs = 0;
    this.deadUntilMs = Number.NEGATIVE_INFINITY;
    this.probe = null;
  }
}

export class ChannelState {
  inFlight = 0;
  breaker: Breaker = newBreaker();
  coolsUntilMs = Number.NEGATIVE_INFINITY;
  /** By the newest routing table; a request that runs on an older one must obey it too (T41). */
  isEnabled = true;
  readonly keys = new Map<string, KeyState>();
  #window: RateWindow | null = null;
  #turn = 0;
  #probe: object | null = null;

  /** What a newer routing table says of it. */
  adopt(channel: Channel): void {
    this.isEnabled = channel.status === 'enabled';
    const current = new Set(channel.keys.map(({ id }) => id));
    for (const id of this.keys.keys()) if (!current.has(id)) this.keys.delete(id);
  }

  keyState(channelKeyId: string): KeyState {
    let state = this.keys.get(channelKeyId);
    if (state === undefined) {
      state = new KeyState();
      this.keys.set(channelKeyId, state);
    }
    return state;
  }

  mayTakeRequest(channel: Channel, nowMs: number): boolean {
    return (
      this.isEnabled &&
      this.inFlight < channel.maxInFlight &&
      nowMs >= this.coolsUntilMs &&
      (this.breaker.kind === 'closed' || allows(this.breaker, nowMs)) &&
      !this.#isOverRate(channel, nowMs)
    );
  }

  /** The keys take turns, so that the limits of all of them are used. Whoever is on standby has none. */
  nextKey({ keys, standby }: KeysInTurn, tried: ReadonlySet<string>, nowMs: number): KeyOfChannel | null {
    for (let step = 0; step < keys.length; step += 1) {
      const key = keys[(this.#turn + step) % keys.length];
      if (key === undefined || tried.has(key.channelKey.id) || !key.state.allows(nowMs)) continue;
      this.#turn = (this.#turn + step + 1) % keys.length;
      return key;
    }
    for (const key of standby) if (!tried.has(key.channelKey.id) && key.state.allows(nowMs)) return key;
    return null;
  }

  started(channel: Channel, nowMs: number): void {
    this.inFlight += 1;
    if (channel.requestsPerMinute === null) return;
    this.#window = counted(this.#window ?? newRateWindow(nowMs), nowMs, 1);
  }

  finished(): void {
    this.inFlight -= 1;
  }

  /** When it might take a request again; 0 or less of a wait means now. */
  readyAtMs(channel: Channel, nowMs: number): number {
    let readyMs = Math.max(this.coolsUntilMs, this.inFlight < channel.maxInFlight ? nowMs : nowMs + BUSY_MS);
    if (this.breaker.kind === 'open') readyMs = Math.max(readyMs, this.breaker.untilMs);
    if (this.breaker.kind === 'probing') readyMs = Math.max(readyMs, this.breaker.sinceMs + PROBE_PATIENCE_MS);
    if (this.#window !== null && channel.requestsPerMinute !== null) {
      readyMs = Math.max(readyMs, nowMs + (resetMs(this.#window, nowMs, 1, channel.requestsPerMinute) ?? BUSY_MS));
    }
    return readyMs;
  }

  beginProbe(probe: object, nowMs: number): void {
    this.breaker = onAttempt(this.breaker, nowMs);
    if (this.breaker.kind === 'probing') this.#probe = probe;
  }

  /** Ended without a verdict (client gone, the client's own mistake, a dead key): the next request probes, at once. */
  endProbe(probe: object): void {
    if (this.#probe !== probe) return;
    this.#probe = null;
    const { breaker } = this;
    if (breaker.kind === 'probing') this.breaker = { kind: 'open', untilMs: breaker.sinceMs, waitMs: breaker.waitMs };
  }

  /** As another gateway found it out; null: it answers. */
  lockOut(lockout: Lockout | null): void {
    if (lockout !== null) this.breaker = { kind: 'open', ...lockout };
    else if (this.breaker.kind !== 'closed') this.breaker = newBreaker();
  }

  succeeded(): void {
    this.breaker = onSuccess(this.breaker);
  }

  failed(retryAfterMs: number | null, nowMs: number): void {
    this.breaker = onFailure(this.breaker, nowMs);
    if (retryAfterMs === null) return;
    this.coolsUntilMs = Math.max(this.coolsUntilMs, nowMs + Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
  }

  #isOverRate(channel: Channel, nowMs: number): boolean {
    const { requestsPerMinute } = channel;
    return (
      requestsPerMinute !== null && this.#window !== null && wouldExceed(this.#window, nowMs, 1, requestsPerMinute)
    );
  }
}

export interface KeysInTurn {
  readonly keys: readonly KeyOfChannel[];
  readonly standby: readonly KeyOfChannel[];
}

/** A key of a channel beside what is known about it, so that a pick looks nothing up. */
export interface KeyOfChannel {
  readonly channelKey: ChannelKey;
  readonly state: KeyState;
}
