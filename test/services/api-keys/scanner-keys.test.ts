// A report is believed when a public key that the operator has named signed these very bytes; the first example is GitHub's own, from the pages of its
// secret scanning partner program.
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { ScannerKeys } from '../../../services/api-keys/scanner-keys.ts';

const GITHUBS = {
  identifier: 'f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d',
  pem: '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n-----END PUBLIC KEY-----',
  body: '[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]',
  signature: 'MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY=',
};

function listed(identifier: string, pem: string): string {
  return JSON.stringify({ public_keys: [{ key_identifier: identifier, key: pem, is_current: true }] });
}

const scanners = new ScannerKeys(listed(GITHUBS.identifier, GITHUBS.pem));

function isBelieved({ body, identifier, signature } = GITHUBS): boolean {
  try {
    scanners.requireSigned(Buffer.from(body), identifier, signature);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_signature' });
    return false;
  }
}

test('GitHub’s own example is believed', () => {
  expect(isBelieved()).toBe(true);
});

test.each([
  ['other bytes', { ...GITHUBS, body: `${GITHUBS.body} ` }],
  ['a public key that nobody has named', { ...GITHUBS, identifier: 'another' }],
  ['no signature', { ...GITHUBS, signature: '' }],
  ['garbage for one', { ...GITHUBS, signature: '\u00ff!' }],
])('with %s a report is not', (_, report) => {
  expect(isBelieved(report)).toBe(false);
});

test.each([
  ['an RSA key', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey],
  ['a key on another curve', generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey],
])('%s is refused when the file is read', (_, publicKey) => {
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  expect(() => new ScannerKeys(listed('it', pem))).toThrow('no public key on the curve P-256');
  expect(() => new ScannerKeys('{"public_keys":[]}')).toThrow();
});
