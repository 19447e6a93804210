// The only module that opens connections to upstreams, and the only way out for an upstream's key.
// A connection goes to an address that was resolved once and judged before and after connecting; a pool is bound to one
// origin, follows no redirect and reads no proxy from the environment (R-NET-1).
import type { LookupAddress } from 'node:dns';
import { lookup as resolve } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import { isForbiddenAddress, problemOfBaseUrl } from './address-guard.ts';

const CONNECT_TIMEOUT_MS = 5_000;
// By Little's law a pool of 64 at 250 ms an answer is 256 requests a second: channels cap themselves by max_in_flight.
const CONNECTIONS = 4096;
// Shorter than what providers and their proxies keep idle connections for, so that they rarely close one under a request.
const KEEP_ALIVE_MS = 30_000;
const MAX_HEADER_BYTES = 16_384;

export class EgressRefused extends Error {
  override readonly name = 'EgressRefused';
  readonly code = 'EGRESS_REFUSED';
}

export type ResolveAll = (hostname: string) => Promise<LookupAddress[]>;

export interface EgressOptions {
  readonly log?: { warn(fields: object, message: string): void };
  readonly lookup?: ResolveAll;
}

export class Egress {
  readonly #log: EgressOptions['log'];
  readonly #lookup: ResolveAll;
  readonly #global = new Map<string, Dispatcher>();
  readonly #local = new Map<string, Dispatcher>();

  constructor({ log, lookup = (hostname) => resolve(hostname, { all: true }) }: EgressOptions = {}) {
    this.#log = log;
    this.#lookup = lookup;
  }

  /**
   * The pool of the base URL's origin. Throws EgressRefused for a URL that can be judged as it stands; a name that
   * resolves to a forbidden address refuses when it is connected to.
   */
  pool(baseUrl: string, allowLocal: boolean): Dispatcher {
    const pools = allowLocal ? this.#local : this.#global;
    const known = pools.get(baseUrl);
    if (known !== undefined) return known;
    const problem = problemOfBaseUrl(baseUrl, allowLocal);
    if (problem !== null) throw this.#refused('a base URL', problem);
    const url = new URL(baseUrl);
    const pool = pools.get(url.origin) ?? this.#open(url, allowLocal);
    pools.set(url.origin, pool).set(baseUrl, pool);
    return pool;
  }

  /** Waits for the requests in flight. */
  async close(): Promise<void> {
    const pools = new Set([...this.#global.values(), ...this.#local.values()]);
    await Promise.all([...pools].map((pool) => pool.close()));
  }

  #open(url: URL, allowLocal: boolean): Dispatcher {
    return new Pool(url.origin, {
      connect: this.#connector(url, allowLocal),
      connections: CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0, // the caller has clocks of its own, per model and per request
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      allowH2: false, // 24 % slower per core than TLS over HTTP/1.1 (hotpath.md 2)
    });
  }

  #connector(url: URL, allowLocal: boolean): buildConnector.connector {
    const judged: LookupFunction = (hostname, _options, callback) => {
      this.#judgedAddresses(hostname, allowLocal).then(
        (addresses) => callback(null, addresses),
        (error) => callback(error, []),
      );
    };
    // net asks `lookup` once per connection and then tries these very addresses one after the other.
    const connect = buildConnector({
      lookup: judged,
      autoSelectFamily: true,
      timeout: CONNECT_TIMEOUT_MS,
      allowH2: false,
    });
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return ({ protocol, port }, callback) => {
      // Named anew instead of passed on: a Host header of the request must not choose whose certificate is accepted.
      connect({ protocol, port, hostname, host: url.host }, (...result) => {
        const [error, socket] = result;
        if (error !== null || !isForbiddenAddress(socket.remoteAddress ?? '', allowLocal)) callback(...result);
        else {
          socket.destroy();
          callback(this.#refused(url.origin, `the connection ended up at ${socket.remoteAddress}`), null);
        }
      });
    };
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
