// Whether a report of leaked credentials was signed by a scanner that the operator knows: ECDSA over P-256 and SHA-256 of the very bytes, as GitHub's secret
// scanning partner program has it. The public keys are a file of the operator's, as https://api.github.com/meta/public_keys/secret_scanning answers:
// nothing is fetched while a report waits, so whoever stands between us and GitHub names no key (D133).
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';

const PublicKeys = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string().min(1), key: z.string() })).min(1),
});

export class ScannerKeys {
  readonly #known: ReadonlyMap<string, KeyObject>;

  /** @throws Error where that is no list of public keys on the curve P-256 */
  constructor(json: string) {
    const { public_keys: listed } = publicKeysIn(json);
    this.#known = new Map(
      listed.map(({ key_identifier: identifier, key: pem }) => [identifier, onP256(identifier, pem)]),
    );
  }

  /** @throws TollgateError invalid_signature */
  requireSigned(bytes: Buffer, identifier: string, signature: string): void {
    const publicKey = this.#known.get(identifier);
    if (publicKey === undefined) throw unsigned('It names no public key that is known here.');
    if (!verify('sha256', bytes, publicKey, Buffer.from(signature, 'base64')))
      throw unsigned('Its signature is not good.');
  }
}

/** Whoever named another file by mistake does not find it in a log: the parsers quote what they choke on. */
function publicKeysIn(json: string): z.infer<typeof PublicKeys> {
  try {
    return PublicKeys.parse(JSON.parse(json));
  } catch {
    throw new Error('it has no list of public_keys, each with its key_identifier and its key');
  }
}

function onP256(identifier: string, pem: string): KeyObject {
  const publicKey = createPublicKey(pem);
  if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Error(`${identifier} is no public key on the curve P-256`);
  }
  return publicKey;
}

function unsigned(why: string): TollgateError {
  return new TollgateError('invalid_signature', {
    message: `This is no report of a scanner that we know. ${why} Is TOLLGATE_SECRET_SCANNING_KEYS_FILE what the scanner tells of its keys now?`,
  });
}
