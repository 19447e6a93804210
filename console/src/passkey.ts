// Passkeys, as browsers have them: what the API asks is put to a device, and what that signs goes back to the API. It asks for a finger, a face or a PIN
// itself. What becomes of it otherwise is told as a Problem.
import type { paths } from '../generated/api.d.ts';
import { Problem } from './api/problem.ts';

type Body<P extends '/api/v1/me/passkeys/confirm' | '/api/v1/sign-ins/passkey'> =
  paths[P]['post']['requestBody']['content']['application/json'];

export function hasPasskeys(): boolean {
  return 'PublicKeyCredential' in window && 'parseCreationOptionsFromJSON' in PublicKeyCredential;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Of this page, on one's own machine, where no passkey can be bound to the number that it was opened by. Null: it has a name, or none that is known. */
export function namedAddress(): string | null {
  if (!LOOPBACK.test(location.hostname)) return null;
  const address = new URL(location.href);
  address.hostname = 'localhost';
  return address.href;
}

export async function makePasskey(
  options: PublicKeyCredentialCreationOptionsJSON,
): Promise<Omit<Body<'/api/v1/me/passkeys/confirm'>, 'name'>> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = await told(() => navigator.credentials.create({ publicKey }));
  const { id, response } = made.toJSON() as RegistrationResponseJSON;
  return { id, clientDataJSON: response.clientDataJSON, attestationObject: response.attestationObject };
}

export async function signByPasskey(
  question: PublicKeyCredentialRequestOptionsJSON,
): Promise<Body<'/api/v1/sign-ins/passkey'>> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(question);
  const signed = await told(() => navigator.credentials.get({ publicKey }));
  const { id, response } = signed.toJSON() as AuthenticationResponseJSON;
  const { clientDataJSON, authenticatorData, signature, userHandle = '' } = response;
  return { id, clientDataJSON, authenticatorData, signature, userHandle };
}

async function told(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  const credential = await ask().catch((thrown: unknown) => {
    throw Problem.ofDevice(codeOf(thrown));
  });
  if (!(credential instanceof PublicKeyCredential)) throw Problem.ofDevice('passkey_cancelled');
  return credential;
}

function codeOf(thrown: unknown): string {
  const name = thrown instanceof DOMException ? thrown.name : '';
  // The page was opened by an address, to which no passkey can be bound, or by another name than the one that is ours.
  if (name === 'SecurityError') return 'passkey_elsewhere';
  if (name === 'InvalidStateError') return 'passkey_known';
  return 'passkey_cancelled';
}
