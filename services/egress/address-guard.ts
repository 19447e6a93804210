// Which addresses the product may never connect to on behalf of a configured URL (SSRF, R-NET-1).
// Global unicast addresses are let through and everything else is refused: what nobody thought of is refused too.
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';

/** What an operator may open for one channel: a model server on this machine or in this network. */
const LOCAL_RANGES: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal']);

// Metadata services that hand out a machine's credentials and do not lie in a link-local range: Azure, AWS and Google by IPv6.
// Alibaba's 100.100.100.200 is why carrier-grade NAT is never local, although overlay networks use it too.
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(['168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254']);
const METADATA_HOSTS: ReadonlySet<string> = new Set(['metadata', 'metadata.google.internal', 'instance-data']);

/** Names that mean a machine of ours whatever DNS says about them. */
const LOCAL_NAMES = /(^|\.)(localhost|localdomain|local|internal|home\.arpa)$/;

const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

export function isForbiddenAddress(address: string, allowLocal: boolean): boolean {
  if (!ipaddr.isValid(address) || address.includes('%')) return true;
  const parsed = ipaddr.process(address); // ::ffff:127.0.0.1 is judged as 127.0.0.1
  if (METADATA_ADDRESSES.has(parsed.toString())) return true;
  const range = parsed.range();
  if (range === 'unicast') return parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_IPV6);
  return !(allowLocal && LOCAL_RANGES.has(range));
}

/** Why a channel may not have this base URL; null when nothing speaks against it before its name is resolved. */
export function problemOfBaseUrl(baseUrl: string, allowLocal: boolean): string | null {
  if (!URL.canParse(baseUrl)) return 'it is not an absolute URL';
  const { protocol, username, password, hostname, search, hash } = new URL(baseUrl);
  if (protocol !== 'https:' && !(allowLocal && protocol === 'http:')) {
    return 'https is required unless the channel allows local addresses';
  }
  if (username !== '' || password !== '') return 'a base URL holds no credentials';
  if (search !== '' || hash !== '') return 'a base URL ends with its path';
  if (isForbiddenHost(hostname, allowLocal)) return `${hostname} is not a host that this channel may use`;
  return null;
}

/** For the host of a URL as somebody wrote it, before anything is resolved: 0x7f.1, 2130706433, ①②⑦.⓪.⓪.① and their like. */
export function isForbiddenHost(host: string, allowLocal: boolean): boolean {
  const unbracketed = host.replace(/^\[(.*)\]$/, '$1');
  if (unbracketed.includes(':')) return isForbiddenAddress(unbracketed, allowLocal);
  if (/[\s/\\?#@]/.test(unbracketed)) return true;
  const name = domainToASCII(unbracketed).replace(/\.$/, '');
  if (name === '' || name.endsWith('.') || METADATA_HOSTS.has(name)) return true;
  if (ipaddr.isValid(name)) return isForbiddenAddress(name, allowLocal);
  return LOCAL_NAMES.test(name) && !allowLocal;
}
