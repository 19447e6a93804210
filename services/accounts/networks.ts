// From which network somebody asks. An IPv6 customer has a /64 to himself and may ask from each of its addresses in turn; it is one network here. Where
// much is to be had by being many, all that one customer can be given counts as one (RFC 6177: a /48).
import ipaddr from 'ipaddr.js';

export function networkOf(clientAddress: string): string {
  return within(clientAddress, 64);
}

export function siteOf(clientAddress: string): string {
  return within(clientAddress, 48);
}

function within(clientAddress: string, prefixOfIpv6: number): string {
  if (!ipaddr.isValid(clientAddress)) return clientAddress;
  const address = ipaddr.process(clientAddress);
  return address instanceof ipaddr.IPv6
    ? ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${prefixOfIpv6}`).toString()
    : address.toString();
}
