// What the pages take for an address or a range is what the API takes: nothing is sent to be refused, and nothing refused that would be taken.
import { expect, test } from '@jest/globals';
import { addressRange } from '../../api/routes/field-schemas.ts';
import { areRanges, listOf, textOf } from '../../console/src/address-ranges.ts';

const TAKEN = [
  ...['203.0.113.7', '10.0.0.0/8', '0.0.0.0/0', '255.255.255.255/32', '10.1.2.3/08'],
  ...['::1', '2001:db8::/32', '2001:DB8::7/128', '::ffff:10.0.0.1', '::/0'],
];
const REFUSED = [
  ...['10.0.0.256', '10.0.0.0/33', '010.0.0.1', '0x7f000001', '10.1', '10.0.0.0/', '/8', '10.0.0.0/8/8', '10.0.0.0/-1'],
  ...['2001:db8::/129', '::g', '1:2:3', 'fe80::1%eth0', '[::1]', 'example.com', '*', '10.0.0.*'],
];

test.each([...TAKEN.map((text) => [text, true] as const), ...REFUSED.map((text) => [text, false] as const)])(
  '%s: %s',
  (text, isTaken) => {
    expect([areRanges(text), addressRange.safeParse(text).success]).toEqual([isTaken, isTaken]);
  },
);

test('a list is written with spaces, commas or lines between, each range once; nothing written is no list', () => {
  expect(listOf(' 10.0.0.0/8,203.0.113.7\n10.0.0.0/8，::1、')).toEqual(['10.0.0.0/8', '203.0.113.7', '::1']);
  expect([listOf(' \n'), areRanges(' \n'), textOf(null)]).toEqual([null, true, '']);
  expect(listOf(textOf(['10.0.0.0/8', '::1']))).toEqual(['10.0.0.0/8', '::1']);
});
