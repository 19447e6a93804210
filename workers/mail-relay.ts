// Hands on what waits in the outbox, for as long as this process lives. It needs PostgreSQL and the mail server and knows nothing of
// Temporal: a customer is warned also while that is away. Any number of workers do this side by side.
import type { Deliveries } from '../services/notifications/deliveries.ts';
import { MAILS_AT_ONCE } from '../services/notifications/mail-sender.ts';
import type { Log } from '../services/platform/log.ts';

/** When nobody has rung: mails whose bell was not heard, and those that are due again. */
const LOOK_EVERY_MS = 5_000;

export class MailRelay {
  readonly #deliveries: Deliveries;
  readonly #log: Log;
  /** Of each loop that has nothing to do, what wakes it. */
  readonly #resting = new Set<() => void>();
  #isRung = false;
  #isLeaving = false;
  #isDatabaseAway = false;

  constructor(deliveries: Deliveries, log: Log) {
    this.#deliveries = deliveries;
    this.#log = log;
  }

  /** There are mails. One loop looks, and rings for the next one when it has found one: most come alone. */
  ring(): void {
    const [wake] = this.#resting;
    if (wake === undefined) this.#isRung = true;
    else wake();
  }

  leave(): void {
    this.#isLeaving = true;
    for (const wake of this.#resting) wake();
  }

  /** Until leave(), and what is with the mail server then has been recorded. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: MAILS_AT_ONCE }, () => this.#deliverAll()));
  }

  async #deliverAll(): Promise<void> {
    while (!this.#isLeaving) {
      await this.#deliverNext();
      await this.#untilRung();
    }
  }

  async #deliverNext(): Promise<void> {
    try {
      await this.#deliveries.deliverNext(() => this.ring());
      this.#isDatabaseAway = false;
    } catch (error) {
      if (!this.#isDatabaseAway) this.#log.warn({ err: error }, 'outbox_unreachable');
      this.#isDatabaseAway = true;
    }
  }

  /** Who was rung for while all were busy looks at once: it may have been for a mail that came after their looks. */
  async #untilRung(): Promise<void> {
    if (this.#isRung || this.#isLeaving) {
      this.#isRung = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#resting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, LOOK_EVERY_MS);
      this.#resting.add(wake);
    });
  }
}
