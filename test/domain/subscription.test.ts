// Any order of payments, refusals, doubts, commands and time: a period is paid at most once, none begins before its payment, and no
// money is kept for nothing.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endOf, startOf } from '../../domain/billing-periods.ts';
import { newSubscription, openOrder, type Subscription, type SubscriptionWrite } from '../../domain/subscription.ts';
import type { SubscriptionCommand } from '../../domain/subscription-commands.ts';
import { type SubscriptionAsk, type SubscriptionFact, stepSubscription } from '../../domain/subscription-step.ts';
import { PAID, refusal, sold, UNKNOWN } from './billing-world.ts';
import { HOUR_MS } from './overdue-facts.ts';

type Event = SubscriptionFact | SubscriptionCommand;

const BEGIN_MS = Date.UTC(2027, 0, 31, 10);
const ANSWERS = {
  paid: PAID,
  declined: refusal('insufficient_funds'),
  authenticate: refusal('authentication_required'),
  fault: { kind: 'fault' },
  unknown: UNKNOWN,
  'unknown, but captured': UNKNOWN,
} as const;
const TERMS = [sold('pro'), sold('team'), sold('pro', 12), sold('team', 12)];

/** A Stripe that knows what it captured, and a subscription that is told of it late, twice, or not at first. */
class Trial {
  nowMs = BEGIN_MS;
  state: Subscription;
  asks: readonly SubscriptionAsk[] = [];
  readonly captured = new Set(['first']);
  readonly void = new Set<string>();
  readonly refunded: string[] = [];
  readonly writes: SubscriptionWrite[] = [];
  readonly told: Event[] = [];
  /** A step that, repeated, changed something; a wake that was not ahead; a charge for a void invoice; time that was paid for and lost. */
  broken = false;

  constructor(terms: (typeof TERMS)[number]) {
    this.state = newSubscription(terms, 'first', BEGIN_MS);
  }

  tell(event: Event): void {
    this.told.push(event);
    const result = stepSubscription(this.state, event, this.nowMs);
    if (result.kind === 'refused') return;
    const again = stepSubscription(result.state, event, this.nowMs);
    const isRepeatable = again.kind === 'stepped' && again.state === result.state && again.writes.length === 0;
    const isAhead = result.wakeAtMs === null || result.wakeAtMs > this.nowMs;
    const isCounted = result.state.revision - this.state.revision === Number(result.state !== this.state);
    this.broken ||= result.writes.some((write) => this.#takesAway(write));
    this.broken ||= !isRepeatable || !isAhead || !isCounted || this.void.has(this.asked('charge')?.order.invoice ?? '');
    this.state = result.state;
    this.asks = result.asks;
    this.writes.push(...result.writes);
  }

  #takesAway(write: SubscriptionWrite): boolean {
    if (write.kind === 'period_begun') return endOf(write.period) <= this.nowMs || write.fromMs !== this.nowMs;
    return (write.kind === 'plan_ended' || write.kind === 'paused') && this.nowMs < endOf(this.state.period);
  }

  asked<Kind extends SubscriptionAsk['kind']>(kind: Kind) {
    return this.asks.find((ask): ask is Extract<SubscriptionAsk, { kind: Kind }> => ask.kind === kind);
  }

  answer(how: keyof typeof ANSWERS): void {
    const invoice = this.asked('charge')?.order.invoice ?? this.asked('start_dunning')?.invoice;
    if (invoice === undefined) return;
    if (how === 'paid' || how === 'unknown, but captured') this.captured.add(invoice);
    const isRefused = how === 'declined' || how === 'authenticate' || how === 'fault';
    const outcome = isRefused && this.captured.has(invoice) ? PAID : ANSWERS[how];
    this.tell({ kind: 'charged', invoice, outcome });
  }

