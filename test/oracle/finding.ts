// One thing that is wrong, with the id it is wrong about and the money it is wrong by.

export type FindingKind =
  | 'record_missing'
  | 'record_doubled'
  | 'record_without_client'
  | 'record_conflict'
  | 'charge_wrong'
  | 'plan_rate_wrong'
  | 'price_version_wrong'
  | 'tokens_differ'
  | 'estimate_wrong'
  | 'estimate_unexplained'
  | 'given_away'
  | 'charged_for_error'
  | 'end_lost'
  | 'attempt_unaccounted'
  | 'attempt_paid_twice'
  | 'attempt_cost_differs'
  | 'attempt_cost_unknown'
  | 'attempt_unclaimed'
  | 'attempt_missing'
  | 'orphan_unexplained'
  | 'loss_without_intent'
  | 'loss_not_posted'
  | 'transaction_unbalanced'
  | 'debits_differ'
  | 'upstream_account_differs'
  | 'overdraft_differs'
  | 'grant_differs'
  | 'burn_order_broken'
  | 'locked_credit_spent'
  | 'balance_chain_broken'
  | 'lease_differs'
  | 'lease_left_open'
  | 'clearing_differs'
  | 'held_differs'
  | 'held_after_quiet'
  | 'cap_differs'
  | 'cap_passed';

export interface Finding {
  readonly kind: FindingKind;
  readonly id: string;
  readonly detail: string;
  readonly differenceNano: bigint;
}

/** One line; ids are where a reader starts to search. */
export function findingLine({ kind, id, detail, differenceNano }: Finding): string {
  return `${kind} ${id}: ${detail} (${differenceNano} nano-USD)`;
}

export function totalDifference(findings: readonly Finding[]): bigint {
  return findings.reduce((total, { differenceNano }) => total + differenceNano, 0n);
}

export function distance(one: bigint, other: bigint): bigint {
  return one > other ? one - other : other - one;
}

/** No finding when both are equal. */
export function unequal(kind: FindingKind, id: string, what: string, is: bigint, shouldBe: bigint): Finding[] {
  if (is === shouldBe) return [];
  return [{ kind, id, detail: `${what} is ${is}, should be ${shouldBe}`, differenceNano: distance(is, shouldBe) }];
}
