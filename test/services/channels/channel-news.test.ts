// What operators are told of channels: one line for each change, from the gateway that found it out, and how they stand at any
// moment. Never a key, and nothing that an upstream said.
import { expect, test } from '@jest/globals';
import { ChannelHealth } from '../../../services/channels/channel-health.ts';
import { channelVitals } from '../../../services/channels/channel-vitals.ts';
import { healthToldIn } from '../../../services/channels/health-log.ts';
import type { RoutedModel } from '../../../services/channels/routing-table.ts';
import { createLog } from '../../../services/platform/log.ts';
import { breakDown, CHAT, fail, newHealth, nothingTried, pickOne } from './picking.ts';
import { modelOn } from './routed-models.ts';

const MINUTE = 60_000;

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly channelKeyId: string;
  readonly reason?: string;
}

function toldHealth(): { health: ChannelHealth; lines: Line[] } {
  const lines: Line[] = [];
  const log = createLog(
    { name: 'test', level: 'info' },
    { write: (line) => void lines.push(JSON.parse(line) as Line) },
  );
  return { health: new ChannelHealth(Math.random, healthToldIn(log)), lines };
}

function vitalsOf(health: ChannelHealth, model: RoutedModel) {
  const use = { version: 1, attempts: 0 };
  return channelVitals({ models: new Map([[model.id, model]]), loadedAtMs: 0, use, problems: [] }, health.snapshot());
}

test('a key that dies and lives again is told twice, however often it was asked meanwhile (T38)', () => {
  const { health, lines } = toldHealth();
  const model = modelOn({ id: 'a' });
  const stragglers = [pickOne(health, model), pickOne(health, model)];
  for (const pick of stragglers) fail(health, pick, 'dead_key', 0);
  fail(health, pickOne(health, model, MINUTE), 'dead_key', MINUTE);
  health.succeeded(pickOne(health, model, 5 * MINUTE));
  health.succeeded(pickOne(health, model, 5 * MINUTE));

  expect(lines).toMatchObject([
    { level: 50, msg: 'channel_key_died', channelId: 'a', channelKeyId: 'a-key', reason: 'dead_key' },
    { level: 30, msg: 'channel_key_recovered', channelId: 'a', channelKeyId: 'a-key' },
  ]);
});

test('a breaker is told when it opens and when it closes, not at each probe that fails', () => {
  const { health, lines } = toldHealth();
  const model = modelOn({ id: 'a' });
  breakDown(health, model, 0);
  fail(health, pickOne(health, model, MINUTE), 'timeout', MINUTE);
  health.succeeded(pickOne(health, model, 5 * MINUTE));

  expect(lines.map(({ msg, reason }) => [msg, reason])).toEqual([
    ['channel_breaker_opened', 'unreachable'],
    ['channel_breaker_closed', undefined],
  ]);
});

test('a rate-limited key is told once for each rest', () => {
  const { health, lines } = toldHealth();
  const model = modelOn({ id: 'a' });
  const stragglers = [pickOne(health, model), pickOne(health, model)];
  for (const pick of stragglers) fail(health, pick, 'rate_limited', 0, MINUTE);
  fail(health, pickOne(health, model, 2 * MINUTE), 'rate_limited', 2 * MINUTE, MINUTE);

  expect(lines.map(({ msg }) => msg)).toEqual(['channel_key_limited', 'channel_key_limited']);
});

test('what another gateway found out it has told already', () => {
  const { health, lines } = toldHealth();
  health.lockOut('a', { untilMs: MINUTE, waitMs: MINUTE });
  health.lockOut('a/a-key', { untilMs: MINUTE, waitMs: MINUTE });
  health.lockOut('a', null);
  health.lockOut('a/a-key', null);

  expect(lines).toEqual([]);
});

test('neither the key nor the words of the upstream are in a line', () => {
  const { health, lines } = toldHealth();
  const pick = pickOne(health, modelOn({ id: 'a' }));
  const message = `Incorrect API key provided: ${pick.channelKey.credential}`;
  health.failed(pick, { class: 'dead_key', status: 401, retryAfterMs: null, message }, 0);

  expect(lines).toMatchObject([{ msg: 'channel_key_died', status: 401 }]);
  expect(JSON.stringify(lines)).not.toMatch(/sk-a-key|Incorrect/);
});

test('a channel is down while its breaker is not closed or no key of it is alive', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a', keys: ['k1', 'k2'] }, { id: 'b', status: 'disabled' });
  expect(vitalsOf(health, model)).toEqual([{ channel: 'a', isUp: true, deadKeys: 0 }]);

  fail(health, pickOne(health, model), 'dead_key', 0);
  expect(vitalsOf(health, model)).toEqual([{ channel: 'a', isUp: true, deadKeys: 1 }]);
  fail(health, pickOne(health, model), 'dead_key', 0);
  expect(vitalsOf(health, model)).toEqual([{ channel: 'a', isUp: false, deadKeys: 2 }]);

  const broken = modelOn({ id: 'c' });
  breakDown(health, broken, 0);
  expect(vitalsOf(health, broken)).toEqual([{ channel: 'c', isUp: false, deadKeys: 0 }]);
  expect(health.pick(broken, CHAT, nothingTried(), MINUTE)).toMatchObject({ isProbe: true });
  expect(vitalsOf(health, broken)).toEqual([{ channel: 'c', isUp: false, deadKeys: 0 }]);
});
