// What an organization may do while it owes: one function of its unpaid invoices, what people have decided, what was sent, and time. It
// is computed anew under the organization's row lock and never stepped, so a payment clears it from any stage, an order of arrival
// changes nothing, and a late writer has nothing to write that is not true.
import type { Interval } from './intervals.ts';
import { earliest } from './moments.ts';
import { type Notice, type Stage, standingOf, type UnpaidInvoice } from './overdue-policy.ts';

export interface EnforcementFacts {
  readonly unpaidInvoices: readonly UnpaidInvoice[];
  /** Outages of Stripe and declared incidents, of any organization. */
  readonly incidents: readonly Interval[];
  /** A debt between two invoices: the one is void, the other was not answered yet. It restricts as it did when the one became void. */
  readonly moving: MovingDebt | null;
}

export interface MovingDebt {
  readonly invoice: UnpaidInvoice;
  /** Of then. */
  readonly incidents: readonly Interval[];
  readonly voidAtMs: number;
}

export interface Enforcement {
  readonly stage: Stage;
  readonly sinceMs: number | null;
  /** The invoices that restrict, in the order of their ids. */
  readonly reasons: readonly EnforcementReason[];
  readonly dueNotices: readonly { readonly invoiceId: string; readonly notice: Notice }[];
  /** When time alone may change this; null: only a new fact will. */
  readonly nextReevaluationAtMs: number | null;
}

export interface EnforcementReason {
  readonly invoiceId: string;
  readonly stage: Stage;
  readonly sinceMs: number;
}

/** billing.md 1.4: who is limited may send a tenth, and one request a minute at least. */
const LIMITED_DIVISOR = 10;

const SEVERITY: readonly Stage[] = ['none', 'limited', 'stopped'];

export function enforcementOf(facts: EnforcementFacts, nowMs: number): Enforcement {
  const standings = standingsOf(facts, nowMs);
  const reasons = standings.flatMap(({ invoiceId, stage, sinceMs }) =>
    sinceMs === null ? [] : [{ invoiceId, stage, sinceMs }],
  );
  const stage = SEVERITY[Math.max(0, ...reasons.map((reason) => SEVERITY.indexOf(reason.stage)))] ?? 'none';
  return {
    stage,
    sinceMs: earliest(reasons.filter((reason) => reason.stage === stage).map(({ sinceMs }) => sinceMs)),
    reasons,
    dueNotices: standings.flatMap(({ invoiceId, dueNotices }) => dueNotices.map((notice) => ({ invoiceId, notice }))),
    nextReevaluationAtMs: earliest(standings.map(({ nextMs }) => nextMs)),
  };
}

function standingsOf({ unpaidInvoices, incidents, moving }: EnforcementFacts, nowMs: number) {
  const unpaid = unpaidInvoices.map((invoice) => ({
    invoiceId: invoice.invoiceId,
    ...standingOf(invoice, incidents, nowMs),
  }));
  return [...unpaid, ...(moving === null ? [] : [stillStanding(moving)])].toSorted((a, b) =>
    a.invoiceId < b.invoiceId ? -1 : 1,
  );
}

function stillStanding({ invoice, incidents, voidAtMs }: MovingDebt) {
  const { stage, sinceMs } = standingOf(invoice, incidents, voidAtMs);
  return { invoiceId: invoice.invoiceId, stage, sinceMs, dueNotices: [], nextMs: null };
}

/** Of an organization, or of one of its API keys; null: it has no rate of its own. */
export function requestsPerMinuteAt(stage: Stage, requestsPerMinute: number | null): number | null {
  if (stage === 'none' || requestsPerMinute === null) return requestsPerMinute;
  return Math.max(1, Math.floor(requestsPerMinute / LIMITED_DIVISOR));
}

/** Where anybody may pay that invoice; links are made where they are told, so that rows need no secret. */
export type PayUrlOf = (invoiceId: string) => string;

/** Every refusal that follows from a debt ends with it: paying is what helps. */
export function payAdvice(payLink: string | null): string {
  return payLink === null ? 'Ask the administrator of your organization to pay it' : `Pay it at ${payLink}`;
}
