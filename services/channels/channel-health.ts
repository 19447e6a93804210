// Which upstream gets the next attempt, from what this process has seen of them: priority tiers, weights within a tier, nobody
// who is disabled, cooling, broken, busy or tried already. In memory; called once or twice a request.
import { affectsBreaker, type Failure, type FailureClass } from '../../domain/failures.ts';
import { ChannelState, type KeyOfChannel, type KeyState, type Lockout } from './channel-state.ts';
import { turnsOf } from './key-turns.ts';
import { type ChannelKey, type DialectId, type Route, type RoutedModel, servesDialect } from './routing-table.ts';

export interface Pick {
  readonly route: Route;
  readonly channelKey: ChannelKey;
  /** It finds out whether a channel or key that failed is back. */
  readonly isProbe: boolean;
}

/** What one request has tried already. A channel that failed is never drawn again by it; one whose key failed may serve by another. */
export interface Tried {
  readonly channelKeys: Set<string>;
  readonly channels: Set<string>;
}

interface Candidate {
  readonly route: Route;
  readonly state: ChannelState;
  /** In the order of their turns. */
  readonly keys: readonly KeyOfChannel[];
  /** Only when none of `keys` may be asked. */
  readonly standby: readonly KeyOfChannel[];
}

export type HealthEvent =
  | 'channel_key_died'
  | 'channel_key_recovered'
  | 'channel_key_limited'
  | 'channel_breaker_opened'
  | 'channel_breaker_closed';

/** Told once for each change, by the gateway that found it out; what it hears from others they have told. */
export type HealthListener = (event: HealthEvent, pick: Pick, failure: Failure | null) => void;

// Whoever is told one of these has shown a key that the upstream knows.
const RECOGNIZED: ReadonlySet<FailureClass> = new Set(['rate_limited', 'client_fault', 'misconfigured', 'empty']);

/** Candidates of one priority, in the order of the table. */
type Tier = readonly Candidate[];

export class ChannelHealth {
  readonly #random: () => number;
  readonly #tell: HealthListener;
  readonly #channels = new Map<string, ChannelState>();
  // A routing table is swapped whole, so its models are fresh objects: what was made for an old one goes with it.
  readonly #tiers = new WeakMap<RoutedModel, Map<DialectId, readonly Tier[]>>();

  /** `random`: uniform in [0, 1). */
  constructor(random: () => number, tell: HealthListener = () => {}) {
    this.#random = random;
    this.#tell = tell;
  }

  /**
   * null: nobody who may be asked now is left. A probe is taken here and not in `started`: between the two lies the writing
   * of the intent, and a hundred requests would all be probes. One that never starts is given up after 30 s.
   */
  pick(model: RoutedModel, dialectId: DialectId, tried: Tried, nowMs: number): Pick | null {
    for (const tier of this.#tiersOf(model, dialectId)) {
      const candidate = this.#drawn(tier, tried, nowMs);
      const key = candidate?.state.nextKey(candidate, tried.channelKeys, nowMs) ?? null;
      if (candidate === null || key === null) continue;
      const { route, state } = candidate;
      const isProbe = state.breaker.kind !== 'closed' || key.state.deadWaitMs > 0;
      const pick = { route, channelKey: key.channelKey, isProbe };
      if (isProbe) {
        state.beginProbe(pick, nowMs);
        key.state.beginProbe(pick, nowMs);
      }
      return pick;
    }
    return null;
  }

  started(pick: Pick, nowMs: number): void {
    this.#stateOf(pick.route.channel.id).started(pick.route.channel, nowMs);
  }

  /** Best said at the first byte: a probe keeps everybody else waiting until its verdict. */
  succeeded(pick: Pick): void {
    const state = this.#stateOf(pick.route.channel.id);
    const key = state.keyState(pick.channelKey.id);
    const [wasClosed, wasDead] = [state.breaker.kind === 'closed', key.deadWaitMs > 0];
    state.succeeded();
    key.worked();
    if (!wasClosed) this.#tell('channel_breaker_closed', pick, null);
    if (wasDead) this.#tell('channel_key_recovered', pick, null);
  }

  failed(pick: Pick, failure: Failure, nowMs: number): void {
    const state = this.#stateOf(pick.route.channel.id);
    const key = state.keyState(pick.channelKey.id);
    const wasClosed = state.breaker.kind === 'closed';
    const wasDead = key.deadWaitMs > 0;
    const wasLimited = key.limitedUntilMs > nowMs;
    if (failure.class === 'dead_key') key.died(nowMs);
    else if (key.probe === pick && RECOGNIZED.has(failure.class)) key.worked();
    if (failure.class === 'rate_limited') key.limited(failure.retryAfterMs, nowMs);
    else if (failure.class !== 'dead_key' && affectsBreaker(failure)) state.failed(failure.retryAfterMs, nowMs);
    if (wasClosed && state.breaker.kind === 'open') this.#tell('channel_breaker_opened', pick, failure);
    if (wasDead !== key.deadWaitMs > 0)
      this.#tell(wasDead ? 'channel_key_recovered' : 'channel_key_died', pick, failure);
    if (!wasLimited && key.limitedUntilMs > nowMs) this.#tell('channel_key_limited', pick, failure);
  }

  /** Exactly once for each `started`. */
  finished(pick: Pick): void {
    const state = this.#stateOf(pick.route.channel.id);
    state.finished();
    if (!pick.isProbe) return;
    state.endProbe(pick);
    state.keyState(pick.channelKey.id).endProbe(pick);
  }

