// What tests of who is picked have in common: a seeded health, requests without a past, and the ends of attempts.
import type { Failure, FailureClass } from '../../../domain/failures.ts';
import { ChannelHealth, type Pick, type Tried } from '../../../services/channels/channel-health.ts';
import type { DialectId, RoutedModel } from '../../../services/channels/routing-table.ts';

export const CHAT: DialectId = 'openai-chat';

export function newHealth(): ChannelHealth {
  return new ChannelHealth(seeded(7));
}

/** mulberry32 */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function nothingTried(): Tried {
  return { channelKeys: new Set(), channels: new Set() };
}

/** Picked and started. */
export function pickOne(health: ChannelHealth, model: RoutedModel, nowMs = 0): Pick {
  const pick = health.pick(model, CHAT, nothingTried(), nowMs);
  if (pick === null) throw new Error('nobody was picked');
  health.started(pick, nowMs);
  return pick;
}

export function countPicks(
  health: ChannelHealth,
  model: RoutedModel,
  times: number,
  nowMs = 0,
  dialectId = CHAT,
): Map<string, number> {
  const drawn = new Map<string, number>();
  for (let n = 0; n < times; n += 1) {
    const id = health.pick(model, dialectId, nothingTried(), nowMs)?.route.channel.id ?? 'nobody';
    drawn.set(id, (drawn.get(id) ?? 0) + 1);
  }
  return drawn;
}

export function failure(failureClass: FailureClass, retryAfterMs: number | null = null): Failure {
  return { class: failureClass, status: null, retryAfterMs, message: failureClass };
}

export function fail(
  health: ChannelHealth,
  pick: Pick,
  failureClass: FailureClass,
  nowMs: number,
  retryAfterMs?: number | null,
) {
  health.failed(pick, failure(failureClass, retryAfterMs ?? null), nowMs);
  health.finished(pick);
}

/** Opens the breaker of the first channel that is picked. */
export function breakDown(health: ChannelHealth, model: RoutedModel, nowMs: number): void {
  const picks = Array.from({ length: 5 }, () => pickOne(health, model, nowMs));
  for (const pick of picks) fail(health, pick, 'unreachable', nowMs);
}
