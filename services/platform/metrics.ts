// What a gateway tells Prometheus. Counting on the hot path is one addition to a number found in a Map (some 20 ns, where
// a child of prom-client takes 170 to 400 ns); the library sees the numbers only when somebody asks for them.
// Label values come from our own catalogue and closed lists, never from a caller: that bounds the number of series.
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** State that is cheap to read and costly to keep up to date: read at the moment of the scrape. */
export interface GatewayState {
  readonly requestsInFlight: number;
  readonly openLeases: number;
  readonly leaseFreeNano: bigint;
  readonly spillRecords: number;
  readonly channels: readonly {
    readonly channel: string;
    readonly isUp: boolean;
    readonly deadKeys: number;
  }[];
}

const COMMIT_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120];
const FIRST_BYTE_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

export class Metrics {
  readonly registry = new Registry();
  readonly requests = this.#counters(
    'requests_total',
    'Requests by surface and HTTP status as sent; 499: the client left before any',
    ['surface', 'status'],
  );
  readonly outcomes = this.#counters('outcomes_total', 'Settled requests by how they ended, as in their receipts', [
    'model',
    'outcome',
  ]);
  readonly refusals = this.#counters('refusals_total', 'Requests refused before admission', ['surface', 'code']);
  readonly attempts = this.#counters('attempts_total', 'Attempts at a channel, by how they ended', [
    'channel',
    'outcome',
  ]);
  readonly tokens = this.#counters('tokens_total', 'Billed tokens by model and meter', ['model', 'meter']);
  readonly ratedCharges = this.#counters(
    'rated_charges_nano_total',
    'Nano-USD that settled usage comes to at list price; what the ledger could not collect of it is in ops_losses',
    ['model', 'usage_source'],
  );
  readonly usageAnomalies = this.#counters('usage_anomalies_total', 'Usage of providers that wants a look', [
    'channel',
    'kind',
  ]);
  readonly firstByte = this.#durations(
    'first_byte_seconds',
    'From the sending of an attempt to the first byte of its answer',
    FIRST_BYTE_BOUNDS,
    'channel',
  );
  readonly commitLag = this.#durations(
    'commit_lag_seconds',
    'From handing over a settlement, queue included, to its acknowledgement',
    COMMIT_BOUNDS,
    'outcome',
  );

  constructor() {
    observeEventLoop(this.registry, monitorEventLoopDelay({ resolution: 20 }));
  }

  watch(read: () => GatewayState): void {
    const gauge = (name: string, help: string, value: (state: GatewayState) => number) =>
      new Gauge({
        name: `tollgate_${name}`,
        help,
        registers: [this.registry],
        collect() {
          this.set(value(read()));
        },
      });
    gauge('requests_in_flight', 'Requests that an upstream is working on', (state) => state.requestsInFlight);
    gauge('leases_open', 'Leases that this gateway holds', (state) => state.openLeases);
    gauge('lease_free_nano', 'Leased nano-USD that no request has reserved', (state) => Number(state.leaseFreeNano));
    gauge('spill_records', 'Usage records not yet in PostgreSQL', (state) => state.spillRecords);
    const channelGauge = (name: string, help: string, value: (state: GatewayState['channels'][number]) => number) =>
      new Gauge({
        name: `tollgate_${name}`,
        help,
        labelNames: ['channel'],
        registers: [this.registry],
        collect() {
          this.reset(); // channels come and go
          for (const state of read().channels) this.inc({ channel: state.channel }, value(state));
        },
      });
    channelGauge('channel_up', 'Whether the channel may be asked: its breaker closed, a key sound', ({ isUp }) =>
      Number(isUp),
    );
    channelGauge('channel_keys_dead', 'Keys that the upstream refused', ({ deadKeys }) => deadKeys);
  }

  #counters(name: string, help: string, labels: readonly [string, string]): Counters {
    return new Counters(this.registry, `tollgate_${name}`, help, labels);
  }

  #durations(name: string, help: string, bounds: readonly number[], label: string): Durations {
    return new Durations(this.registry, `tollgate_${name}`, help, bounds, label);
  }
}

