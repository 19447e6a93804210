// The counters are our own, for speed: what Prometheus scrapes is what was counted.
import { expect, test } from '@jest/globals';
import { AggregatorRegistry } from 'prom-client';
import { Metrics } from '../../../services/platform/metrics.ts';

test('what was counted is what is scraped, however often', async () => {
  const metrics = new Metrics();
  metrics.requests.add('openai-chat', 200);
  metrics.requests.add('openai-chat', 200);
  metrics.tokens.at('gpt-4o', 'input').value += 1_200;
  metrics.ratedCharges.add('gpt-4o', 'provider', Number(8_755_000n));

  for (const scrape of [await metrics.registry.metrics(), await metrics.registry.metrics()]) {
    expect(scrape).toContain('tollgate_requests_total{surface="openai-chat",status="200"} 2');
    expect(scrape).toContain('tollgate_tokens_total{model="gpt-4o",meter="input"} 1200');
    expect(scrape).toContain('tollgate_rated_charges_nano_total{model="gpt-4o",usage_source="provider"} 8755000');
  }
});

test('durations fall into cumulative buckets, with bounds included', async () => {
  const metrics = new Metrics();
  for (const seconds of [0.001, 0.25, 0.26, 90]) metrics.firstByte.at('openai-1').observe(seconds);

  const scrape = await metrics.registry.metrics();

  expect(scrape).toContain('# TYPE tollgate_first_byte_seconds histogram');
  expect(scrape).toContain('tollgate_first_byte_seconds_bucket{le="0.01",channel="openai-1"} 1');
  expect(scrape).toContain('tollgate_first_byte_seconds_bucket{le="0.25",channel="openai-1"} 2');
  expect(scrape).toContain('tollgate_first_byte_seconds_bucket{le="0.5",channel="openai-1"} 3');
  expect(scrape).toContain('tollgate_first_byte_seconds_bucket{le="+Inf",channel="openai-1"} 4');
  expect(scrape).toContain('tollgate_first_byte_seconds_count{channel="openai-1"} 4');
  expect(scrape).toMatch(/tollgate_first_byte_seconds_sum\{channel="openai-1"\} 90\.511/);
});

test('state is read when it is scraped', async () => {
  const metrics = new Metrics();
  const state = { requestsInFlight: 0, openLeases: 2, leaseFreeNano: 5n, spillRecords: 0, channels: [] };
  metrics.watch(() => state);

  const scrape = await metrics.registry.metrics();

  expect(scrape).toContain('tollgate_leases_open 2');
  expect(scrape).toMatch(/tollgate_event_loop_lag_seconds\{quantile="0.99"\} /);
});

test('every name is ours and says its unit', async () => {
  const metrics = new Metrics();
  metrics.watch(() => ({ requestsInFlight: 0, openLeases: 0, leaseFreeNano: 0n, spillRecords: 0, channels: [] }));

  for (const { name } of metrics.registry.getMetricsAsArray()) {
    expect(name).toMatch(/^tollgate_[a-z_]+_(total|seconds|bytes|records|nano|open|in_flight|up|dead)$/);
  }
});

test('channels come and go: the series of one that is gone ends', async () => {
  const metrics = new Metrics();
  let channels = [
    { channel: 'openai-1', isUp: true, deadKeys: 1 },
    { channel: 'openai-2', isUp: false, deadKeys: 2 },
  ];
  metrics.watch(() => ({ requestsInFlight: 0, openLeases: 0, leaseFreeNano: 0n, spillRecords: 0, channels }));

  const before = await metrics.registry.metrics();
  channels = channels.slice(1);
  const after = await metrics.registry.metrics();

  expect(before).toContain('tollgate_channel_up{channel="openai-1"} 1');
  for (const scrape of [before, after]) {
    expect(scrape).toContain('tollgate_channel_up{channel="openai-2"} 0');
    expect(scrape).toContain('tollgate_channel_keys_dead{channel="openai-2"} 2');
  }
  expect(after).not.toContain('openai-1');
});

test('one answer of several gateways keeps every series of each, histograms included', async () => {
  const gateways = ['0', '1'].map((slot) => {
    const metrics = new Metrics();
    metrics.registry.setDefaultLabels({ gateway: slot });
    metrics.requests.add('openai-chat', 200, 2 + Number(slot));
    metrics.firstByte.at('openai-1').observe(0.02 + Number(slot));
    return metrics.registry;
  });

  const told = await Promise.all(gateways.map((registry) => registry.getMetricsAsJSON()));
  const sent = JSON.parse(JSON.stringify(told)) as object[];
  const scrape = await AggregatorRegistry.aggregate(sent).metrics();

  expect(scrape).toContain('tollgate_requests_total{surface="openai-chat",status="200",gateway="0"} 2');
  expect(scrape).toContain('tollgate_requests_total{surface="openai-chat",status="200",gateway="1"} 3');
  expect(scrape).toContain('tollgate_first_byte_seconds_bucket{le="0.025",channel="openai-1",gateway="0"} 1');
  expect(scrape).toContain('tollgate_first_byte_seconds_bucket{le="1",channel="openai-1",gateway="1"} 0');
  expect(scrape).toContain('tollgate_first_byte_seconds_bucket{le="+Inf",channel="openai-1",gateway="1"} 1');
  expect(scrape).toMatch(/tollgate_first_byte_seconds_sum\{channel="openai-1",gateway="1"\} 1\.02/);
  expect(scrape).toMatch(/tollgate_event_loop_lag_seconds\{quantile="1",gateway="1"\} /);
});
