// What a passkey has signed, checked by @simplewebauthn/server: that it is of our site, of this question, and that the device has checked who uses it.
// The library is loaded by whoever needs it first: it takes 27 MB and 0.15 s, which a gateway that nobody signs in at keeps.
import { wrongPasskey } from './passkey-challenges.ts';

/** Whose passkeys are good here: they are bound to a name, and never to an address. */
export interface RelyingParty {
  readonly id: string;
  readonly name: string;
  readonly origin: string;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Of a machine of one's own by its name. */
export function relyingPartyAt(publicUrl: string): RelyingParty {
  const url = new URL(publicUrl);
  if (LOOPBACK.test(url.hostname)) url.hostname = 'localhost';
  return { id: url.hostname, name: 'Tollgate', origin: url.origin };
}

/** As a browser sends it, base64url. */
export interface SignedRegistration {
  readonly id: string;
  readonly clientDataJSON: string;
  readonly attestationObject: string;
}

export interface MadePasskey {
  readonly credentialId: string;
  readonly publicKey: Buffer;
  readonly counter: number;
}

/** Ed25519, ECDSA and RSA, by their COSE numbers. */
export const ALGORITHMS: readonly number[] = [-8, -7, -257];

/** @throws TollgateError wrong_passkey */
export async function madePasskey(
  { id: expectedRPID, origin: expectedOrigin }: RelyingParty,
  expectedChallenge: string,
  { id, ...response }: SignedRegistration,
): Promise<MadePasskey> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  await requireNoCertificate(response.attestationObject);
  const { registrationInfo } = await verifyRegistrationResponse({
    response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response },
    ...{ expectedChallenge, expectedOrigin, expectedRPID },
    supportedAlgorithmIDs: [...ALGORITHMS],
    requireUserVerification: true,
  }).catch(asWrongPasskey);
  if (registrationInfo === undefined) throw wrongPasskey();
  const { id: credentialId, publicKey, counter } = registrationInfo.credential;
  return { credentialId, publicKey: Buffer.from(publicKey), counter };
}

/** We asked for none; and of one that a stranger made up the library would fetch the revocation list from wherever it says. */
async function requireNoCertificate(attestationObject: string): Promise<void> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  const attestation = await Promise.resolve(new Uint8Array(Buffer.from(attestationObject, 'base64url')))
    .then(decodeAttestationObject)
    .catch(asWrongPasskey);
  const format = attestation.get('fmt');
  const isSelfMade = format === 'packed' && attestation.get('attStmt').get('x5c') === undefined;
  if (format !== 'none' && !isSelfMade) throw wrongPasskey();
}

/** As a browser sends it, base64url. */
export interface SignedQuestion {
  readonly id: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
  readonly userHandle: string;
}

/** Answers how often it has signed, as it says itself. @throws TollgateError wrong_passkey */
export async function countSigned(
  { id: expectedRPID, origin: expectedOrigin }: RelyingParty,
  expectedChallenge: string,
  { id, ...response }: SignedQuestion,
  publicKey: Buffer,
): Promise<number> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response },
    ...{ expectedChallenge, expectedOrigin, expectedRPID },
    // What it counts is compared where it is written down (takePasskey).
    credential: { id, publicKey: new Uint8Array(publicKey), counter: 0 },
    requireUserVerification: true,
  }).catch(asWrongPasskey);
  if (!verified) throw wrongPasskey();
  return authenticationInfo.newCounter;
}

/** The library says in a text of its own what is wrong with bytes that anybody may have sent. */
function asWrongPasskey(): never {
  throw wrongPasskey();
}
