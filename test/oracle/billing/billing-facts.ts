// What the judge of billing knows: rows as they stand, what Stripe took, what the mail server got, and what Temporal shows.

export interface BillingFacts {
  /** By the clock of billing. */
  readonly now: Date;
  readonly planVersions: readonly { readonly id: string; readonly monthlyCreditCents: number }[];
  readonly organizations: readonly { readonly id: string; readonly overdueStage: Stage }[];
  /** In their order, of each organization. */
  readonly stageChanges: readonly { readonly orgId: string; readonly stage: Stage }[];
  /** By organization, as the product's own rule computes it from its facts now. Only those that owe. */
  readonly stagesByRule: ReadonlyMap<string, Stage>;
  readonly subscriptions: readonly Subscription[];
  readonly periods: readonly Period[];
  readonly invoices: readonly Invoice[];
  readonly payments: readonly Payment[];
  readonly refunds: readonly {
    readonly id: string;
    readonly paymentId: string;
    readonly transactionId: string;
    readonly reversalId: string | null;
  }[];
  /** Lines of the account stripe_clearing. */
  readonly clearing: readonly { readonly transactionId: string; readonly amountNano: bigint }[];
  /** Lines of the account tax_payable. */
  readonly taxes: readonly { readonly transactionId: string; readonly amountNano: bigint }[];
  /**
   * What was taken of the account deferred_plan (what was added is negative), by transaction in their order; also of a month's credit that took
   * nothing. `monthEndsAt`: of a month's credit.
   */
  readonly deferred: readonly {
    readonly orgId: string;
    readonly transactionId: string;
    readonly amountNano: bigint;
    readonly monthEndsAt: Date | null;
  }[];
  readonly includedGrants: readonly IncludedGrant[];
  readonly cases: readonly Case[];
  /** Handed over to the mail server, or not yet. */
  readonly notices: readonly {
    readonly invoiceId: string;
    readonly notice: string;
    readonly handedOverAt: Date | null;
  }[];
  /** Cases that a person told something, or whose payment was in doubt: they stand outside the plain ladder. */
  readonly outsideTheLadder: ReadonlySet<string>;
  readonly handedOver: number;
  /** That came by bank and stayed. */
  readonly transfers: readonly { readonly invoiceId: string; readonly amountCents: number }[];
  /** Cents of tax by the reference of each of Stripe's tax transactions, of reversals below zero. */
  readonly taxReports: ReadonlyMap<string, number>;
  /** By payment intent, as Stripe tells it. */
  readonly captures: ReadonlyMap<string, Capture>;
  readonly mails: readonly { readonly messageId: string | null; readonly to: readonly string[] }[];
  readonly workflows: readonly Workflow[];
  /** Workflow ids of news that nobody was told of, and ids of events that nobody followed. */
  readonly undelivered: readonly string[];
  /** Invariants that the product's own verifier found broken. */
  readonly broken: readonly string[];
}

export type Stage = 'none' | 'limited' | 'stopped';

export interface Subscription {
  readonly id: string;
  readonly orgId: string;
  readonly phase: string;
  /** It waits for Stripe, and for nothing else. */
  readonly asks: boolean;
  readonly wakeAt: Date | null;
}

export interface Period {
  readonly subscriptionId: string;
  readonly anchor: Date;
  readonly firstMonth: number;
  readonly months: number;
  readonly startsAt: Date;
  readonly endsAt: Date;
  /** Null: skipped. */
  readonly invoiceId: string | null;
  readonly inForceFrom: Date | null;
  readonly cutAt: Date | null;
}

export interface Invoice {
  readonly id: string;
  readonly orgId: string;
  readonly amountCents: number;
  /** Of the amount. */
  readonly taxCents: number;
  /** Millionths; null: not taxed. */
  readonly ratePpm: number | null;
  /** What Stripe said; null: it was not asked. */
  readonly stripeTaxCents: number | null;
  readonly state: 'open' | 'paid' | 'void';
  /** Null: it is one of usage, and begins no period. */
  readonly planVersionId: string | null;
}

export interface Payment {
  readonly id: string;
  readonly invoiceId: string | null;
  /** The payment that was captured once more. */
  readonly secondOf: string | null;
  readonly intent: string | null;
  readonly transactionId: string | null;
}

export interface IncludedGrant {
  readonly id: string;
  readonly orgId: string;
  readonly amountNano: bigint;
  readonly expiresAt: Date;
}

export interface Case {
  readonly invoiceId: string;
  readonly orgId: string;
  readonly policy: 'renewal' | 'postpaid';
  /** From when on the days of its ladder count. */
  readonly dueAt: Date;
  /** Null: no person has decided that the customer is to be stopped. */
  readonly stopDecidedAt: Date | null;
  readonly openedAt: Date;
  readonly wakeAt: Date | null;
  readonly closed: string | null;
}

export interface Capture {
  readonly captures: number;
  readonly capturedCents: number;
  readonly refundedCents: number;
}

export interface Workflow {
  readonly id: string;
  /** What of it fails again and again; null: nothing. */
  readonly failure: string | null;
}