  /** When the first of those that could serve comes back; null: none will by itself. */
  retryAfterMs(model: RoutedModel, dialectId: DialectId, nowMs: number): number | null {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const tier of this.#tiersOf(model, dialectId)) {
      for (const { route, state, keys, standby } of tier) {
        if (!state.isEnabled || keys.length === 0) continue;
        const keyReadyMs = [...keys, ...standby].reduce(
          (first, { state: key }) => Math.min(first, key.readyAtMs()),
          Number.POSITIVE_INFINITY,
        );
        earliestMs = Math.min(earliestMs, Math.max(state.readyAtMs(route.channel, nowMs), keyReadyMs));
      }
    }
    return Number.isFinite(earliestMs) ? Math.max(0, earliestMs - nowMs) : null;
  }

  /**
   * What is known here of each channel and key, for other gateways; null: it answers. A channel that is being probed
   * is not in the list: nothing is known of it before the verdict.
   */
  *lockouts(): Iterable<readonly [name: string, lockout: Lockout | null]> {
    for (const [channelId, { breaker, keys }] of this.#channels) {
      if (breaker.kind === 'closed') yield [channelId, null];
      else if (breaker.kind === 'open') yield [channelId, { untilMs: breaker.untilMs, waitMs: breaker.waitMs }];
      for (const [keyId, key] of keys) yield [`${channelId}/${keyId}`, key.lockout];
    }
  }

  /** What another gateway knows, under the name that it has in `lockouts`. */
  lockOut(name: string, lockout: Lockout | null): void {
    const [channelId = '', keyId] = name.split('/');
    const state = this.#stateOf(channelId);
    if (keyId === undefined) state.lockOut(lockout);
    else if (lockout === null) state.keyState(keyId).worked();
    else state.keyState(keyId).lockOut(lockout);
  }

  /** For people: the state of every channel that was ever used here. */
  snapshot(): readonly ChannelSnapshot[] {
    return [...this.#channels].map(([channelId, { inFlight, breaker, coolsUntilMs, keys }]) => ({
      channelId,
      inFlight,
      breaker: breaker.kind,
      coolsUntilMs: Number.isFinite(coolsUntilMs) ? coolsUntilMs : null,
      deadKeys: [...keys].flatMap(([id, key]: [string, KeyState]) => (key.deadWaitMs > 0 ? [id] : [])),
    }));
  }

  /** In proportion to the weights of those that may be asked. */
  #drawn(tier: Tier, tried: Tried, nowMs: number): Candidate | null {
    const [only] = tier;
    if (only !== undefined && tier.length === 1) return mayTake(only, tried, nowMs) ? only : null;
    const open = tier.filter((candidate) => mayTake(candidate, tried, nowMs));
    let ticket = this.#random() * open.reduce((total, { route }) => total + route.channel.weight, 0);
    for (const candidate of open) {
      ticket -= candidate.route.channel.weight;
      if (ticket < 0) return candidate;
    }
    return open.at(-1) ?? null;
  }

  #tiersOf(model: RoutedModel, dialectId: DialectId): readonly Tier[] {
    let byDialect = this.#tiers.get(model);
    if (byDialect === undefined) {
      byDialect = new Map();
      this.#tiers.set(model, byDialect);
      // Once per table, so that the old table of a request that still runs cannot enable what a newer one has disabled.
      for (const { channel } of model.routes) this.#stateOf(channel.id).adopt(channel);
    }
    let tiers = byDialect.get(dialectId);
    if (tiers === undefined) {
      tiers = this.#newTiers(model, dialectId);
      byDialect.set(dialectId, tiers);
    }
    return tiers;
  }

  #newTiers(model: RoutedModel, dialectId: DialectId): readonly Tier[] {
    const candidates = model.routes.flatMap((route): Candidate[] => {
      const { channel } = route;
      const state = this.#stateOf(channel.id);
      if (!servesDialect(channel.provider, dialectId) || channel.weight === 0) return [];
      const known = new Map(
        channel.keys.map((channelKey) => [channelKey, { channelKey, state: state.keyState(channelKey.id) }]),
      );
      const { keys, standby } = turnsOf(channel.keys);
      const inTurn = (some: readonly ChannelKey[]) => some.flatMap((channelKey) => known.get(channelKey) ?? []);
      return [{ route, state, keys: inTurn(keys), standby: inTurn(standby) }];
    });
    const byPriority = Map.groupBy(candidates, ({ route }) => route.channel.priority);
    return [...byPriority].sort(([a], [b]) => a - b).map(([, tier]) => tier);
  }

  #stateOf(channelId: string): ChannelState {
    let state = this.#channels.get(channelId);
    if (state === undefined) {
      state = new ChannelState();
      this.#channels.set(channelId, state);
    }
    return state;
  }
}

export interface ChannelSnapshot {
  readonly channelId: string;
  readonly inFlight: number;
  readonly breaker: 'closed' | 'open' | 'probing';
  readonly coolsUntilMs: number | null;
  readonly deadKeys: readonly string[];
}

function mayTake({ route, state, keys, standby }: Candidate, tried: Tried, nowMs: number): boolean {
  if (tried.channels.has(route.channel.id) || !state.mayTakeRequest(route.channel, nowMs)) return false;
  return mayServe(keys, tried, nowMs) || mayServe(standby, tried, nowMs);
}

function mayServe(keys: readonly KeyOfChannel[], tried: Tried, nowMs: number): boolean {
  for (const { channelKey, state: key } of keys) {
    if (key.allows(nowMs) && !tried.channelKeys.has(channelKey.id)) return true;
  }
  return false;
}
