// How many webhooks came over each fault, and which of them nobody took: the fake Stripe knows it of its own life only, so it is asked often.
import { z } from 'zod';
import type { Complaints } from './complaints.ts';

export const WEBHOOK_FAULTS = ['lose', 'duplicate', 'reorder', 'delay', 'twin'] as const;
export type WebhookFault = (typeof WEBHOOK_FAULTS)[number];

const Told = z.object({
  /** By faults, of answers as well. */
  faulted: z.record(z.string(), z.int()),
  not_taken: z.array(z.object({ event: z.string(), atMs: z.number(), why: z.string() })),
});

export class WebhookTally {
  readonly #counts = new Map<WebhookFault, number>();
  #lastTold: z.infer<typeof Told>['faulted'] = {};
  readonly #heard = new Set<string>();

  countOf(fault: WebhookFault): number {
    return this.#counts.get(fault) ?? 0;
  }

  /** Nothing while it is away. */
  async readOn(stripeUrl: string, complaints: Complaints): Promise<void> {
    const answer = await fetch(`${stripeUrl}/_test/webhooks`).catch(() => null);
    if (answer === null) return;
    const { faulted, not_taken: notTaken } = Told.parse(await answer.json());
    for (const fault of WEBHOOK_FAULTS) {
      const [told, before] = [faulted[fault] ?? 0, this.#lastTold[fault] ?? 0];
      // Fewer than before: it was killed, and has begun to count again.
      this.#counts.set(fault, this.countOf(fault) + (told < before ? told : told - before));
    }
    this.#lastTold = faulted;
    for (const { event, atMs, why } of notTaken) {
      const isOld = this.#heard.has(`${event} ${atMs}`);
      this.#heard.add(`${event} ${atMs}`);
      // One that was answered, with whatever, found the gateway there.
      if (isOld || why.startsWith('answered')) continue;
      complaints.hear({ atMs, of: 'gateway', pid: null, by: 'Stripe', what: `webhook ${event}: ${why}` });
    }
  }
}
