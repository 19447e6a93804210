// What PostgreSQL and Stripe are to the processes of billing, in memory: rows stepped by domain/, a bank that follows a script, and who is
// poked when somebody else's row has news. Its clock is the test's.
import type { SteppedDunnings } from '../../../activities/dunning.ts';
import type { SteppedSubscriptions } from '../../../activities/subscription.ts';
import type { ChargeOutcome } from '../../../domain/charges.ts';
import {
  type Dunning,
  type DunningCommand,
  type DunningFact,
  postpaidDunning,
  renewalDunning,
  stepDunning,
} from '../../../domain/dunning.ts';
import { enforcementOf } from '../../../domain/enforcement.ts';
import type { RungName } from '../../../domain/overdue-policy.ts';
import type { PlanName, Terms } from '../../../domain/plans.ts';
import { newSubscription, type Subscription } from '../../../domain/subscription.ts';
import type { SubscriptionCommand } from '../../../domain/subscription-commands.ts';
import { type SubscriptionFact, stepSubscription } from '../../../domain/subscription-step.ts';
import type { CardAsk } from '../../../workflows/contracts/billing-process.ts';
import { DUNNING, dunningWorkflowId } from '../../../workflows/contracts/dunning.ts';
import type { ProcessName } from '../../../workflows/contracts/process-starts.ts';
import { SUBSCRIPTION, subscriptionWorkflowId } from '../../../workflows/contracts/subscription.ts';
import { PAID, sold } from '../../domain/billing-world.ts';
import { viewOfDunning, viewOfSubscription } from './billing-views.ts';

type Event =
  | { readonly of: typeof SUBSCRIPTION; readonly id: string; readonly event: SubscriptionFact | SubscriptionCommand }
  | { readonly of: typeof DUNNING; readonly id: string; readonly event: DunningFact | DunningCommand };
type Said = { readonly kind: 'done' } | { readonly kind: 'refused'; readonly why: string };
interface Entry {
  readonly day: string;
  readonly what: string;
}

export interface Surroundings {
  now(): Promise<number>;
  poke(process: ProcessName, subject: string): Promise<void>;
}

const iso = (ms: number): string => new Date(ms).toISOString();

