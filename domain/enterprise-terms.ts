// What we agree on with an enterprise, as plain JSON: what people decide on, and all that provisioning knows.

export interface EnterpriseTerms {
  /** 0: it pays in advance. */
  readonly creditLineCents: number;
  readonly netDays: number;
  /** What its requests cost, in millionths of list price. */
  readonly priceOfListPpm: number;
  /** What the whole organization may spend in a month of its zone; null: as much as it has. */
  readonly monthlyBudgetCents: number | null;
  /** From where its first API key may be used, as CIDR; none: from anywhere. */
  readonly allowedAddresses: readonly string[];
}
