// Every notation of a private, local or metadata address is refused: one that slips through makes the gateway a door into the
// network behind it.
import { expect, test } from '@jest/globals';
import { isForbiddenAddress, isForbiddenHost } from '../../../services/egress/address-guard.ts';

const NEVER = [
  // unspecified, broadcast, multicast, link-local, metadata
  ...['0.0.0.0', '0.0.0.1', '0.255.255.255', '255.255.255.255', '224.0.0.1', '239.255.255.250', '232.1.2.3'],
  ...['169.254.0.1', '169.254.169.254', '169.254.170.2', '169.254.255.255', '168.63.129.16', '192.0.0.192'],
  // carrier-grade NAT, where Alibaba keeps its metadata service
  ...['100.64.0.1', '100.100.100.200', '100.127.255.255'],
  // documentation, benchmarks, protocol assignments, relays, reserved
  ...['192.0.0.1', '192.0.0.8', '192.0.2.1', '198.51.100.7', '203.0.113.9', '198.18.0.1', '198.19.255.255'],
  ...['192.88.99.1', '192.31.196.1', '192.175.48.6', '192.52.193.1', '240.0.0.1', '250.1.2.3', '255.255.255.254'],
  // IPv6: unspecified, multicast, link-local, site-local, discard, documentation, benchmarks
  ...['::', 'ff02::1', 'ff05::2', 'ff0e::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', '100::1'],
  ...['2001:db8::1', '3fff::1', '2001:2::1', '5f00::1', '2001:10::1', '2001:20::1', '2001:30::1'],
  // IPv6 metadata services, also with a zone
  ...['fd00:ec2::254', 'fd20:ce::254', 'fd00:ec2::254%eth0', '::1%lo', 'fd00::1%eth0'],
  // IPv4 inside IPv6: NAT64 (both prefixes), 6to4, Teredo, SIIT, compatible
  ...['64:ff9b::7f00:1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::8.8.8.8', '64:ff9b:1::7f00:1'],
  ...['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::1', '2001:0:7f00:1::', '2001::ce49:7601:e866:efff'],
  ...['::ffff:0:7f00:1', '::ffff:0:127.0.0.1', '::7f00:1', '::a00:1', '::a9fe:a9fe', '::8'],
  // mapped, and what it maps is never allowed
  ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::ffff:0.0.0.0', '::ffff:224.0.0.1', '::ffff:168.63.129.16'],
  ...['::ffff:100.100.100.200', '0:0:0:0:0:ffff:a9fe:a9fe', '::ffff:255.255.255.255'],
  // not assigned to anybody
  ...['4000::1', '8000::1', 'c000::1', 'e000::1', '1000::1', '200::1', 'f000::1', '3::1', '6000::1'],
  // metadata and unspecified, spelled otherwise
  ...['0xa9.0xfe.0xa9.0xfe', '0xa9fea9fe', '2852039166', '0251.0376.0251.0376', '169.16689662', '0', '0x0', '00'],
  // nothing that can be read as an address
  ...[
    '',
    ' ',
    'localhost',
    'example.com',
    '1.2.3.',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.4 ',
    '[::1]',
    ':::1',
    'g::1',
    '-1',
  ],
];

const LOCAL = [
  ...['127.0.0.1', '127.0.0.2', '127.1.2.3', '127.255.255.254', '10.0.0.1', '10.255.255.255', '172.16.0.1'],
  ...['172.31.255.255', '192.168.0.1', '192.168.255.255', '::1', 'fc00::1', 'fd12:3456:789a::1'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.1.2.3', '::ffff:192.168.1.1', '0:0:0:0:0:0:0:1', '::127.0.0.1'],
  ...['127.1', '0x7f.1', '0x7f000001', '2130706433', '017700000001', '0177.0.0.1', '0x7f.0x0.0x0.0x1', '127.0x000001'],
];

const GLOBAL = ['8.8.8.8', '1.1.1.1', '104.18.6.192', '172.15.255.255', '172.32.0.1', '100.63.255.255', '100.128.0.1'];
const GLOBAL_V6 = ['2606:4700::1111', '2001:4860:4860::8888', '2a00:1450:4001::1', '::ffff:8.8.8.8'];

test('the table is long enough to be worth its name', () => {
  expect(new Set([...NEVER, ...LOCAL]).size).toBe(NEVER.length + LOCAL.length);
  expect(NEVER.length + LOCAL.length).toBeGreaterThanOrEqual(130);
});

test.each(NEVER)('%j is refused, whatever the operator allowed', (address) => {
  expect(isForbiddenAddress(address, false)).toBe(true);
  expect(isForbiddenAddress(address, true)).toBe(true);
});

test.each(LOCAL)('%j is refused unless the operator allowed local addresses', (address) => {
  expect(isForbiddenAddress(address, false)).toBe(true);
  expect(isForbiddenAddress(address, true)).toBe(false);
});

test.each([...GLOBAL, ...GLOBAL_V6])('%j is a public address', (address) => {
  expect(isForbiddenAddress(address, false)).toBe(false);
  expect(isForbiddenAddress(address, true)).toBe(false);
});

test.each([
  ...['metadata', 'metadata.google.internal', 'METADATA.GOOGLE.INTERNAL.', 'instance-data', '169.254.169.254'],
  ...['0xa9fea9fe', '2852039166', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[64:ff9b::7f00:1]', '[fd00:ec2::254]'],
  ...['①⑥⑨.②⑤④.①⑥⑨.②⑤④', '169。254。169。254', '%31%36%39.254.169.254', '0', '0.0.0.0', '[::]'],
  ...[
    '',
    '.',
    '..',
    'a..',
    '256.1.1.1',
    '1.2.3.4.5',
    'example.0x7f',
    'a b',
    'a/b',
    'a\\b',
    'a?b',
    'user@host',
    'host:80',
    'local\thost',
    '[::1',
  ],
])('the host %j is refused, whatever the operator allowed', (host) => {
  expect(isForbiddenHost(host, false)).toBe(true);
  expect(isForbiddenHost(host, true)).toBe(true);
});

test.each([
  ...[
    'localhost',
    'LOCALHOST',
    'localhost.',
    'api.localhost',
    'nas.local',
    'db.internal',
    'box.home.arpa',
    'a.localdomain',
  ],
  ...['127.0.0.1', '127.0.0.1.', '127.1', '0x7f.1', '2130706433', '017700000001', '[::1]', '::1', '[::ffff:7f00:1]'],
  ...['①②⑦.⓪.⓪.①', '127。0。0。1', '%31%32%37.0.0.1', '10.0.0.8', '[fd12::1]'],
])('the host %j is refused unless the operator allowed local addresses', (host) => {
  expect(isForbiddenHost(host, false)).toBe(true);
  expect(isForbiddenHost(host, true)).toBe(false);
});

test.each(['api.openai.com', 'api.anthropic.com.', 'bücher.example', 'internal.example.com', 'localhost.example.com'])(
  'the host %j is a public one as far as its name goes',
  (host) => {
    expect(isForbiddenHost(host, false)).toBe(false);
  },
);
