// What becomes of channels and their keys, for people (gateways.md T38): one line for each change, never one for each request.
// Without the upstream's words: some repeat the key that they were given.
import type { Log } from '../platform/log.ts';
import type { HealthListener } from './channel-health.ts';

export function healthToldIn(log: Log): HealthListener {
  return (event, { route: { channel }, channelKey }, failure) => {
    const where = { channelId: channel.id, channel: channel.name, channelKeyId: channelKey.id };
    const what = failure === null ? where : { ...where, reason: failure.class, status: failure.status };
    switch (event) {
      case 'channel_key_died':
        return log.error(what, 'channel_key_died');
      case 'channel_key_recovered':
        return log.info(what, 'channel_key_recovered');
      case 'channel_key_limited':
        return log.info(what, 'channel_key_limited');
      case 'channel_breaker_opened':
        return log.warn(what, 'channel_breaker_opened');
      case 'channel_breaker_closed':
        return log.info(what, 'channel_breaker_closed');
    }
  };
}
