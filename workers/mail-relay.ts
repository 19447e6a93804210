// Hands on what waits in the outbox, for as long as this process lives. It needs PostgreSQL and the mail server and knows nothing of
// Temporal: a customer is warned also while that is away. Any number of workers do this side by side.
import { setTimeout as wait } from 'node:timers/promises';
import type { Deliveries } from '../services/notifications/deliveries.ts';
import { MAILS_AT_ONCE } from '../services/notifications/mail-sender.ts';
import type { Log } from '../services/platform/log.ts';

/** When nobody has rung: mails whose bell was not heard, and those that are due again. */
const LOOK_EVERY_MS = 5_000;

export class MailRelay {
  readonly #deliveries: Deliveries;
  readonly #log: Log;
  readonly #leaving = new AbortController();
  #bell = new AbortController();
  #isDatabaseAway = false;

  constructor(deliveries: Deliveries, log: Log) {
    this.#deliveries = deliveries;
    this.#log = log;
  }

  /** There are mails. */
  ring(): void {
    const heard = this.#bell;
    this.#bell = new AbortController();
    heard.abort();
  }

  leave(): void {
    this.#leaving.abort();
  }

  /** Until leave(), and what is with the mail server then has been recorded. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: MAILS_AT_ONCE }, () => this.#deliverAll()));
  }

  async #deliverAll(): Promise<void> {
    const leaving = this.#leaving.signal;
    while (!leaving.aborted) {
      // Taken before looking: what is queued after the look rings this one.
      const bell = this.#bell.signal;
      if (await this.#deliverNext()) continue;
      await wait(LOOK_EVERY_MS, undefined, { signal: AbortSignal.any([bell, leaving]) }).catch(() => undefined);
    }
  }

  async #deliverNext(): Promise<boolean> {
    try {
      const isDelivered = await this.#deliveries.deliverNext();
      this.#isDatabaseAway = false;
      return isDelivered;
    } catch (error) {
      if (!this.#isDatabaseAway) this.#log.warn({ err: error }, 'outbox_unreachable');
      this.#isDatabaseAway = true;
      return false;
    }
  }
}
