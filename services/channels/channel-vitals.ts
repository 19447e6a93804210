// How the channels stand that models are bought from now, for whoever watches them. By the routing table and not by what health
// remembers: that knows a channel until the process ends.
import type { ChannelSnapshot } from './channel-health.ts';
import type { Channel, RoutingTable } from './routing-table.ts';

export interface ChannelVitals {
  readonly channel: string;
  /** Its breaker is closed, and a key of it is believed sound. */
  readonly isUp: boolean;
  readonly deadKeys: number;
}

/** Of those that are enabled: who switches a channel off does not want to be told that it is down. */
export function channelVitals(
  { models }: RoutingTable,
  snapshots: readonly ChannelSnapshot[],
): readonly ChannelVitals[] {
  const channels = new Map<string, Channel>();
  for (const { routes } of models.values()) {
    for (const { channel } of routes) if (channel.status === 'enabled') channels.set(channel.id, channel);
  }
  const seen = new Map(snapshots.map((snapshot) => [snapshot.channelId, snapshot]));
  return [...channels.values()].map(({ id, name, keys }) => {
    const { breaker = 'closed', deadKeys = [] } = seen.get(id) ?? {};
    const dead = keys.filter((channelKey) => deadKeys.includes(channelKey.id)).length;
    return { channel: name, isUp: breaker === 'closed' && dead < keys.length, deadKeys: dead };
  });
}
