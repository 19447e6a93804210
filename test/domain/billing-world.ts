// One organization with a subscription, its dunning cases, a bank and a clock, all in memory: whatever a process asks for is done, and the
// answer comes back as an event. What services and workflows do with PostgreSQL, Stripe and Temporal, without them.
import type { ChargeOutcome } from '../../domain/charges.ts';
import { classifyDecline } from '../../domain/declines.ts';
import {
  type Dunning,
  type DunningCommand,
  type DunningFact,
  renewalDunning,
  stepDunning,
} from '../../domain/dunning.ts';
import { enforcementOf } from '../../domain/enforcement.ts';
import { FIRST_VERSIONS, type PlanName, type Terms, termsOf, versionInForce } from '../../domain/plans.ts';
import type { Subscription, SubscriptionWrite } from '../../domain/subscription.ts';
import { newSubscription } from '../../domain/subscription.ts';
import type { SubscriptionCommand } from '../../domain/subscription-commands.ts';
import { type SubscriptionFact, stepSubscription } from '../../domain/subscription-step.ts';

export const at = (iso: string): number => Date.parse(iso);

export const PAID: ChargeOutcome = { kind: 'paid' };
export const UNKNOWN: ChargeOutcome = { kind: 'unknown' };

export function refusal(declineCode: string): ChargeOutcome {
  return { kind: 'declined', decline: classifyDecline({ declineCode, adviceCode: null, networkAdviceCode: null }) };
}

export function sold(plan: PlanName, months: 1 | 12 = 1): Terms {
  const version = versionInForce(FIRST_VERSIONS, plan, 0);
  if (version === null) throw new Error(`${plan} is not sold`);
  return termsOf(version, months);
}

type Bank = (invoice: string, nowMs: number) => { readonly outcome: ChargeOutcome; readonly afterMs?: number };
type Entry = { readonly atMs: number; readonly what: string };
interface Answer {
  readonly atMs: number;
  readonly give: () => void;
}

