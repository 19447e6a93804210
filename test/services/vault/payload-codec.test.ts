// What Temporal stores is read with the key that sealed it and with no other, and a key that no longer seals still opens.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { keyIdOf, type Payload, PayloadCodec } from '../../../services/vault/payload-codec.ts';
import { parseKeyring } from '../../../services/vault/vault.ts';

const [first, second] = [0, 1].map(() => randomBytes(32).toString('base64'));
const codec = (current: number, keys: object) =>
  new PayloadCodec(parseKeyring('Payload', JSON.stringify({ current, keys })));
const SECRET: Payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"actor":"Ada"}') };

test('a payload comes back as it was, its metadata too, and what is stored shows neither', async () => {
  const one = codec(1, { 1: first });

  const [stored] = await one.encode([SECRET]);

  expect(Buffer.from(stored?.data ?? []).toString('latin1')).not.toMatch(/Ada|json/);
  expect(await one.decode([stored ?? {}])).toEqual([SECRET]);
});

test('after a rotation new payloads are sealed under the new key id, and those of the earlier one still open', async () => {
  const [old = {}] = await codec(1, { 1: first }).encode([SECRET]);
  const rotated = codec(2, { 1: first, 2: second });

  const [fresh = {}] = await rotated.encode([SECRET]);

  expect([keyIdOf(old), keyIdOf(fresh)]).toEqual(['1', '2']);
  expect(await rotated.decode([old, fresh])).toEqual([SECRET, SECRET]);
});

test.each([
  ['a key that is gone', () => codec(2, { 2: second }), (stored: Payload) => stored, 'there is no payload key 1'],
  ['another key of the same id', () => codec(1, { 1: second }), (stored: Payload) => stored, /authenticate/],
  ['a changed byte', () => codec(1, { 1: first }), withByteChanged, /authenticate/],
  [
    'a cut',
    () => codec(1, { 1: first }),
    ({ metadata }: Payload) => ({ metadata, data: Buffer.alloc(9) }),
    'cut short',
  ],
])('with %s a payload does not open', async (_, opener, change, told) => {
  const [stored = {}] = await codec(1, { 1: first }).encode([SECRET]);

  const opened = opener().decode([change(stored) as Payload]);

  await expect(opened).rejects.toThrow(told);
});

function withByteChanged({ metadata, data }: Payload): Payload {
  const changed = Buffer.from(data ?? []);
  changed.writeUInt8(changed.readUInt8(20) ^ 1, 20);
  return { metadata: metadata ?? {}, data: changed };
}

test('what nobody encrypted passes unchanged', async () => {
  expect(await codec(1, { 1: first }).decode([SECRET])).toEqual([SECRET]);
});
