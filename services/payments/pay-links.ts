// The link under which an invoice is paid without signing in. It names the invoice and proves that we made it; nothing is stored of it, so
// it can be made wherever it is needed, and it is good as long as the secret. Whoever has it may pay, and look at nothing else (D61).
import { createHmac } from 'node:crypto';
import type { PayUrlOf } from '../../domain/enforcement.ts';
import { isSameSecret } from '../platform/same-secret.ts';

const ID_BYTES = 16;
/** A whole number of letters for both parts: a token is spelled in one way. */
const TOKEN = /^[\w-]{64}$/;

export class PayLinks {
  readonly #publicUrl: string;
  readonly #secret: string;

  constructor(publicUrl: string, secret: string) {
    this.#publicUrl = publicUrl;
    this.#secret = secret;
  }

  /** Handed on by itself to whoever tells of an invoice. */
  readonly urlOf: PayUrlOf = (invoiceId) =>
    `${this.#publicUrl}/pay/${this.#tokenOf(Buffer.from(invoiceId.replaceAll('-', ''), 'hex'))}`;

  /** Null: we have never made it. */
  invoiceOf(payToken: string): string | null {
    if (!TOKEN.test(payToken)) return null;
    const id = Buffer.from(payToken, 'base64url').subarray(0, ID_BYTES);
    return isSameSecret(payToken, this.#tokenOf(id)) ? uuidOf(id) : null;
  }

  #tokenOf(id: Buffer): string {
    const proof = createHmac('sha256', this.#secret).update('pay:').update(id).digest();
    return Buffer.concat([id, proof]).toString('base64url');
  }
}

function uuidOf(id: Buffer): string {
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
