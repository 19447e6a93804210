// The money rules of design.md 3 once more, naively, in memory and without PostgreSQL: what leases, settlements and returns
// must come to. Written from the text, not from the SQL. Time is a number of hours that a test lets pass.

export interface ModelGrant {
  readonly priority: number;
  /** null: never. */
  readonly expiresAt: number | null;
  /** It came with a plan: nobody spends it who has not paid. */
  readonly isIncluded: boolean;
  available: bigint;
}

export interface ModelLease {
  readonly apiKey: number;
  /** The change of the stage after which it was cut. */
  readonly stageNumber: number;
  amount: bigint;
  consumed: bigint;
  open: boolean;
  expiresAt: number | null;
  readonly slices: { readonly grant: number; amount: bigint }[];
}

/** It counts what these keys have settled and leased. */
export interface ModelCap {
  readonly apiKeys: readonly number[];
  readonly amount: bigint;
  committed: bigint;
}

const FLOOR = 50_000_000n;

export class ReferenceLedger {
  readonly grants: ModelGrant[] = [];
  readonly leases = new Map<number, ModelLease>();
  /** By request: what was rated first, and what of it was charged. */
  readonly settled = new Map<number, { readonly rated: bigint; readonly charge: bigint }>();
  readonly losses: bigint[] = [];
  readonly caps: readonly ModelCap[];
  conflicts = 0;
  overdraft = 0n;
  now = 0;
  private stage = 'none';
  private stageNumber = 0;

  constructor(caps: readonly ModelCap[]) {
    this.caps = caps;
  }

  putUnder(stage: string): void {
    if (stage === this.stage) return;
    this.stage = stage;
    this.stageNumber += 1;
  }

  grant(priority: number, amount: bigint, expiresIn: number | null, isIncluded: boolean): void {
    const repaid = smaller(amount, this.overdraft);
    this.overdraft -= repaid;
    const expiresAt = expiresIn === null ? null : this.now + expiresIn;
    this.grants.push({ priority, expiresAt, isIncluded, available: amount - repaid });
  }

  take(id: number, apiKey: number, waiting: bigint, target: bigint, least: bigint): string {
    const lease = this.leases.get(id) ?? newLease(apiKey, this.stageNumber);
    if (lease.stageNumber !== this.stageNumber) return 'cannot_grow';
    if (this.stage === 'stopped') return 'blocked';
    const available = this.spendable() - this.overdraft;
    let room = available;
    let outcome = 'leased';
    if (least > available) outcome = least > available + this.heldAndSpendable() ? 'insufficient' : 'in_use';
    for (const cap of this.capsOf(apiKey)) {
      const left = cap.amount - cap.committed;
      room = smaller(room, left);
      if (least <= left || outcome === 'insufficient') continue;
      const isReached = least > left + this.held((lease) => cap.apiKeys.includes(lease.apiKey));
      outcome = isReached || outcome === 'cap_reached' ? 'cap_reached' : 'cap_in_use';
    }
    if (outcome !== 'leased') return outcome;
    const amount = smaller(room, larger(waiting, smaller(target, room / 10n)));
    const expiresAt = this.firstExpiry(amount);
    if (lease.amount > 0n && isEarlier(expiresAt, lease.expiresAt)) return 'cannot_grow';
    this.leases.set(id, lease);
    for (const { grant, amount: cut } of this.burn(amount)) lease.slices.push({ grant, amount: cut });
    if (isEarlier(expiresAt, lease.expiresAt)) lease.expiresAt = expiresAt;
    lease.amount += amount;
    this.commit(apiKey, amount);
    return `leased ${amount}`;
  }

  /** A request that is known already changes nothing; another amount for it is a conflict. */
  settle(request: number, id: number, apiKey: number, rated: bigint): void {
    const known = this.settled.get(request);
    if (known !== undefined) {
      if (known.rated !== rated) this.conflicts += 1;
      return;
    }
    const lease = this.leases.get(id);
    const fromLease = lease?.open ? smaller(rated, lease.amount - lease.consumed) : 0n;
    if (lease !== undefined) lease.consumed += fromLease;
    let rest = rated - fromLease;
    const outside = rest;
    for (const { amount } of this.burn(smaller(rest, this.spendable()))) rest -= amount;
    const owed = smaller(rest, larger(0n, FLOOR - this.overdraft));
    this.overdraft += owed;
    rest -= owed;
    this.commit(apiKey, outside - rest);
    this.settled.set(request, { rated, charge: rated - rest });
    if (rest > 0n) this.losses.push(rest);
  }

