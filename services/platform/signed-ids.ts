// Ids in links: with the proof that we handed them out, so that a link can be made wherever it is told, and rows and mails waiting to be sent
// need no secret. Good as long as the secret is, and for one purpose only.
import { createHmac } from 'node:crypto';
import { isSameSecret } from './same-secret.ts';

const ID_BYTES = 16;
/** A whole number of letters for both parts: a token is spelled in one way. */
const TOKEN = /^[\w-]{64}$/;

type Purpose =
  | 'pay'
  | 'verify'
  | 'sign_up'
  | 'password_reset'
  | 'mail_change'
  | 'closing'
  | 'invitation'
  | 'welcome'
  | 'identity_link';

export class SignedIds {
  readonly #purpose: Purpose;
  readonly #secret: string;

  constructor(purpose: Purpose, secret: string) {
    this.#purpose = purpose;
    this.#secret = secret;
  }

  linkTokenOf(id: string): string {
    return this.#signed(Buffer.from(id.replaceAll('-', ''), 'hex'));
  }

  /** Null: we have never made it. */
  idOf(linkToken: string): string | null {
    if (!TOKEN.test(linkToken)) return null;
    const id = Buffer.from(linkToken, 'base64url').subarray(0, ID_BYTES);
    return isSameSecret(linkToken, this.#signed(id)) ? uuidOf(id) : null;
  }

  /** Six digits, for people to type. Whoever takes them counts how often somebody has tried. */
  codeOf(id: string): string {
    const proof = createHmac('sha256', this.#secret).update(`${this.#purpose} code:`).update(id).digest();
    // A remainder of 2^48 favours no code by more than one in 10^8.
    return String(proof.readUIntBE(0, 6) % 1_000_000).padStart(6, '0');
  }

  #signed(id: Buffer): string {
    const proof = createHmac('sha256', this.#secret).update(`${this.#purpose}:`).update(id).digest();
    return Buffer.concat([id, proof]).toString('base64url');
  }
}

function uuidOf(id: Buffer): string {
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
