// A sealed secret opens in its own place only: not changed, not moved to another row, and not for another upstream.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { parseKeyring, type SealContext, type Sealed, Vault } from '../../../services/vault/vault.ts';

const SECRET = 'sk-upstream-4f9c1b77aa';
const CONTEXT: SealContext = {
  table: 'channel_keys',
  rowId: '0b0e7a52-0000-4000-8000-000000000001',
  column: 'sealed',
  origin: 'https://api.example.com',
};
const TEXT_FIELDS = ['wrapped', 'wrapNonce', 'wrapTag', 'nonce', 'tag', 'data'] as const;

function newKey(): string {
  return randomBytes(32).toString('base64');
}

function keyring(current: unknown, keys: Record<string, unknown>): string {
  return JSON.stringify({ current, keys });
}

function newVault(): Vault {
  return new Vault(parseKeyring('Master', keyring(1, { 1: newKey() })));
}

test('what was sealed opens in its own place, whatever characters it has', () => {
  const vault = newVault();
  for (const plaintext of [SECRET, '', 'Schlüssel 🔑', '\u0000', 'x'.repeat(100_000)]) {
    expect(vault.open(vault.seal(plaintext, CONTEXT, 1), CONTEXT)).toBe(plaintext);
  }
});

test('a sealed secret survives storage as JSON and tells nothing of its text', () => {
  const vault = newVault();
  const sealed = vault.seal(SECRET, CONTEXT, 1);

  const stored = JSON.stringify(sealed);

  expect(stored).not.toContain(SECRET);
  expect(Buffer.from(sealed.data, 'base64').toString('latin1')).not.toContain(SECRET.slice(0, 6));
  expect(vault.open(JSON.parse(stored) as Sealed, CONTEXT)).toBe(SECRET);
});

test('the same secret sealed twice shares no data key, nonce or ciphertext', () => {
  const vault = newVault();
  const first = vault.seal(SECRET, CONTEXT, 1);
  const second = vault.seal(SECRET, CONTEXT, 1);
  for (const field of TEXT_FIELDS) expect(first[field]).not.toBe(second[field]);
});

test('no bit of any field can be flipped', () => {
  const vault = newVault();
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  let flips = 0;
  for (const field of TEXT_FIELDS) {
    const bytes = Buffer.from(sealed[field], 'base64');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => vault.open({ ...sealed, [field]: flipped.toString('base64') }, CONTEXT)).toThrow(/does not open/);
      flips += 1;
    }
  }
  expect(flips).toBe((32 + 12 + 16 + 12 + 16 + SECRET.length) * 8);
});

test('no character of the stored text can be changed, not even one that decodes to the same bytes', () => {
  const vault = newVault();
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  for (const field of TEXT_FIELDS) {
    const text = sealed[field];
    for (let at = 0; at < text.length; at += 1) {
      const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      expect(() => vault.open({ ...sealed, [field]: changed }, CONTEXT)).toThrow(/does not open/);
    }
    for (const changed of ['', text.slice(0, -4), `${text}AAAA`, `${text}\n`, `${text.replace(/=*$/, '')}!`]) {
      expect(() => vault.open({ ...sealed, [field]: changed }, CONTEXT)).toThrow(/does not open/);
    }
  }
});

test('a tag cut short is not accepted as a weaker tag', () => {
  const vault = newVault();
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  for (let length = 0; length < 16; length += 1) {
    const tag = Buffer.from(sealed.tag, 'base64').subarray(0, length).toString('base64');
    expect(() => vault.open({ ...sealed, tag }, CONTEXT)).toThrow(/does not open/);
    expect(() => vault.open({ ...sealed, wrapTag: tag }, CONTEXT)).toThrow(/does not open/);
  }
});

test('a sealed secret opens in no other table, row, column and for no other origin', () => {
  const vault = newVault();
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  const elsewhere: readonly Partial<SealContext>[] = [
    { table: 'webhook_secrets' },
    { rowId: '0b0e7a52-0000-4000-8000-000000000002' },
    { column: 'sealed_before' },
    { origin: 'http://api.example.com' },
    { origin: 'https://api.example.com:8443' },
    { origin: 'https://api.example.com.evil.test' },
    { origin: '' },
  ];
  for (const change of elsewhere) {
    expect(() => vault.open(sealed, { ...CONTEXT, ...change })).toThrow(/does not open/);
  }
});

test('text cannot wander from one field of the context into the next', () => {
  const vault = newVault();
  const sealed = vault.seal(SECRET, { ...CONTEXT, table: 'a', rowId: 'b","c' }, 1);
  expect(() => vault.open(sealed, { ...CONTEXT, table: 'a","b', rowId: 'c' })).toThrow(/does not open/);
});

test('the layers of two secrets cannot be combined', () => {
  const vault = newVault();
  const first = vault.seal(SECRET, CONTEXT, 1);
  const second = vault.seal('another secret', CONTEXT, 1);
  const { nonce, tag, data } = second;
  expect(() => vault.open({ ...first, nonce, tag, data }, CONTEXT)).toThrow(/does not open/);
});