type OmitFrom<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export class BillingWorld {
  nowMs: number;
  subscription: Subscription;
  bank: Bank = () => ({ outcome: PAID });
  readonly dunnings = new Map<string, Dunning>();
  readonly captures: { atMs: number; invoice: string; cents: number }[] = [];
  readonly attempts: string[] = [];
  readonly writes: ({ atMs: number } & SubscriptionWrite)[] = [];
  readonly stages: Entry[] = [];
  readonly mails: Entry[] = [];
  readonly #amounts = new Map<string, number>();
  readonly #declines = new Map<string, ChargeOutcome>();
  readonly #asked = new Set<string>();
  #answers: Answer[] = [];
  #wakes = new Map<string, number | null>();

  /** The first period is paid, as it always is. */
  constructor(terms: Terms, anchor: string) {
    this.nowMs = at(anchor);
    this.subscription = newSubscription(terms, 'first', this.nowMs);
    this.captures.push({ atMs: this.nowMs, invoice: 'first', cents: terms.priceCents });
    this.tell({ kind: 'tick' });
  }

  /** To the given moment, stopping wherever something is due. */
  advanceTo(iso: string | number): void {
    const untilMs = typeof iso === 'number' ? iso : at(iso);
    for (let dueMs = this.#nextDue(); dueMs !== null && dueMs <= untilMs; dueMs = this.#nextDue()) {
      this.nowMs = dueMs;
      const ready = this.#answers.filter(({ atMs }) => atMs <= dueMs);
      this.#answers = this.#answers.filter(({ atMs }) => atMs > dueMs);
      for (const { give } of ready) give();
      this.#wake(dueMs);
    }
    this.nowMs = untilMs;
  }

  /** Everybody was away: nothing wakes in between. */
  sleepUntil(iso: string): void {
    this.nowMs = at(iso);
    this.#wake(this.nowMs);
  }

  #wake(dueMs: number): void {
    for (const [name, wakeMs] of this.#wakes) {
      if (wakeMs === null || wakeMs > dueMs) continue;
      if (name === 'subscription') this.tell({ kind: 'tick' });
      else this.tellDunning(name, { kind: 'tick' });
    }
  }

  #nextDue(): number | null {
    const wakes = [...this.#wakes.values()].filter((wakeMs) => wakeMs !== null);
    const moments = [...wakes, ...this.#answers.map(({ atMs }) => atMs)];
    return moments.length === 0 ? null : Math.min(...moments);
  }

  command(command: OmitFrom<SubscriptionCommand, 'requestId' | 'revision'>): string {
    const requestId = `request-${this.subscription.requestIds.length + 1}`;
    const { revision } = this.subscription;
    return this.tell({ ...command, requestId, revision } as SubscriptionCommand);
  }

  /** "done", or why not. */
  tell(event: SubscriptionFact | SubscriptionCommand): string {
    const result = stepSubscription(this.subscription, event, this.nowMs);
    if (result.kind === 'refused') return result.reason;
    this.subscription = result.state;
    this.writes.push(...result.writes.map((write) => ({ atMs: this.nowMs, ...write })));
    this.#wakes.set('subscription', result.wakeAtMs);
    for (const ask of result.asks) {
      switch (ask.kind) {
        case 'charge':
          this.#amounts.set(ask.order.invoice, ask.order.amountCents);
          this.#charge(ask.order.invoice, 1, (outcome) =>
            this.tell({ kind: 'charged', invoice: ask.order.invoice, outcome }),
          );
          break;
        case 'start_dunning':
          this.#startDunning(ask.invoice, ask.overdueSinceMs);
          break;
        case 'void_invoice':
          this.#void(ask.invoice);
          break;
        case 'refund':
          this.tell({ kind: 'refunded', invoice: ask.invoice });
          break;
      }
    }
    return 'done';
  }

  #void(invoice: string): void {
    const isCaptured = this.captures.some((capture) => capture.invoice === invoice);
    if (this.dunnings.has(invoice)) this.tellDunning(invoice, { kind: 'settled', how: isCaptured ? 'paid' : 'void' });
    this.tell(isCaptured ? { kind: 'charged', invoice, outcome: PAID } : { kind: 'voided', invoice });
  }

  #startDunning(invoice: string, overdueSinceMs: number): void {
    if (this.dunnings.has(invoice)) return;
    const outcome = this.#declines.get(invoice);
    if (outcome?.kind !== 'declined') throw new Error(`${invoice} was never declined`);
    const answer = { atMs: this.nowMs, decline: outcome.decline };
    const declined = { number: 1, askedAtMs: this.nowMs, doubtfulAtMs: null, answer };
    this.dunnings.set(invoice, renewalDunning(invoice, overdueSinceMs, declined));
    this.tellDunning(invoice, { kind: 'tick' });
  }

  tellDunning(invoice: string, event: DunningFact | DunningCommand): string {
    const before = this.dunnings.get(invoice);
    if (before === undefined) throw new Error(`${invoice} is not overdue`);
    const result = stepDunning(before, event, this.nowMs);
    if (result.kind === 'refused') return result.reason;
    this.dunnings.set(invoice, result.state);
    this.#wakes.set(invoice, result.wakeAtMs);
    for (const ask of result.asks) {
      switch (ask.kind) {
        case 'charge':
          this.#charge(invoice, ask.attempt, (outcome) => this.#answerDunning(invoice, ask.attempt, outcome));
          break;
        case 'notify':
          this.mails.push({ atMs: this.nowMs, what: ask.notice });
          this.tellDunning(invoice, { kind: 'handed_over', notice: ask.notice });
          break;
        case 'end_plan':
          this.tell({ kind: 'grace_over', invoice });
          break;
        case 'reevaluate_enforcement':
          this.#reevaluate();
          break;
      }
    }
    return 'done';
  }

  #answerDunning(invoice: string, attempt: number, outcome: ChargeOutcome): void {
    this.tellDunning(invoice, { kind: 'charged', attempt, outcome });
    if (outcome.kind === 'paid') this.tell({ kind: 'charged', invoice, outcome });
  }

  /** A second caller joins the attempt that is open. */
  #charge(invoice: string, attempt: number, answer: (outcome: ChargeOutcome) => void): void {
    const id = `${invoice}#${attempt}`;
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    this.attempts.push(id);
    const { outcome, afterMs = 0 } = this.bank(invoice, this.nowMs);
    if (outcome.kind === 'declined') this.#declines.set(invoice, outcome);
    const give = () => {
      this.#asked.delete(id);
      if (outcome.kind === 'paid') {
        this.captures.push({ atMs: this.nowMs, invoice, cents: this.#amounts.get(invoice) ?? Number.NaN });
      }
      answer(outcome);
    };
    if (afterMs === 0) give();
    else this.#answers.push({ atMs: this.nowMs + afterMs, give });
  }

  #reevaluate(): void {
    const open = [...this.dunnings.values()].filter(({ closed }) => closed === null);
    const facts = { unpaidInvoices: open.map(({ invoice }) => invoice), incidents: [], moving: null };
    const { stage } = enforcementOf(facts, this.nowMs);
    if (stage !== (this.stages.at(-1)?.what ?? 'none')) this.stages.push({ atMs: this.nowMs, what: stage });
  }

  /** Day and amount of every capture. */
  charged(): string[] {
    return this.captures.map(({ atMs, cents }) => `${new Date(atMs).toISOString().slice(0, 10)} ${cents}`);
  }
}
