// An API key bound to addresses is only as strong as our idea of whose address a request comes from.
import { expect, test } from '@jest/globals';
import { AddressList, clientAddress } from '../../../services/api-keys/address-list.ts';

const NOBODY = new AddressList([]);
const NGINX = new AddressList(['10.0.0.0/8', '::1']);

test('an address is allowed by itself and by its range, in IPv4 and IPv6', () => {
  const list = new AddressList(['203.0.113.7', '198.51.100.0/24', '2001:db8:5::/48']);

  for (const inside of ['203.0.113.7', '198.51.100.0', '198.51.100.255', '2001:db8:5::1', '2001:DB8:5:FFFF::']) {
    expect(list.matches(inside)).toBe(true);
  }
  for (const outside of ['203.0.113.8', '198.51.101.0', '2001:db8:6::1', '::', '0.0.0.0']) {
    expect(list.matches(outside)).toBe(false);
  }
});

test('an IPv4 address is the same address when a socket reports it as IPv6', () => {
  const list = new AddressList(['198.51.100.0/24']);

  expect(list.matches('::ffff:198.51.100.9')).toBe(true);
  expect(list.matches('::ffff:c633:6409')).toBe(true);
  expect(list.matches('::ffff:198.51.101.9')).toBe(false);
  expect(new AddressList(['::ffff:198.51.100.0/120']).matches('198.51.100.9')).toBe(true);
});

test('what is not written as an address matches nothing, not even everything', () => {
  const everyone = new AddressList(['0.0.0.0/0', '::/0']);

  for (const text of ['', 'localhost', '127.1', '0x7f000001', '010.0.0.1', '2130706433', '10.0.0.1 ', '10.0.0.1/8']) {
    expect(everyone.matches(text)).toBe(false);
  }
});

test.each(['', 'nginx', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0/8', '::/129', '10.0.0.0/-1'])(
  'the range %p is refused',
  (range) => {
    expect(() => new AddressList([range])).toThrow(RangeError);
  },
);

test('without trusted proxies the socket is the client, whatever the header says', () => {
  expect(clientAddress('192.0.2.1', '203.0.113.7', NOBODY)).toBe('192.0.2.1');
  expect(clientAddress('::ffff:192.0.2.1', undefined, NOBODY)).toBe('192.0.2.1');
});

test('behind trusted proxies the client is the right-most hop that is none of them', () => {
  expect(clientAddress('10.0.0.2', '203.0.113.7', NGINX)).toBe('203.0.113.7');
  expect(clientAddress('::1', '203.0.113.7, 10.1.1.1', NGINX)).toBe('203.0.113.7');
  expect(clientAddress('::ffff:10.0.0.2', '2001:db8::1', NGINX)).toBe('2001:db8::1');
});

test('a forged hop to the left of an untrusted one is never believed', () => {
  const forged = '198.51.100.1, 203.0.113.7, 10.1.1.1';

  expect(clientAddress('10.0.0.2', forged, NGINX)).toBe('203.0.113.7');
  expect(clientAddress('203.0.113.9', forged, NGINX)).toBe('203.0.113.9');
  expect(clientAddress('10.0.0.2', 'garbage, 203.0.113.7', NGINX)).toBe('203.0.113.7');
});

test('a proxy that does not say an address is itself the last one known', () => {
  for (const unsaid of ['unknown', '', '203.0.113.7, ', '_hidden', 'client.example']) {
    expect(clientAddress('10.0.0.2', unsaid, NGINX)).toBe('10.0.0.2');
  }
});

test('when every hop is trusted the first one is the client', () => {
  expect(clientAddress('10.0.0.2', '10.3.3.3, 10.1.1.1', NGINX)).toBe('10.3.3.3');
});

test('ports that some proxies write are no part of the address', () => {
  expect(clientAddress('10.0.0.2', '203.0.113.7:50123', NGINX)).toBe('203.0.113.7');
  expect(clientAddress('10.0.0.2', '[2001:db8::1]:443', NGINX)).toBe('2001:db8::1');
});
