// Which upstream gets the next attempt, from what this process has seen of them: priority tiers, weights within a tier, nobody
// who is disabled, cooling, broken, busy or tried already. In memory; called once or twice a request.
import { affectsBreaker, type Failure } from '../../domain/failures.ts';
import { ChannelState, type KeyOfChannel, type KeyState } from './channel-state.ts';
import {
  type Channel,
  type ChannelKey,
  type DialectId,
  type Route,
  type RoutedModel,
  servesDialect,
} from './routing-table.ts';

export interface Pick {
  readonly route: Route;
  readonly channelKey: ChannelKey;
  /** It finds out whether a channel or key that failed is back. */
  readonly isProbe: boolean;
}

/** What one request has tried already. */
export interface Tried {
  readonly channelKeys: Set<string>;
  readonly channels: Set<string>;
}

interface Candidate {
  readonly route: Route;
  readonly state: ChannelState;
  readonly keys: readonly KeyOfChannel[];
}

/** Candidates of one priority, in the order of the table. */
type Tier = readonly Candidate[];

export class ChannelHealth {
  readonly #random: () => number;
  readonly #channels = new Map<string, ChannelState>();
  // A routing table is swapped whole, so its models are fresh objects: what was made for an old one goes with it.
  readonly #tiers = new WeakMap<RoutedModel, Map<DialectId, readonly Tier[]>>();

  /** `random`: uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** null: nobody who may be asked now is left. */
  pick(model: RoutedModel, dialectId: DialectId, tried: Tried, nowMs: number): Pick | null {
    for (const tier of this.#tiersOf(model, dialectId)) {
      const candidate = tier.length === 1 ? this.#only(tier, tried, nowMs) : this.#drawn(tier, tried, nowMs);
      if (candidate === null) continue;
      const key = candidate.state.nextKey(candidate.keys, tried.channelKeys, nowMs);
      if (key === null) continue;
      const isProbe = candidate.state.breaker.kind !== 'closed' || key.state.deadWaitMs > 0;
      return { route: candidate.route, channelKey: key.channelKey, isProbe };
    }
    return null;
  }

  /** The attempt is being sent. A probe is taken here: nobody else gets it meanwhile. */
  started(pick: Pick, nowMs: number): void {
    const { channel } = pick.route;
    const state = this.#stateOf(channel);
    state.started(channel, nowMs);
    if (!pick.isProbe) return;
    state.attempted(nowMs);
    const key = state.keyState(pick.channelKey.id);
    if (key.deadWaitMs > 0) key.beginProbe(pick, nowMs);
  }

  succeeded(pick: Pick): void {
    const state = this.#stateOf(pick.route.channel);
    if (state.breaker.kind !== 'closed' || state.breaker.failuresAtMs.length > 0) state.succeeded();
    const key = state.keyState(pick.channelKey.id);
    if (key.deadWaitMs > 0) key.worked();
  }

  failed(pick: Pick, failure: Failure, nowMs: number): void {
    const state = this.#stateOf(pick.route.channel);
    const key = state.keyState(pick.channelKey.id);
    if (failure.class === 'dead_key') key.died(nowMs);
    else if (failure.class === 'rate_limited') key.limited(failure.retryAfterMs, nowMs);
    else if (affectsBreaker(failure)) {
      state.failed(nowMs);
      if (failure.retryAfterMs !== null)
        state.coolsUntilMs = Math.max(state.coolsUntilMs, nowMs + Math.min(failure.retryAfterMs, 600_000));
    }
    // A key's probe that came to something else than "dead" has answered: the key is sound.
    if (
      key.deadWaitMs > 0 &&
      failure.class !== 'dead_key' &&
      failure.class !== 'unreachable' &&
      failure.class !== 'timeout'
    )
      key.worked();
  }

  /** Exactly once for each `started`. */
  finished(pick: Pick): void {
    this.#stateOf(pick.route.channel).finished();
  }

  /** When the first of those that could serve comes back; null: none will by itself. */
  retryAfterMs(model: RoutedModel, dialectId: DialectId, nowMs: number): number | null {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const tier of this.#tiersOf(model, dialectId)) {
      for (const { route, state, keys } of tier) {
        if (!state.isEnabled || keys.length === 0) continue;
        const keyReadyMs = keys.reduce(
          (first, { state: key }) => Math.min(first, key.readyAtMs(nowMs)),
          Number.POSITIVE_INFINITY,
        );
        earliestMs = Math.min(earliestMs, Math.max(state.readyAtMs(route.channel, nowMs), keyReadyMs));
      }
    }
    return Number.isFinite(earliestMs) ? Math.max(0, earliestMs - nowMs) : null;
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

  #only(tier: Tier, tried: Tried, nowMs: number): Candidate | null {
    const [only] = tier;
    return only !== undefined && mayTake(only, tried, nowMs) ? only : null;
  }

  /** In proportion to the weights of those that may be asked. */
  #drawn(tier: Tier, tried: Tried, nowMs: number): Candidate | null {
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
      const state = this.#stateOf(channel);
      state.isEnabled = channel.status === 'enabled';
      if (!servesDialect(channel.provider, dialectId) || channel.weight === 0) return [];
      return [
        {
          route,
          state,
          keys: channel.keys.map((channelKey) => ({ channelKey, state: state.keyState(channelKey.id) })),
        },
      ];
    });
    const byPriority = Map.groupBy(candidates, ({ route }) => route.channel.priority);
    return [...byPriority].sort(([a], [b]) => a - b).map(([, tier]) => tier);
  }

  #stateOf(channel: Channel): ChannelState {
    let state = this.#channels.get(channel.id);
    if (state === undefined) {
      state = new ChannelState();
      this.#channels.set(channel.id, state);
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

function mayTake({ route, state, keys }: Candidate, tried: Tried, nowMs: number): boolean {
  if (tried.channels.has(route.channel.id) || !state.mayTakeRequest(route.channel, nowMs)) return false;
  return keys.some(({ channelKey, state: key }) => !tried.channelKeys.has(channelKey.id) && key.allows(nowMs));
}
