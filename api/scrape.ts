// One scrape tells of every gateway on this machine, whichever of them the shared port handed it to: the asked one asks the
// supervisor, and that asks them all over the channels that fork made. Every series carries the slot of its gateway, and a
// successor takes over the slot: were they summed here, each death would look like a counter that ran backwards (D19).
import type { ChildProcess } from 'node:child_process';
import { AggregatorRegistry, type Registry } from 'prom-client';

/** Who has not answered by then is left out: a gap in its series, no wrong figure. */
const PATIENCE_MS = 1_000;
/** A supervisor that stays silent for longer is not running: the asked gateway tells what it knows itself. */
const SUPERVISOR_PATIENCE_MS = 2 * PATIENCE_MS;

type Told = readonly object[];

type FromGateway =
  | { readonly kind: 'scrape'; readonly scrapeId: number }
  | { readonly kind: 'told'; readonly round: number; readonly metrics: Told };
type FromSupervisor =
  | { readonly kind: 'tell'; readonly round: number }
  | { readonly kind: 'scraped'; readonly scrapeId: number; readonly metrics: readonly Told[] };

/** The supervisor's end. */
export class ScrapeRelay {
  readonly #gateways = new Set<ChildProcess>();
  readonly #rounds = new Map<number, (metrics: Told) => void>();
  #lastRound = 0;

  join(gateway: ChildProcess): void {
    this.#gateways.add(gateway);
    gateway.on('exit', () => this.#gateways.delete(gateway));
    gateway.on('message', (message: FromGateway) => {
      if (message.kind === 'scrape') this.#gather((metrics) => send(gateway, { ...message, kind: 'scraped', metrics }));
      else this.#rounds.get(message.round)?.(message.metrics);
    });
  }

  #gather(done: (metrics: readonly Told[]) => void): void {
    this.#lastRound += 1;
    const round = this.#lastRound;
    const all: Told[] = [];
    const end = () => {
      clearTimeout(patience);
      this.#rounds.delete(round);
      done(all);
    };
    const patience = setTimeout(end, PATIENCE_MS);
    this.#rounds.set(round, (metrics) => {
      all.push(metrics);
      if (all.length >= this.#gateways.size) end();
    });
    for (const gateway of this.#gateways) send(gateway, { kind: 'tell', round });
  }
}

/** One that is gone says so by its exit. */
function send(gateway: ChildProcess, message: FromSupervisor): void {
  gateway.send(message, () => {});
}

/** A gateway's end. One that nobody forked has nobody to ask, and tells of itself. */
export class Scrape {
  readonly #registry: Registry;
  readonly #asked = new Map<number, (metrics: readonly Told[]) => void>();
  #lastScrape = 0;

  constructor(registry: Registry, slot: string) {
    this.#registry = registry;
    registry.setDefaultLabels({ gateway: slot });
    process.on('message', (message: FromSupervisor) => {
      if (message.kind === 'tell') void this.#tell(message.round);
      else this.#asked.get(message.scrapeId)?.(message.metrics);
    });
  }

  async text(): Promise<string> {
    const metrics = await this.#ofAll();
    return AggregatorRegistry.aggregate(metrics.length > 0 ? [...metrics] : [await this.#own()]).metrics();
  }

  async #tell(round: number): Promise<void> {
    this.#say({ kind: 'told', round, metrics: await this.#own() });
  }

  #own(): Promise<Told> {
    return this.#registry.getMetricsAsJSON();
  }

  /** Empty: there is no supervisor, or none that answers. */
  #ofAll(): Promise<readonly Told[]> {
    this.#lastScrape += 1;
    const scrapeId = this.#lastScrape;
    return new Promise((resolve) => {
      const end = (metrics: readonly Told[]) => {
        clearTimeout(patience);
        this.#asked.delete(scrapeId);
        resolve(metrics);
      };
      const patience = setTimeout(() => end([]), SUPERVISOR_PATIENCE_MS);
      this.#asked.set(scrapeId, end);
      if (!this.#say({ kind: 'scrape', scrapeId })) end([]);
    });
  }

  /** False: nobody listens. */
  #say(message: FromGateway): boolean {
    if (process.send === undefined || !process.connected) return false;
    process.send(message, undefined, undefined, () => {}); // a supervisor that dies now is told by 'disconnect'
    return true;
  }
}