  giveBack(id: number, apiKey: number, amount: bigint, close: boolean): void {
    const lease = this.leases.get(id);
    if (lease === undefined && close) this.leases.set(id, { ...newLease(apiKey, 0), open: false });
    if (lease === undefined || !lease.open) return;
    let rest = smaller(close ? lease.amount : amount, lease.amount - lease.consumed);
    lease.amount -= rest;
    this.commit(lease.apiKey, -rest);
    const returned = rest;
    for (const slice of lease.slices.toReversed()) {
      const part = smaller(rest, slice.amount);
      slice.amount -= part;
      rest -= part;
      const grant = this.grants[slice.grant];
      if (grant !== undefined && this.isInForce(grant)) grant.available += part; // else it is lost with its grant
    }
    if (returned > 0n) this.repay();
    if (close) lease.open = false;
  }

  /** From what came back, also from grants that are about to be lost. */
  private repay(): void {
    for (const { amount } of this.burn(this.overdraft, this.grants)) this.overdraft -= amount;
  }

  private capsOf(apiKey: number): ModelCap[] {
    return this.caps.filter(({ apiKeys }) => apiKeys.includes(apiKey));
  }

  private commit(apiKey: number, amount: bigint): void {
    for (const cap of this.capsOf(apiKey)) cap.committed += amount;
  }

  private held(counts: (lease: ModelLease) => boolean): bigint {
    let held = 0n;
    for (const lease of this.leases.values()) if (lease.open && counts(lease)) held += lease.amount - lease.consumed;
    return held;
  }

  /** Money comes back from the end of a lease; what is locked by then helps nobody. */
  private heldAndSpendable(): bigint {
    let held = 0n;
    for (const { open, amount, consumed, slices } of this.leases.values()) {
      const usable = slices.filter(({ grant }) => !this.isLocked(this.grants[grant]));
      if (open)
        held += smaller(
          amount - consumed,
          usable.reduce((total, slice) => total + slice.amount, 0n),
        );
    }
    return held;
  }

  private isLocked(grant: ModelGrant | undefined): boolean {
    return this.stage !== 'none' && grant?.isIncluded === true;
  }

  private isInForce({ expiresAt }: ModelGrant): boolean {
    return expiresAt === null || expiresAt > this.now;
  }

  private usable(): ModelGrant[] {
    return this.grants.filter((grant) => this.isInForce(grant) && !this.isLocked(grant));
  }

  private spendable(): bigint {
    return this.usable().reduce((total, { available }) => total + available, 0n);
  }

  /** What burning this much would take from each grant, in burn order. */
  private cuts(amount: bigint, usable: readonly ModelGrant[] = this.usable()): { grant: number; amount: bigint }[] {
    const order = [...this.grants.entries()].filter(([, grant]) => usable.includes(grant));
    order.sort(([a, one], [b, other]) => one.priority - other.priority || byExpiry(one, other) || a - b);
    let rest = amount;
    return order.flatMap(([grant, { available }]) => {
      const cut = smaller(rest, available);
      rest -= cut;
      return cut === 0n ? [] : [{ grant, amount: cut }];
    });
  }

  private burn(amount: bigint, usable?: readonly ModelGrant[]): { grant: number; amount: bigint }[] {
    const cuts = this.cuts(amount, usable);
    for (const { grant, amount: cut } of cuts) {
      const burnt = this.grants[grant];
      if (burnt !== undefined) burnt.available -= cut;
    }
    return cuts;
  }

  /** Of the grants that burning this much would touch; null: none of them expires. */
  private firstExpiry(amount: bigint): number | null {
    const expiries = this.cuts(amount).flatMap(({ grant }) => this.grants[grant]?.expiresAt ?? []);
    return expiries.length === 0 ? null : Math.min(...expiries);
  }
}

function newLease(apiKey: number, stageNumber: number): ModelLease {
  return { apiKey, stageNumber, amount: 0n, consumed: 0n, open: true, expiresAt: null, slices: [] };
}

function isEarlier(a: number | null, b: number | null): boolean {
  return (a ?? Number.POSITIVE_INFINITY) < (b ?? Number.POSITIVE_INFINITY);
}

function byExpiry({ expiresAt: a }: ModelGrant, { expiresAt: b }: ModelGrant): number {
  if (a === b) return 0;
  return isEarlier(a, b) ? -1 : 1;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
