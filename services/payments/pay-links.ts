// The link under which an invoice is paid without signing in. It names the invoice and is good as long as our secret. Whoever has it may pay,
// and look at nothing else (D61).
import type { PayUrlOf } from '../../domain/enforcement.ts';
import { SignedIds } from '../platform/signed-ids.ts';

export class PayLinks {
  readonly #publicUrl: string;
  readonly #ids: SignedIds;

  constructor(publicUrl: string, secret: string) {
    this.#publicUrl = publicUrl;
    this.#ids = new SignedIds('pay', secret);
  }

  /** Handed on by itself to whoever tells of an invoice. */
  readonly urlOf: PayUrlOf = (invoiceId) => `${this.#publicUrl}/pay/${this.#ids.linkTokenOf(invoiceId)}`;

  /** Null: we have never made it. */
  invoiceOf(payToken: string): string | null {
    return this.#ids.idOf(payToken);
  }
}
