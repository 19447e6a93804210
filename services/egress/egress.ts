// The only way out for an upstream's key. What serves a customer goes over connections of our own making, which cost least; what we
// ask for ourselves goes through undici. Both dial the same way, and a place is bound to one origin (R-NET-1).
import type { LookupAddress } from 'node:dns';
import { lookup as resolve } from 'node:dns/promises';
import { type Dispatcher, Pool } from 'undici';
import { isForbiddenAddress, problemOfBaseUrl } from './address-guard.ts';
import { MOST_HEAD_BYTES } from './answer-parser.ts';
import { dialTo } from './guarded-dial.ts';
import type { Dial } from './upstream-connection.ts';
import { UpstreamOrigin } from './upstream-origin.ts';

export class EgressRefused extends Error {
  override readonly name = 'EgressRefused';
}

export type ResolveAll = (hostname: string) => Promise<LookupAddress[]>;

export interface EgressOptions {
  readonly log?: { warn(fields: object, message: string): void };
  readonly lookup?: ResolveAll;
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
}

/** What is open towards one origin. */
interface Place {
  readonly upstream: UpstreamOrigin;
  readonly pool: Pool;
  usedAtMs: number;
}

/** Longer than a request lives. Owners name the origins of their providers: without an end to it, one could name ever more. */
const UNUSED_MS = 3_600_000;

export class Egress {
  readonly #log: EgressOptions['log'];
  readonly #lookup: ResolveAll;
  readonly #nowMs: () => number;
  readonly #global = new Map<string, Place>();
  readonly #local = new Map<string, Place>();

  constructor({
    log,
    lookup = (hostname) => resolve(hostname, { all: true }),
    nowMs = () => performance.now(),
  }: EgressOptions = {}) {
    this.#log = log;
    this.#lookup = lookup;
    this.#nowMs = nowMs;
  }

  /**
   * The connections of the base URL's origin, for requests of customers. Throws EgressRefused for a URL that can be judged as it
   * stands; a name that resolves to a forbidden address refuses when it is connected to.
   */
  upstream(baseUrl: string, allowLocal: boolean): UpstreamOrigin {
    return this.#place(baseUrl, allowLocal).upstream;
  }

  /** The same for what we ask ourselves: a trial, a usage export. */
  pool(baseUrl: string, allowLocal: boolean): Dispatcher {
    return this.#place(baseUrl, allowLocal).pool;
  }

  /** Waits for the requests in flight. */
  async close(): Promise<void> {
    const places = new Set([...this.#global.values(), ...this.#local.values()]);
    await Promise.all([...places].map(closePlace));
  }

  #place(baseUrl: string, allowLocal: boolean): Place {
    const places = allowLocal ? this.#local : this.#global;
    const known = places.get(baseUrl);
    if (known !== undefined) {
      known.usedAtMs = this.#nowMs();
      return known;
    }
    forgetUnused(places, this.#nowMs());
    const problem = problemOfBaseUrl(baseUrl, allowLocal);
    if (problem !== null) throw this.#refused('a base URL', problem);
    const url = new URL(baseUrl);
    const place = places.get(url.origin) ?? this.#open(url, allowLocal);
    places.set(url.origin, place).set(baseUrl, place);
    return place;
  }

  #open(url: URL, allowLocal: boolean): Place {
    const dial = this.#dial(url, allowLocal);
    return { upstream: new UpstreamOrigin(url.host, dial), pool: poolOver(url, dial), usedAtMs: this.#nowMs() };
  }

  #dial(url: URL, allowLocal: boolean): Dial {
    return dialTo(url, {
      lookup: (hostname, _options, callback) => {
        this.#judgedAddresses(hostname, allowLocal).then(
          (addresses) => callback(null, addresses),
          (error) => callback(error, []),
        );
      },
      refusalOf: (address) =>
        isForbiddenAddress(address, allowLocal)
          ? this.#refused(url.origin, `the connection ended up at ${address}`)
          : null,
    });
  }

  async #judgedAddresses(hostname: string, allowLocal: boolean): Promise<LookupAddress[]> {
    const addresses = await this.#lookup(hostname);
    if (addresses.length === 0) throw this.#refused(hostname, 'it resolves to nothing'); // net would throw outside any catch
    const forbidden = addresses.find(({ address }) => isForbiddenAddress(address, allowLocal));
    if (forbidden !== undefined) throw this.#refused(hostname, `it resolves to ${forbidden.address}`);
    return addresses;
  }

  #refused(target: string, why: string): EgressRefused {
    this.#log?.warn({ event: 'egress_refused', target }, why);
    return new EgressRefused(`No connection to ${target}: ${why}`);
  }
}

/** Whoever asks for such a place later opens it anew. */
function forgetUnused(places: Map<string, Place>, nowMs: number): void {
  const unused = new Set([...places.values()].filter(({ usedAtMs }) => nowMs - usedAtMs > UNUSED_MS));
  for (const [url, place] of places) if (unused.has(place)) places.delete(url);
  for (const place of unused) void closePlace(place);
}

function closePlace({ upstream, pool }: Place): Promise<unknown> {
  return Promise.all([upstream.close(), pool.close()]);
}

function poolOver(url: URL, dial: Dial): Pool {
  return new Pool(url.origin, {
    connect: (_options, callback) => {
      const socket = dial((error) => (error === null ? callback(null, socket) : callback(error, null)), null);
    },
    pipelining: 1,
    maxHeaderSize: MOST_HEAD_BYTES,
    allowH2: false,
  });
}