test('a new version seals, and what the old version sealed still opens', () => {
  const [first, second] = [newKey(), newKey()];
  const before = new Vault(parseKeyring('Master', keyring(1, { 1: first })));
  const after = new Vault(parseKeyring('Master', keyring(2, { 1: first, 2: second })));
  const old = before.seal(SECRET, CONTEXT, 1);

  expect(after.open(old, CONTEXT)).toBe(SECRET);
  expect(after.open(after.seal(SECRET, CONTEXT, 2), CONTEXT)).toBe(SECRET);
});

test('the version is part of what is sealed: relabelling it does not open, even when both versions hold the same key', () => {
  const masterKey = newKey();
  const vault = new Vault(parseKeyring('Master', keyring(1, { 1: masterKey, 2: masterKey })));
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  expect(() => vault.open({ ...sealed, v: 2 }, CONTEXT)).toThrow(/does not open/);
});

test('a wrap is renewed under a newer version: the secret opens as before, and its ciphertext is the one it was', () => {
  const vault = new Vault(parseKeyring('Master', keyring(1, { 1: newKey(), 2: newKey() })));
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  const { table, rowId, column } = CONTEXT;

  const renewed = vault.renewWrap(sealed, { table, rowId, column }, 2);

  expect([renewed.v, vault.open(renewed, CONTEXT)]).toEqual([2, SECRET]);
  expect([renewed.data, renewed.nonce, renewed.tag]).toEqual([sealed.data, sealed.nonce, sealed.tag]);
  for (const field of ['wrapped', 'wrapNonce', 'wrapTag'] as const) expect(renewed[field]).not.toBe(sealed[field]);
  expect(() => vault.open(renewed, { ...CONTEXT, origin: 'https://evil.test' })).toThrow(/does not open/);
});

test('a wrap that was changed, or stands elsewhere, is not renewed', () => {
  const vault = new Vault(parseKeyring('Master', keyring(1, { 1: newKey(), 2: newKey() })));
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  const { wrapped } = vault.seal(SECRET, CONTEXT, 1);

  expect(() => vault.renewWrap({ ...sealed, wrapped }, CONTEXT, 2)).toThrow(/is not renewed/);
  for (const change of [{ table: 'others' }, { rowId: 'another' }, { column: 'other' }]) {
    expect(() => vault.renewWrap(sealed, { ...CONTEXT, ...change }, 2)).toThrow(/is not renewed/);
  }
});

test('a secret of an unknown master key version says which version is missing', () => {
  const sealed = newVault().seal(SECRET, CONTEXT, 1);
  expect(() => newVault().open({ ...sealed, v: 9 }, CONTEXT)).toThrow(/no master key of version 9/);
});

test('errors name the place and hold neither the secret nor a key', () => {
  const masterKey = newKey();
  const vault = new Vault(parseKeyring('Master', keyring(1, { 1: masterKey })));
  const sealed = vault.seal(SECRET, CONTEXT, 1);
  const thrown = grab(() => vault.open(sealed, { ...CONTEXT, origin: 'https://evil.test' }));

  expect(thrown.message).toContain(CONTEXT.rowId);
  for (const text of [thrown.message, thrown.stack ?? '', JSON.stringify(thrown)]) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(masterKey);
  }
});

test.each([
  ['no JSON', `{"current":1,"keys":{"1":"${'c2VjcmV0'.repeat(5)}"`],
  ['nothing', ''],
  ['not an object', '"keys"'],
  ['null', 'null'],
  ['no keys', '{"current":1}'],
  ['null keys', '{"current":1,"keys":null}'],
  ['empty keys', keyring(1, {})],
  ['an empty key', keyring(1, { 1: '' })],
  ['a key that is no string', keyring(1, { 1: 5 })],
  ['a short key', keyring(1, { 1: randomBytes(31).toString('base64') })],
  ['a long key', keyring(1, { 1: randomBytes(33).toString('base64') })],
  ['a key of zeros', keyring(1, { 1: Buffer.alloc(32).toString('base64') })],
  ['a key of one repeated byte', keyring(1, { 1: Buffer.alloc(32, 0x41).toString('base64') })],
  [
    'a key of bytes in a row',
    keyring(1, { 1: Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64') }),
  ],
  ['a key that is a sentence', keyring(1, { 1: Buffer.from('this master key is not a secret!').toString('base64') })],
  ['hex', keyring(1, { 1: randomBytes(32).toString('hex') })],
  ['base64url', keyring(1, { 1: '-_'.repeat(21) })],
  ['base64 with a line break', keyring(1, { 1: `${newKey()}\n` })],
  ['an unknown current version', keyring(2, { 1: newKey() })],
  ['a current version that is text', keyring('1', { 1: newKey() })],
  ['no current version', JSON.stringify({ keys: { 1: newKey() } })],
  ['a version that is no number', keyring(1, { 1: newKey(), next: newKey() })],
  ['a key in the place of its version', keyring(1, { 1: newKey(), ['c2VjcmV0'.repeat(5)]: '1' })],
  ['one bad key beside a good one', keyring(1, { 1: newKey(), 2: 'short' })],
])('master keys are refused: %s', (_, json) => {
  const { message } = grab(() => parseKeyring('Master', json));
  expect(message).toMatch(/^Master keys refused: /);
  expect(message).not.toContain('c2VjcmV0');
});

function grab(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
