// Addresses and ranges as people list them, so that a wrong one is told before it is sent. The API has the last word.

/** Null: nothing is listed, so nothing is excluded. */
export function listOf(text: string): string[] | null {
  const items = [...new Set(text.split(/[\s,，、]+/).filter((item) => item !== ''))];
  return items.length === 0 ? null : items;
}

/** As they are kept, to be changed. */
export function textOf(list: readonly string[] | null): string {
  return (list ?? []).join(', ');
}

/** Also of nothing. */
export function areRanges(text: string): boolean {
  return (listOf(text) ?? []).every(isRange);
}

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);

function isRange(item: string): boolean {
  const [address = '', bits, ...rest] = item.split('/');
  const isIpv4 = IPV4.test(address);
  const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIpv4 ? 32 : 128));
  return rest.length === 0 && isPrefix && (isIpv4 || isIpv6(address));
}

/** As the browser reads one between brackets. */
function isIpv6(address: string): boolean {
  return /^[\da-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]/`);
}
