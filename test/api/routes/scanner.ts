// A scanner of public places as GitHub's is one: it signs what it found, and the operator has a file with its public keys.
import { generateKeyPairSync, sign } from 'node:crypto';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const IDENTIFIER = 'a-key-of-the-tests';

/** As https://api.github.com/meta/public_keys/secret_scanning answers. */
export const SCANNER_KEYS = JSON.stringify({
  public_keys: [
    { key_identifier: IDENTIFIER, key: publicKey.export({ type: 'spki', format: 'pem' }), is_current: true },
  ],
});

export function signedByScanner(body: string, signer = privateKey): Record<string, string> {
  return {
    'github-public-key-identifier': IDENTIFIER,
    'github-public-key-signature': sign('sha256', Buffer.from(body), signer).toString('base64'),
  };
}
