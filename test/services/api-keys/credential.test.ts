// A credential is recognized by its shape before the database is asked, so that guesses cost nothing.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, hasValidChecksum, newCredential } from '../../../services/api-keys/credential.ts';

test('a new credential has the published shape, and people see only its ends', () => {
  const { credential, digest, prefix, lastFour } = newCredential();

  expect(credential).toMatch(/^sk-tg-[0-9A-Za-z]{49}$/);
  expect(hasValidChecksum(credential)).toBe(true);
  expect(credential.startsWith(prefix)).toBe(true);
  expect(prefix).toHaveLength(10);
  expect(credential.endsWith(lastFour)).toBe(true);
  expect(digest).toEqual(createHash('sha256').update(credential).digest());
  expect(digestOf(credential)).toBe(digest.toString('hex'));
});

test('the checksum is the CRC-32 of the 43 random characters, in base62', () => {
  const { credential } = newCredential();
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

  const checksum = [...credential.slice(49)].reduce((value, digit) => value * 62 + digits.indexOf(digit), 0);

  expect(checksum).toBe(crc32(credential.slice(6, 49)));
});

test('no two credentials are alike', () => {
  expect(new Set(Array.from({ length: 1_000 }, () => newCredential().credential)).size).toBe(1_000);
});

test('any one wrong character is found without the database', () => {
  const { credential } = newCredential();
  fc.assert(
    fc.property(fc.nat(credential.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (position, character) => {
      fc.pre(credential[position] !== character);
      expect(hasValidChecksum(credential.slice(0, position) + character + credential.slice(position + 1))).toBe(false);
    }),
  );
});

test('what is no credential at all is refused without an error', () => {
  const { credential } = newCredential();
  const strangers = ['', 'sk-tg-', ' ', credential.slice(0, -1), `${credential}0`, `${credential}\n`, ` ${credential}`];
  for (const stranger of strangers) expect(hasValidChecksum(stranger)).toBe(false);
  fc.assert(fc.property(fc.string(), (text) => !hasValidChecksum(text)));
});
