// What an organization has: credit that is free, and beside it what gateways hold for requests in flight.
// It is computed when it is asked for, from the rows that admission itself reads, so it is right to the nano.
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface Balance {
  /** available + reserved + settling. Below zero when an answer cost more than was left. */
  readonly balanceNano: Nano;
  readonly availableNano: Nano;
  /** Leased to running gateways and not spent. */
  readonly reservedNano: Nano;
  /** In leases of gateways that died: comes back, or is charged, when their journal is replayed. */
  readonly settlingNano: Nano;
  /** There, and not to be spent: locked while an invoice is overdue, or expired and about to be written off. No part of the balance. */
  readonly lockedNano: Nano;
}

/** @throws TollgateError not_found */
export async function balanceOf(db: Queryable, orgId: string): Promise<Balance> {
  const { rows } = await db.query<{ [F in keyof Balance]: string | null }>(
    `select balance_nano as "balanceNano", available_nano as "availableNano", reserved_nano as "reservedNano",
            settling_nano as "settlingNano",
            (select coalesce(sum(g.available_nano), 0)::bigint from grant_balances g where g.org_id = $1)
              - (select coalesce(sum(b.available_nano), 0)::bigint from burnable_grants($1) b) as "lockedNano"
       from balance_of($1)`,
    [orgId],
  );
  const [row] = rows;
  if (
    row?.balanceNano == null ||
    row.availableNano === null ||
    row.reservedNano === null ||
    row.settlingNano === null ||
    row.lockedNano === null
  ) {
    throw new TollgateError('not_found', { message: `There is no organization ${orgId}.`, param: 'orgId' });
  }
  return {
    balanceNano: nano(row.balanceNano),
    availableNano: nano(row.availableNano),
    reservedNano: nano(row.reservedNano),
    settlingNano: nano(row.settlingNano),
    lockedNano: nano(row.lockedNano),
  };
}