export class BillingBook {
  /** May take its time. */
  bank: (invoiceId: string, nowMs: number) => ChargeOutcome | Promise<ChargeOutcome> = () => PAID;
  /** What is to go back does not. */
  refusesRefunds = false;
  /** No command is obeyed before. */
  commandsWait: Promise<void> = Promise.resolve();
  commandsSent = 0;
  readonly subscriptions = new Map<string, Subscription>();
  readonly dunnings = new Map<string, Dunning>();
  /** When each process changes by time alone. */
  readonly wakes = new Map<string, { readonly of: ProcessName; readonly id: string; readonly atMs: number | null }>();
  /** Whoever asked the bank, and how often Stripe was asked at all. */
  readonly attempts: string[] = [];
  readonly captures: Entry[] = [];
  readonly mails: Entry[] = [];
  readonly stages: Entry[] = [];
  readonly ticks: string[] = [];
  readonly #surroundings: Surroundings;
  #nowMs = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Paid from now on. */
  async begin(id: string, terms: Terms): Promise<void> {
    this.#nowMs = await this.#surroundings.now();
    this.subscriptions.set(id, newSubscription(terms, 'first', this.#nowMs));
    this.#note(this.captures, `${id}/first ${terms.priceCents}`);
    await this.#turn([{ of: SUBSCRIPTION, id, event: { kind: 'tick' } }], undefined);
  }

  /** An invoice of a month's use. */
  async owe(id: string, dueInMs: number): Promise<void> {
    this.#nowMs = await this.#surroundings.now();
    this.dunnings.set(id, postpaidDunning(id, this.#nowMs + dueInMs));
    await this.#turn([{ of: DUNNING, id, event: { kind: 'tick' } }], undefined);
  }

  /** By bank transfer, or on its page. */
  async paidElsewhere(invoiceId: string): Promise<void> {
    this.#nowMs = await this.#surroundings.now();
    this.#note(this.captures, invoiceId);
    await this.#turn(this.#paid(invoiceId), undefined);
  }

  /** Whose row is due or asks for something, `lateByMs` after it became so. */
  unattended(nowMs: number, lateByMs = 0): { readonly of: ProcessName; readonly id: string }[] {
    const isLate = (workflowId: string) =>
      (this.wakes.get(workflowId)?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs - lateByMs;
    const subscriptions = [...this.subscriptions].filter(
      ([id, state]) => isLate(subscriptionWorkflowId(id)) || viewOfSubscription(id, state, nowMs).asks.length > 0,
    );
    const dunnings = [...this.dunnings].filter(
      ([id, state]) => isLate(dunningWorkflowId(id)) || viewOfDunning(id, state, nowMs).asks.length > 0,
    );
    return [
      ...subscriptions.map(([id]) => ({ of: SUBSCRIPTION, id }) as const),
      ...dunnings.map(([id]) => ({ of: DUNNING, id }) as const),
    ];
  }

  steppedSubscriptions(): SteppedSubscriptions {
    return {
      tick: async (id) => {
        this.ticks.push(subscriptionWorkflowId(id));
        await this.#turnNow([{ of: SUBSCRIPTION, id, event: { kind: 'tick' } }], subscriptionWorkflowId(id));
        return viewOfSubscription(id, this.#subscription(id), this.#nowMs);
      },
      command: async (id, { command, requestId, plan, months }) => {
        this.commandsSent += 1;
        await this.commandsWait;
        const { revision } = this.#subscription(id);
        const terms = command === 'changePlan' ? sold(plan as PlanName, months) : null;
        const told: SubscriptionCommand =
          terms === null
            ? { kind: command === 'retryRefund' ? 'retry_refund' : (command as 'cancel'), requestId, revision }
            : { kind: 'change_plan', terms, upgradeCents: terms.priceCents, requestId, revision };
        const said = await this.#turnNow([{ of: SUBSCRIPTION, id, event: told }], subscriptionWorkflowId(id));
        return said.kind === 'refused'
          ? said
          : { kind: 'done', answer: viewOfSubscription(id, this.#subscription(id), this.#nowMs) };
      },
    };
  }

  steppedDunnings(): SteppedDunnings {
    return {
      tick: async (id) => {
        this.ticks.push(dunningWorkflowId(id));
        await this.#turnNow([{ of: DUNNING, id, event: { kind: 'tick' } }], dunningWorkflowId(id));
        return { ...viewOfDunning(id, this.#dunning(id), this.#nowMs), isCloseNews: false };
      },
      command: async (id, { command, requestId, until, step }) => {
        const told = { requestId, revision: this.#dunning(id).revision };
        const kinds = { retryNow: 'retry_now', waive: 'waive', decideStop: 'decide_stop' } as const;
        const event: DunningCommand =
          command === 'extend'
            ? { kind: 'extend', untilMs: Date.parse(until ?? ''), ...told }
            : command === 'skipTo'
              ? { kind: 'skip_to', rung: step as RungName, ...told }
              : { kind: kinds[command], ...told };
        const said = await this.#turnNow([{ of: DUNNING, id, event }], dunningWorkflowId(id));
        return said.kind === 'refused'
          ? said
          : { kind: 'done', answer: viewOfDunning(id, this.#dunning(id), this.#nowMs) };
      },
    };
  }

  /** One payment intent per invoice: who asks again joins it. */
  readonly answer = async (ask: CardAsk, asker: string | undefined): Promise<void> => {
    this.#nowMs = await this.#surroundings.now();
    if (ask.kind === 'top_up') throw new Error('no top-up is in this book');
    const { invoiceId } = ask;
    // Nobody pays on a page here.
    if (ask.kind === 'look') return;
    if (ask.kind === 'refund') {
      const refunds = this.refusesRefunds ? 'refund_refused' : 'refunded';
      await this.#turn([this.#aboutOrder(invoiceId, (invoice) => ({ kind: refunds, invoice }))], asker);
    } else if (ask.kind === 'void') {
      const event = this.#aboutOrder(invoiceId, (invoice) => ({ kind: 'voided', invoice }));
      const settled: Event[] = this.dunnings.has(invoiceId)
        ? [{ of: DUNNING, id: invoiceId, event: { kind: 'settled', how: 'void' } }]
        : [];
      await this.#turn(this.#isCaptured(invoiceId) ? this.#paid(invoiceId) : [...settled, event], asker);
    } else if (ask.kind === 'charge') {
      this.attempts.push(`${invoiceId}#${ask.attempt}`);
      const outcome = this.#isCaptured(invoiceId) ? PAID : await this.bank(invoiceId, this.#nowMs);
      this.#nowMs = await this.#surroundings.now();
      if (outcome.kind === 'paid' && !this.#isCaptured(invoiceId)) this.#note(this.captures, invoiceId);
      await this.#turn(this.#answered(invoiceId, ask.attempt, outcome), asker);
    }
  };

  #answered(invoiceId: string, attempt: number, outcome: ChargeOutcome): Event[] {
    if (outcome.kind === 'paid') return this.#paid(invoiceId);
    if (this.dunnings.has(invoiceId)) {
      return [{ of: DUNNING, id: invoiceId, event: { kind: 'charged', attempt, outcome } }];
    }
    return [this.#aboutOrder(invoiceId, (invoice) => ({ kind: 'charged', invoice, outcome }))];
  }

  #paid(invoiceId: string): Event[] {
    const isOfPlan = this.subscriptions.has(invoiceId.replace(/\/.*/, ''));
    return [
      ...(isOfPlan ? [this.#aboutOrder(invoiceId, (invoice) => ({ kind: 'charged', invoice, outcome: PAID }))] : []),
      ...(this.dunnings.has(invoiceId)
        ? [{ of: DUNNING, id: invoiceId, event: { kind: 'settled', how: 'paid' } } as const]
        : []),
    ];
  }

  #aboutOrder(invoiceId: string, fact: (invoice: string) => SubscriptionFact): Event {
    const id = invoiceId.replace(/\/.*/, '');
    return { of: SUBSCRIPTION, id, event: fact(invoiceId.slice(id.length + 1)) };
  }

  async #turnNow(events: readonly Event[], asker: string): Promise<Said> {
    this.#nowMs = await this.#surroundings.now();
    return await this.#turn(events, asker);
  }

  /** All that follows from what is new, at once; whose rows were touched look again. */
  async #turn(events: readonly Event[], asker: string | undefined): Promise<Said> {
    const queue = [...events];
    const touched = new Map<string, { readonly of: ProcessName; readonly id: string }>();
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const followed = next.of === SUBSCRIPTION ? this.#stepSubscription(next) : this.#stepDunning(next);
      if (typeof followed === 'string') return { kind: 'refused', why: followed };
      queue.push(...followed);
      touched.set(`${next.of}:${next.id}`, next);
    }
    this.#reevaluate();
    for (const [workflowId, { of, id }] of touched) {
      if (workflowId !== asker) await this.#surroundings.poke(of, id);
    }
    return { kind: 'done' };
  }

  #stepSubscription({ id, event }: Event & { of: typeof SUBSCRIPTION }): Event[] | string {
    const result = stepSubscription(this.#subscription(id), event, this.#nowMs);
    if (result.kind === 'refused') return result.reason;
    this.subscriptions.set(id, result.state);
    this.wakes.set(subscriptionWorkflowId(id), { of: SUBSCRIPTION, id, atMs: result.wakeAtMs });
    const { phase } = result.state;
    const declined = event.kind === 'charged' && event.outcome.kind === 'declined' ? event.outcome.decline : null;
    if (phase.kind !== 'past_due' || declined === null) return [];
    const invoiceId = `${id}/${phase.order.invoice}`;
    const answer = { atMs: this.#nowMs, decline: declined };
    const attempt = { number: 1, askedAtMs: this.#nowMs, doubtfulAtMs: null, answer };
    this.dunnings.set(invoiceId, renewalDunning(invoiceId, phase.sinceMs, attempt));
    return [{ of: DUNNING, id: invoiceId, event: { kind: 'tick' } }];
  }

  #stepDunning({ id, event }: Event & { of: typeof DUNNING }): Event[] | string {
    const result = stepDunning(this.#dunning(id), event, this.#nowMs);
    if (result.kind === 'refused') return result.reason;
    this.dunnings.set(id, result.state);
    this.wakes.set(dunningWorkflowId(id), { of: DUNNING, id, atMs: result.wakeAtMs });
    return result.asks.flatMap((ask): Event[] => {
      if (ask.kind === 'end_plan') {
        return [this.#aboutOrder(id, (invoice) => ({ kind: 'grace_over', invoice }))];
      }
      if (ask.kind !== 'notify') return [];
      this.#note(this.mails, ask.notice);
      return [{ of: DUNNING, id, event: { kind: 'handed_over', notice: ask.notice } }];
    });
  }

  #reevaluate(): void {
    const unpaidInvoices = [...this.dunnings.values()]
      .filter(({ closed }) => closed === null)
      .map((one) => one.invoice);
    const { stage } = enforcementOf({ unpaidInvoices, incidents: [], moving: null }, this.#nowMs);
    if (stage !== (this.stages.at(-1)?.what ?? 'none')) this.#note(this.stages, stage);
  }

  #isCaptured(invoiceId: string): boolean {
    return this.captures.some(({ what }) => what === invoiceId);
  }

  #note(entries: Entry[], what: string): void {
    entries.push({ day: iso(this.#nowMs).slice(0, 10), what });
  }

  #subscription(id: string): Subscription {
    const state = this.subscriptions.get(id);
    if (state === undefined) throw new Error(`there is no subscription ${id}`);
    return state;
  }

  #dunning(id: string): Dunning {
    const state = this.dunnings.get(id);
    if (state === undefined) throw new Error(`there is no dunning ${id}`);
    return state;
  }
}
