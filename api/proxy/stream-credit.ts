// Keeps a stream within what is reserved for it: at half it asks for more; what was read beyond the reserve waits, at most 30 s,
// until it is paid for; refused, the stream ends and the customer pays what was delivered (design.md 3.2).
// Nothing is handed on that is not reserved, so the charge of a stream that runs out never exceeds what was available.
import { estimateInputTokens, plainOutputCap, reserveFor } from '../../domain/admission.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import { reservedAmount } from '../../services/leases/lease.ts';
import type { LeaseBook } from '../../services/leases/lease-book.ts';
import type { Admitted } from './exchange.ts';

const MOST_PAUSE_MS = 30_000;
/** A kilobyte of answer: less is not worth a lease transaction. */
const LEAST_STEP_BYTES = 1024;

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
  readonly #leastStepTokens: number;
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
    this.#leastStepTokens = estimateInputTokens(LEAST_STEP_BYTES, admitted.model.bytesPerToken);
  }

  /**
   * contentBytes: all answer text so far. False: not all of it is paid for, so the host has been paused, and hears
   * `resume` or `refused` later. Cheap while less than half of the reserve is used.
   */
  covers(contentBytes: number): boolean {
    this.#usedTokens = contentBytes / this.#admitted.model.bytesPerToken;
    if (this.#usedTokens * 2 <= this.#reservedTokens) return true;
    if (!this.#asking && !this.#over) this.#ask();
    if (this.#isCovered()) return true;
    if (this.#pausedSinceMs === null && !this.#over) {
      this.#pausedSinceMs = performance.now();
      this.#host.pause();
    }
    return false;
  }

  /** Nobody reads the answer any more: it may use what is reserved, and no more is asked for. */
  askNoMore(): void {
    this.#over = true;
  }

  tick(nowMs: number): void {
    if (this.#pausedSinceMs === null || this.#over) return;
    if (nowMs - this.#pausedSinceMs > MOST_PAUSE_MS) this.#refuse('credit_unknown');
    else if (!this.#asking) this.#ask();
  }

  #isCovered(): boolean {
    return this.#usedTokens <= this.#reservedTokens;
  }

  /** One step: as many tokens as were reserved at first, and never less than what already waits for it. */
  #ask(): void {
    const { apiKey, reservation, reservedOutputTokens } = this.#admitted;
    const missingTokens = Math.max(this.#leastStepTokens, Math.ceil(this.#usedTokens) - this.#reservedTokens);
    const step = this.#costOf(Math.max(reservedOutputTokens, missingTokens));
    if (this.#leases.extend(reservation, step)) {
      this.#grew();
      return;
    }
    this.#asking = true;
    const need = { floor: this.#costOf(missingTokens), preferred: step, wish: step };
    this.#leases.acquireMore(apiKey, reservation, need).then(
      () => this.#granted(),
      (error: unknown) => this.#denied(error),
    );
  }

  #costOf(outputTokens: number): Nano {
    const { reservePrice: price, inputTokens } = this.#admitted;
    const withOutput = reserveFor({ price, inputTokens, outputTokens });
    return nano(withOutput - reserveFor({ price, inputTokens, outputTokens: 0 }));
  }

  /** All output tokens that the reservation pays for by now. */
  #paidTokens(): number {
    const { reservePrice: price, inputTokens, reservation } = this.#admitted;
    const paid = plainOutputCap({
      asked: null,
      modelMaximum: Number.MAX_SAFE_INTEGER,
      minimum: 0,
      reservedNano: reservedAmount(reservation),
      price,
      inputTokens,
    });
    return Math.max(paid ?? 0, this.#reservedTokens);
  }

  #granted(): void {
    this.#asking = false;
    this.#grew();
    if (this.#pausedSinceMs !== null && !this.#over) this.#ask(); // more has arrived than was asked for
  }

  #grew(): void {
    this.#reservedTokens = this.#paidTokens();
    if (this.#pausedSinceMs === null || this.#over || !this.#isCovered()) return;
    this.#pausedSinceMs = null;
    this.#host.resume();
  }

  /** What is reserved is still the customer's: a refusal ends the stream only where it waits. A silent ledger is asked again with the next tick. */
  #denied(error: unknown): void {
    this.#asking = false;
    const isSpent = error instanceof TollgateError && error.kind.status === 402;
    if (isSpent && this.#pausedSinceMs !== null && !this.#over) this.#refuse('credit_exhausted');
  }

  #refuse(how: 'credit_exhausted' | 'credit_unknown'): void {
    this.#over = true;
    this.#pausedSinceMs = null;
    this.#host.refused(how);
  }
}
