// From which network somebody asks. An IPv6 customer has a /64 to himself and may ask from each of its addresses in turn; it is one network here.
import ipaddr from 'ipaddr.js';

export function networkOf(clientAddress: string): string {
  if (!ipaddr.isValid(clientAddress)) return clientAddress;
  const address = ipaddr.process(clientAddress);
  return address instanceof ipaddr.IPv6
    ? ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/64`).toString()
    : address.toString();
}
