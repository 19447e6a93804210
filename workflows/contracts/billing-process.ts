// What the processes of billing have in common: each looks at its row, has the card asked if the row wants it, and waits.
import { defineSignal } from '@temporalio/workflow';

export type CardAsk =
  | { readonly kind: 'charge'; readonly invoiceId: string; readonly attempt: number }
  /** What has become of the payment that the customer began himself. */
  | { readonly kind: 'look'; readonly invoiceId: string }
  /** Cancel its payment intent, which may find that it was paid. */
  | { readonly kind: 'void'; readonly invoiceId: string }
  /** Money that came for a void invoice goes back. */
  | { readonly kind: 'refund'; readonly invoiceId: string }
  /** Charge an automatic top-up, which is charged once. */
  | { readonly kind: 'top_up'; readonly orgId: string; readonly number: number; readonly paymentId: string };

export interface ProcessView {
  /** Null: it is no customer's affair. */
  readonly orgId: string | null;
  /** For people; some do not tell it, nor do histories that began before it was told. */
  readonly orgName?: string;
  /** Of two views the one with the higher number is the newer. */
  readonly revision: number;
  readonly hasEnded: boolean;
  /** Repeated with every view until the answer has come. */
  readonly asks: readonly CardAsk[];
  /** From now to when time alone changes something, by the clock of billing; null: only news will. */
  readonly waitMs: number | null;
  /** The same moment, ISO 8601. */
  readonly wakeAt: string | null;
  /** Why a person must look at it; null: nobody must. */
  readonly attention: string | null;
  /** Where people read what to do, as markdown. */
  readonly runbook: string;
}

export interface CardActivities {
  /** Reaches Stripe; what came of it is in the row when it answers. Null: whoever asked has no row that can be looked at. */
  answerCardAsk(ask: CardAsk): Promise<ProcessView | null>;
  /** Looks, has Stripe asked once for what the row asks, and looks again: locally. What Stripe did not answer is asked by what it returns. */
  lookAndAsk(): Promise<ProcessView>;
}

/** Something has changed in PostgreSQL: look again. */
export const poke = defineSignal('poke');

export interface RepairActivities {
  /** Has every process look that should have gone on by now, or is in the middle of a payment; how many. */
  pokeStranded(): Promise<number>;
}
