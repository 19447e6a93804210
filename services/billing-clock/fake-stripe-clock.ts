// The clock of the fake Stripe, which is moved together with ours. Stripe has no such address: config.ts sees to it that nobody asks it.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';

const PATIENCE_MS = 10_000;

const Clock = z.object({ next_due_at: z.iso.datetime().nullable() });

export class FakeStripeClock {
  readonly #address: string;

  constructor(apiBase: string) {
    this.#address = new URL('/_test/clock', apiBase).href;
  }

  /** To at least there. What falls due on the way has happened when this resolves; its webhooks are on their way. */
  async moveTo(at: Date): Promise<void> {
    await this.#ask({ method: 'POST', body: JSON.stringify({ advance_to: at.toISOString() }) });
  }

  /** Null: it will do nothing by itself. */
  async nextDueAt(): Promise<Date | null> {
    const { next_due_at: due } = await this.#ask({});
    return due === null ? null : new Date(due);
  }

  async #ask(order: RequestInit): Promise<z.infer<typeof Clock>> {
    const answer = await fetch(this.#address, { ...order, signal: AbortSignal.timeout(PATIENCE_MS) }).catch(away);
    if (!answer.ok) throw new Error(`the fake Stripe answered ${answer.status} to ${this.#address}`);
    return Clock.parse(await answer.json());
  }
}

/** @throws TollgateError payment_provider_unavailable */
function away(cause: unknown): never {
  throw new TollgateError('payment_provider_unavailable', {
    message: 'The fake Stripe, whose clock goes with ours, does not answer: ask for what is left of the way.',
    retryAfterMs: 1_000,
    cause,
  });
}