  cancelIntent(isInDoubt: boolean): void {
    const invoice = this.asked('void_invoice')?.invoice;
    if (invoice === undefined) return;
    const isCaptured = this.captured.has(invoice);
    if (!isInDoubt && !isCaptured) this.void.add(invoice);
    if (isInDoubt) this.tell({ kind: 'void_in_doubt', invoice });
    else this.tell(isCaptured ? { kind: 'charged', invoice, outcome: PAID } : { kind: 'voided', invoice });
  }

  refund(): void {
    const invoice = this.asked('refund')?.invoice;
    if (invoice === undefined) return;
    this.refunded.push(invoice);
    this.tell({ kind: 'refunded', invoice });
  }

  refuseRefund(): void {
    const invoice = this.asked('refund')?.invoice;
    if (invoice !== undefined) this.tell({ kind: 'refund_refused', invoice });
  }

  webhook(n: number): void {
    const invoice = [...this.captured][n % this.captured.size] ?? 'first';
    this.tell({ kind: 'charged', invoice, outcome: PAID });
  }

  /** It should not happen, and it is said to. */
  captureVoid(n: number): void {
    const invoice = [...this.void][n % Math.max(this.void.size, 1)];
    if (invoice === undefined || this.captured.has(invoice)) return;
    this.captured.add(invoice);
    this.tell({ kind: 'charged', invoice, outcome: PAID });
  }

  command(kind: SubscriptionCommand['kind'], n: number, isStale: boolean): void {
    const about = { requestId: `request-${this.told.length}`, revision: this.state.revision - Number(isStale) };
    const terms = TERMS[n % TERMS.length] ?? sold('pro');
    this.tell(kind === 'change_plan' ? { kind, terms, upgradeCents: 5_000, ...about } : { kind, ...about });
  }

  /** Every webhook that is still to come comes, and what is asked for is done. */
  finish(): void {
    for (let n = 0; n < this.captured.size; n += 1) this.webhook(n);
    this.command('retry_refund', 0, false);
    while (this.asked('refund') !== undefined) this.refund();
  }
}

const nat = fc.nat(1_000);
type Act = (trial: Trial) => void;
const acts: fc.Arbitrary<Act> = fc.oneof(
  // Ten minutes are how long a doubt rests.
  fc.oneof(fc.nat(40 * 24), fc.constant(1 / 6)).map(
    (hours): Act =>
      (trial) => {
        trial.nowMs += hours * HOUR_MS;
        trial.tell({ kind: 'tick' });
      },
  ),
  fc.constantFrom(...(Object.keys(ANSWERS) as (keyof typeof ANSWERS)[])).map(
    (how): Act =>
      (trial) =>
        trial.answer(how),
  ),
  fc.boolean().map(
    (isInDoubt): Act =>
      (trial) =>
        trial.cancelIntent(isInDoubt),
  ),
  fc.tuple(fc.constantFrom('change_plan', 'cancel', 'reactivate', 'pause', 'resume', 'retry_refund'), nat, nat).map(
    ([kind, n, stale]): Act =>
      (trial) =>
        trial.command(kind, n, stale % 8 === 0),
  ),
  nat.map(
    (n): Act =>
      (trial) =>
        trial.webhook(n),
  ),
  nat.map(
    (n): Act =>
      (trial) =>
        trial.tell(trial.told[n % Math.max(trial.told.length, 1)] ?? { kind: 'tick' }),
  ),
  nat.map(
    (n): Act =>
      (trial) =>
        n % 4 ? trial.refund() : trial.captureVoid(n),
  ),
  fc.constant<Act>((trial) => trial.refuseRefund()),
  fc.constant<Act>((trial) => trial.tell({ kind: 'grace_over', invoice: openOrder(trial.state)?.invoice ?? '' })),
);

function lived(terms: (typeof TERMS)[number], story: readonly Act[]): Trial {
  const trial = new Trial(terms);
  for (const act of story) act(trial);
  trial.finish();
  return trial;
}

const stories = fc.tuple(fc.constantFrom(...TERMS), fc.array(acts, { maxLength: 60, size: 'max' }));