/** A number that only grows. Whoever counts often keeps it. */
export interface Tally {
  value: number;
}

export class Counters {
  readonly #tallies = new Map<string | number, Map<string | number, Tally>>();

  constructor(registry: Registry, name: string, help: string, labels: readonly [string, string]) {
    const [first, second] = labels;
    const tallies = this.#tallies;
    new Counter({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      collect() {
        this.reset();
        for (const [a, row] of tallies) {
          for (const [b, tally] of row) this.inc({ [first]: a, [second]: b }, tally.value);
        }
      },
    });
  }

  add(first: string | number, second: string | number, amount = 1): void {
    this.at(first, second).value += amount;
  }

  at(first: string | number, second: string | number): Tally {
    const tally = this.#tallies.get(first)?.get(second);
    return tally ?? this.#born(first, second);
  }

  #born(first: string | number, second: string | number): Tally {
    const tally = { value: 0 };
    const row = this.#tallies.get(first);
    if (row === undefined) this.#tallies.set(first, new Map([[second, tally]]));
    else row.set(second, tally);
    return tally;
  }
}

export class Durations {
  readonly #bounds: readonly number[];
  readonly #tallies = new Map<string, DurationTally>();

  constructor(registry: Registry, name: string, help: string, bounds: readonly number[], label: string) {
    this.#bounds = bounds;
    registry.registerMetric(new TalliedHistogram(name, help, bounds, label, this.#tallies));
  }

  at(label: string): DurationTally {
    let tally = this.#tallies.get(label);
    if (tally === undefined) {
      tally = new DurationTally(this.#bounds);
      this.#tallies.set(label, tally);
    }
    return tally;
  }
}

export class DurationTally {
  readonly #bounds: readonly number[];
  readonly counts: Float64Array;
  sumSeconds = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(seconds: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > Number(bounds[bucket])) bucket += 1;
    this.counts[bucket] = Number(this.counts[bucket]) + 1;
    this.sumSeconds += seconds;
  }
}

/** Prom-client can observe a value but not take over counted buckets: this one reports those of the tallies. */
class TalliedHistogram extends Histogram {
  readonly #tallies: ReadonlyMap<string, DurationTally>;
  readonly #shape: { name: string; help: string; bounds: readonly number[]; label: string };

  constructor(
    name: string,
    help: string,
    bounds: readonly number[],
    label: string,
    tallies: ReadonlyMap<string, DurationTally>,
  ) {
    super({ name, help, buckets: [...bounds], labelNames: [label], registers: [] });
    this.#tallies = tallies;
    this.#shape = { name, help, bounds, label };
  }

  /** Undocumented, but read by the registry and by get() alike; the version of prom-client is pinned. */
  async getForPromString() {
    const { name, help } = this.#shape;
    const values = [...this.#tallies].flatMap(([label, tally]) => this.#lines(label, tally));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #lines(value: string, tally: DurationTally) {
    const { name, bounds, label } = this.#shape;
    const sharedLabels = { [label]: value };
    let count = 0;
    const buckets = [...tally.counts].map((counted, index) => {
      count += counted;
      return { metricName: `${name}_bucket`, labels: { le: bounds[index] ?? '+Inf' }, sharedLabels, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, sharedLabels, value: tally.sumSeconds },
      { metricName: `${name}_count`, labels: {}, sharedLabels, value: count },
    ];
  }
}

/** Since the previous scrape. */
function observeEventLoop(registry: Registry, delay: ELDHistogram): void {
  delay.enable();
  new Gauge({
    name: 'tollgate_event_loop_lag_seconds',
    help: 'How late the event loop was since the previous scrape',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      this.set({ quantile: '0.5' }, delay.percentile(50) / 1e9);
      this.set({ quantile: '0.99' }, delay.percentile(99) / 1e9);
      this.set({ quantile: '1' }, delay.max / 1e9);
      delay.reset();
    },
  });
}
