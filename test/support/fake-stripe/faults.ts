// What goes wrong on request: faults of answers, matched by method and path, and faults of webhooks, matched by event type. Each is
// spent after `count` matches. They live in this process alone: one that was killed comes back healthy.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';

/** `before`: nothing has happened yet. `after`: all has happened, is on disk, and the caller does not learn of it. */
const ANSWER_FAULTS = [
  'drop_before',
  'drop_after',
  'delay_before',
  'delay_after',
  'too_many_requests',
  'fail_before',
  'fail_after',
  'truncate',
  'slow',
] as const;
export const WEBHOOK_FAULTS = ['lose', 'duplicate', 'delay', 'reorder', 'twin'] as const;

const COUNT = z.int().min(1).default(1);
const MILLISECONDS = z.int().min(0).max(600_000).default(1_000);

/** `answer`: "POST /v1/payment_intents/*" where * stands for one part of the path. `webhook`: "payment_intent.*". */
export const FAULT_ORDER = z.union([
  z.strictObject({ answer: z.string(), fault: z.enum(ANSWER_FAULTS), count: COUNT, ms: MILLISECONDS }),
  z.strictObject({ webhook: z.string(), fault: z.enum(WEBHOOK_FAULTS), count: COUNT, ms: MILLISECONDS }),
]);
type FaultOrder = z.infer<typeof FAULT_ORDER>;

type AnswerFault = (typeof ANSWER_FAULTS)[number];
export type WebhookFault = (typeof WEBHOOK_FAULTS)[number];

export interface Fault<Name> {
  readonly name: Name;
  readonly ms: number;
}

interface Pending<Name> extends Fault<Name> {
  readonly matches: (text: string) => boolean;
  left: number;
}

export class Faults {
  /** How many answers or webhooks each fault has come over. */
  readonly cameOver = new Map<AnswerFault | WebhookFault, number>();
  #answers: Pending<AnswerFault>[] = [];
  #webhooks: Pending<WebhookFault>[] = [];
  #held = new AbortController();

  order(order: FaultOrder): void {
    const { count: left, ms } = order;
    if ('answer' in order) this.#answers.push({ name: order.fault, ms, left, matches: pattern(order.answer, '[^/]+') });
    else this.#webhooks.push({ name: order.fault, ms, left, matches: pattern(order.webhook, '.+') });
  }

  /** Whatever a fault holds up goes on at once. */
  clear(): void {
    this.#answers = [];
    this.#webhooks = [];
    this.#held.abort();
    this.#held = new AbortController();
  }

  async hold(durationMs: number): Promise<void> {
    await wait(durationMs, undefined, { signal: this.#held.signal, ref: false }).catch(() => {});
  }

  /** The oldest that fits; null: this answer goes well. */
  takeAnswerFault(method: string, path: string): Fault<AnswerFault> | null {
    return this.#counted(take(this.#answers, `${method} ${path}`, () => true));
  }

  /** A twin is made with the event, all others when it is sent. */
  takeWebhookFault(when: 'sent' | 'twin', type: string): Fault<WebhookFault> | null {
    return this.#counted(take(this.#webhooks, type, (name) => (name === 'twin') === (when === 'twin')));
  }

  #counted<Name extends AnswerFault | WebhookFault>(fault: Fault<Name> | null): Fault<Name> | null {
    if (fault !== null) this.cameOver.set(fault.name, (this.cameOver.get(fault.name) ?? 0) + 1);
    return fault;
  }
}

function take<Name>(faults: Pending<Name>[], text: string, isMeant: (name: Name) => boolean): Fault<Name> | null {
  const found = faults.find(({ left, matches, name }) => left > 0 && isMeant(name) && matches(text));
  if (found === undefined) return null;
  found.left--;
  return found;
}

function pattern(glob: string, star: string): (text: string) => boolean {
  const parts = glob.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const whole = new RegExp(`^${parts.join(star)}$`);
  return (text) => whole.test(text);
}
