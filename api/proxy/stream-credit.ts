// Keeps a stream within what is reserved for it: at half it asks for more; with nothing left and no answer it pauses the
// upstream, at most 30 s; refused, the stream ends and the customer pays what was delivered (design.md 3.2).
import { estimateInputTokens, reserveFor } from '../../domain/admission.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { LeaseBook } from '../../services/leases/lease-book.ts';
import type { Admitted } from './exchange.ts';

const MOST_PAUSE_MS = 30_000;

export interface CreditHost {
  pause(): void;
  resume(): void;
  /** credit_exhausted: the balance is used up. credit_unknown: the ledger did not answer. */
  refused(how: 'credit_exhausted' | 'credit_unknown'): void;
}

export class StreamCredit {
  readonly #leases: LeaseBook;
  readonly #admitted: Admitted;
  readonly #host: CreditHost;
  #reservedTokens: number;
  #usedTokens = 0;
  #asking = false;
  #pausedSinceMs: number | null = null;
  #over = false;

  constructor(leases: LeaseBook, admitted: Admitted, host: CreditHost) {
    this.#leases = leases;
    this.#admitted = admitted;
    this.#host = host;
    this.#reservedTokens = admitted.reservedOutputTokens;
  }

  /** contentBytes: all answer text so far. Cheap while less than half of the reserve is used. */
  used(contentBytes: number): void {
    this.#usedTokens = contentBytes / this.#admitted.model.bytesPerToken;
    if (this.#usedTokens * 2 <= this.#reservedTokens || this.#over) return;
    if (!this.#asking) this.#extend();
    if (this.#asking && this.#usedTokens >= this.#reservedTokens && this.#pausedSinceMs === null) {
      this.#pausedSinceMs = performance.now();
      this.#host.pause();
    }
  }

  tick(nowMs: number): void {
    if (this.#pausedSinceMs !== null && nowMs - this.#pausedSinceMs > MOST_PAUSE_MS) this.#refuse('credit_unknown');
  }

  /** One step: as many tokens as were reserved at first. */
  #extend(): void {
    const { apiKey, price, inputTokens, reservation, reservedOutputTokens } = this.#admitted;
    const step = Math.max(reservedOutputTokens, estimateInputTokens(1024, this.#admitted.model.bytesPerToken));
    const withStep = reserveFor({ price: price.price, inputTokens, outputTokens: step });
    const more = withStep - reserveFor({ price: price.price, inputTokens, outputTokens: 0 });
    if (this.#leases.extend(reservation, more as typeof withStep)) {
      this.#reservedTokens += step;
      return;
    }
    this.#asking = true;
    this.#leases.acquireMore(apiKey, reservation, more as typeof withStep).then(
      () => this.#granted(step),
      (error: unknown) => this.#denied(error),
    );
  }

  #granted(step: number): void {
    this.#asking = false;
    this.#reservedTokens += step;
    if (this.#pausedSinceMs === null || this.#over) return;
    this.#pausedSinceMs = null;
    this.#host.resume();
  }

  #denied(error: unknown): void {
    const spent = error instanceof TollgateError && error.kind.status === 402;
    // What is reserved is still the customer's: the stream ends only when that is used up, or the ledger stays silent.
    if (spent && this.#usedTokens >= this.#reservedTokens) this.#refuse('credit_exhausted');
    else this.#asking = false; // asked again with the next event
    if (this.#pausedSinceMs !== null && !this.#over && !this.#asking) this.#extend();
  }

  #refuse(how: 'credit_exhausted' | 'credit_unknown'): void {
    this.#over = true;
    this.#pausedSinceMs = null;
    this.#host.refused(how);
  }
}