function written<Kind extends SubscriptionWrite['kind']>({ writes }: Trial, kind: Kind) {
  return writes.filter((write): write is Extract<SubscriptionWrite, { kind: Kind }> => write.kind === kind);
}

test('each payment buys one period or is given back, once, and no repeated event changes anything', () => {
  fc.assert(
    fc.property(stories, ([terms, story]) => {
      const trial = lived(terms, story);
      const bought = ['first', ...written(trial, 'period_begun').map(({ order }) => order.invoice)];

      expect([...bought, ...trial.refunded].toSorted()).toEqual([...trial.captured].toSorted());
      expect(trial.broken).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('periods do not overlap, no order is made twice, and each month of credit is granted once', () => {
  fc.assert(
    fc.property(stories, ([terms, story]) => {
      const trial = lived(terms, story);
      const spans: [fromMs: number, untilMs: number][] = [
        [BEGIN_MS, endOf({ anchorMs: BEGIN_MS, firstMonth: 0, months: terms.months })],
      ];
      for (const write of trial.writes) {
        if (write.kind === 'period_cut') spans[spans.length - 1] = [spans.at(-1)?.[0] ?? 0, write.atMs];
        if (write.kind === 'period_begun') spans.push([startOf(write.period), endOf(write.period)]);
      }
      const months = written(trial, 'credit_granted').map(({ invoice, month }) => `${invoice}:${month.firstMonth}`);
      const orders = written(trial, 'ordered').map(({ order }) => order.invoice);

      expect(spans.slice(1).every(([fromMs], n) => fromMs >= (spans[n]?.[1] ?? 0))).toBe(true);
      expect(new Set(months).size).toBe(months.length);
      expect(new Set(orders).size).toBe(orders.length);
    }),
    { numRuns: 500 },
  );
});

test('nothing is written after the plan has ended', () => {
  fc.assert(
    fc.property(stories, ([terms, story]) => {
      const { writes } = lived(terms, story);
      const endsAt = writes.findIndex(({ kind }) => kind === 'plan_ended');

      expect(endsAt === -1 || endsAt === writes.length - 1).toBe(true);
    }),
  );
});

test.each([
  ['in the middle of a month', BEGIN_MS + HOUR_MS, 'renew'],
  ['when it waits for its renewal', endOf({ anchorMs: BEGIN_MS, firstMonth: 0, months: 1 }) + HOUR_MS, 'renew'],
  ['when it would have ended', endOf({ anchorMs: BEGIN_MS, firstMonth: 0, months: 1 }) + HOUR_MS, 'cancel'],
] as const)(
  'an upgrade that was paid in days that are forgotten begins when it is found, %s',
  (_, foundAtMs, atPeriodEnd) => {
    const before: Subscription = { ...newSubscription(sold('pro'), 'first', BEGIN_MS), atPeriodEnd };
    const order = { invoice: 'purchase:forgotten', terms: sold('team'), amountCents: 8_000, period: null };

    const found = stepSubscription(before, { kind: 'order_found', order }, foundAtMs);
    const state = found.kind === 'stepped' ? found.state : before;
    const paid = stepSubscription(state, { kind: 'charged', invoice: order.invoice, outcome: PAID }, foundAtMs);
    const again = paid.kind === 'stepped' ? stepSubscription(paid.state, { kind: 'tick' }, foundAtMs) : paid;

    expect(paid).toMatchObject({
      kind: 'stepped',
      state: {
        phase: { kind: 'active' },
        terms: sold('team'),
        period: { anchorMs: foundAtMs, firstMonth: 0, months: 1 },
        atPeriodEnd: atPeriodEnd === 'cancel' && foundAtMs < BEGIN_MS + 2 * HOUR_MS ? 'cancel' : 'renew',
      },
      asks: [],
    });
    expect(again).toMatchObject({ writes: [], asks: [] });
  },
);
