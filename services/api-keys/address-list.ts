// Which addresses a key may be used from, and from which address a request came.
// Forwarded headers are believed only as far as configured proxies wrote them: the right-most hop that is not one of those
// proxies is the client, whatever stands to the left of it (R-NET-7).
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

const MAPPED_BITS = 96;
const MOST_KNOWN = 1_000;

export class AddressList {
  readonly #ranges: readonly Range[];

  /** Single addresses and CIDR ranges; throws on anything else. */
  constructor(ranges: readonly string[]) {
    this.#ranges = ranges.map(parseRange);
  }

  matches(text: string): boolean {
    const address = parseAddress(text);
    return address !== null && this.#ranges.some((range) => range[0].kind() === address.kind() && address.match(range));
  }
}

/** Many keys have one list, that of their organization: it is read once for all of them. */
export class KnownAddressLists {
  readonly #known = new Map<string, AddressList>();

  of(ranges: readonly string[]): AddressList {
    const text = ranges.join();
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const read = new AddressList(ranges);
    this.#known.set(text, read);
    return read;
  }
}

export function clientAddress(
  remoteAddress: string,
  forwardedForHeader: string | undefined,
  trustedProxies: AddressList,
): string {
  let hop = plain(remoteAddress);
  if (forwardedForHeader === undefined) return hop;
  const hops = forwardedForHeader.split(',');
  while (hops.length > 0 && trustedProxies.matches(hop)) {
    const before = withoutPort(hops.pop()?.trim() ?? '');
    // A proxy that did not say an address is itself the last one known.
    if (isIP(before) === 0) return hop;
    hop = plain(before);
  }
  return hop;
}

function parseRange(text: string): Range {
  const [address = '', prefix, ...rest] = text.split('/');
  const kind = isIP(address);
  const bits = prefix === undefined ? (kind === 4 ? 32 : 128) : Number(prefix);
  // A zone, as in fe80::1%eth0, names a network card of somebody's machine.
  const isWhole =
    kind !== 0 && !address.includes('%') && rest.length === 0 && /^\d{0,3}$/.test(prefix ?? '') && prefix !== '';
  if (!isWhole || bits > (kind === 4 ? 32 : 128)) throw new RangeError(`not an address or CIDR range: ${text}`);
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() && bits >= MAPPED_BITS) {
    return [parsed.toIPv4Address(), bits - MAPPED_BITS];
  }
  return [parsed, bits];
}

/** Node's own check first: ipaddr.js also reads 010.1 and 0x7f000001, which other software reads as something else. */
function parseAddress(text: string): Address | null {
  return isIP(text) === 0 ? null : ipaddr.process(text);
}

/** Node reports IPv4 clients of a dual-stack socket as ::ffff:192.0.2.1. */
function plain(address: string): string {
  return address.includes(':') ? (parseAddress(address)?.toString() ?? address) : address;
}

function withoutPort(hop: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(hop)?.[1];
  if (bracketed !== undefined) return bracketed;
  return hop.replace(/^([\d.]+):\d+$/, '$1');
}
