// The money rules of design.md 3 once more, naively, in memory and without PostgreSQL: what leases, settlements and returns
// must come to. Written from the text, not from the SQL.

export interface ModelGrant {
  readonly priority: number;
  available: bigint;
}

export interface ModelLease {
  amount: bigint;
  consumed: bigint;
  open: boolean;
  readonly slices: { readonly grant: number; amount: bigint }[];
}

const FLOOR = 50_000_000n;

export class ReferenceLedger {
  readonly grants: ModelGrant[] = [];
  readonly leases = new Map<number, ModelLease>();
  readonly charges: bigint[] = [];
  readonly losses: bigint[] = [];
  overdraft = 0n;
  committed = 0n;
  readonly cap: bigint;

  constructor(cap: bigint) {
    this.cap = cap;
  }

  grant(priority: number, amount: bigint): void {
    const repaid = smaller(amount, this.overdraft);
    this.overdraft -= repaid;
    this.grants.push({ priority, available: amount - repaid });
  }

  take(id: number, waiting: bigint, target: bigint, least: bigint): string {
    const available = this.available();
    const capRoom = this.cap - this.committed;
    const held = this.held();
    let outcome = 'leased';
    if (least > available) outcome = least > available + held ? 'insufficient' : 'in_use';
    if (least > capRoom && outcome !== 'insufficient') outcome = least > capRoom + held ? 'cap_reached' : 'cap_in_use';
    if (outcome !== 'leased') return outcome;
    const room = smaller(available, capRoom);
    const amount = smaller(room, larger(waiting, smaller(target, room / 10n)));
    const lease = this.leases.get(id) ?? { amount: 0n, consumed: 0n, open: true, slices: [] };
    this.leases.set(id, lease);
    for (const { grant, amount: cut } of this.burn(amount)) lease.slices.push({ grant, amount: cut });
    lease.amount += amount;
    this.committed += amount;
    return `leased ${amount}`;
  }

  settle(id: number, rated: bigint): void {
    const lease = this.leases.get(id);
    const fromLease = lease?.open ? smaller(rated, lease.amount - lease.consumed) : 0n;
    if (lease !== undefined) lease.consumed += fromLease;
    let rest = rated - fromLease;
    const outside = rest;
    for (const { amount } of this.burn(smaller(rest, this.grantsLeft()))) rest -= amount;
    const owed = smaller(rest, larger(0n, FLOOR - this.overdraft));
    this.overdraft += owed;
    rest -= owed;
    this.committed += outside - rest;
    this.charges.push(rated - rest);
    if (rest > 0n) this.losses.push(rest);
  }

  giveBack(id: number, amount: bigint, close: boolean): void {
    const lease = this.leases.get(id);
    if (lease === undefined && close) this.leases.set(id, { amount: 0n, consumed: 0n, open: false, slices: [] });
    if (lease === undefined || !lease.open) return;
    let rest = smaller(close ? lease.amount : amount, lease.amount - lease.consumed);
    lease.amount -= rest;
    this.committed -= rest;
    const returned = rest;
    for (const slice of lease.slices.toReversed()) {
      const part = smaller(rest, slice.amount);
      slice.amount -= part;
      rest -= part;
      const grant = this.grants[slice.grant];
      if (grant !== undefined) grant.available += part;
    }
    if (returned > 0n) this.repay();
    if (close) lease.open = false;
  }

  private repay(): void {
    for (const { amount } of this.burn(smaller(this.overdraft, this.grantsLeft()))) this.overdraft -= amount;
  }

  available(): bigint {
    return this.grantsLeft() - this.overdraft;
  }

  held(): bigint {
    let held = 0n;
    for (const lease of this.leases.values()) if (lease.open) held += lease.amount - lease.consumed;
    return held;
  }

  private grantsLeft(): bigint {
    return this.grants.reduce((total, { available }) => total + available, 0n);
  }

  private burn(amount: bigint): { grant: number; amount: bigint }[] {
    const cuts: { grant: number; amount: bigint }[] = [];
    const order = [...this.grants.keys()].sort(
      (a, b) => (this.grants[a]?.priority ?? 0) - (this.grants[b]?.priority ?? 0) || a - b,
    );
    let rest = amount;
    for (const index of order) {
      const grant = this.grants[index];
      const cut = grant === undefined ? 0n : smaller(rest, grant.available);
      if (grant === undefined || cut === 0n) continue;
      grant.available -= cut;
      rest -= cut;
      cuts.push({ grant: index, amount: cut });
    }
    return cuts;
  }
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
