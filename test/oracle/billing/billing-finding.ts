// One thing that is wrong with billing, and the money it is wrong by.

export const BILLING_FINDING_KINDS = [
  'charge_missing',
  'charge_doubled',
  'charged_for_void',
  'capture_unknown',
  'clearing_differs',
  'tax_differs',
  'deferred_differs',
  'period_unpaid',
  'period_missing',
  'period_doubled',
  'renewal_missing',
  'paid_for_nothing',
  'grant_missing',
  'grant_doubled',
  'grant_differs',
  'grant_unexplained',
  'stage_wrong',
  'stage_differs',
  'case_left_open',
  'process_stuck',
  'workflow_fails',
  'news_undelivered',
  'mail_repeated',
  'mail_missing',
  'invariant_broken',
] as const;
export type BillingFindingKind = (typeof BILLING_FINDING_KINDS)[number];

export interface BillingFinding {
  readonly kind: BillingFindingKind;
  readonly id: string;
  readonly detail: string;
  readonly differenceNano: bigint;
}

export function finding(kind: BillingFindingKind, id: string, detail: string, differenceNano = 0n): BillingFinding {
  return { kind, id, detail, differenceNano };
}

export function billingFindingLine({ kind, id, detail, differenceNano }: BillingFinding): string {
  return `${kind} ${id}: ${detail} (${differenceNano} nano-USD)`;
}
