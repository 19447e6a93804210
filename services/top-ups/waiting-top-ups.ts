// Automatic top-ups whose process waits for a person of ours: Stripe refuses the charge, and no bank hears of it (services/payments/charge-faults.ts).
// They are found by their faults, which are rare, and not by their states (D100).
import { sinceFaults } from '../payments/charge-faults.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface WaitingTopUp {
  readonly orgId: string;
  readonly orgName: string;
  /** With tax. Null: none is awaited by now, another will be. */
  readonly amountCents: number | null;
  readonly since: Date;
  /** Stripe's words. */
  readonly fault: string | null;
}

/** More than ever wait. */
const MOST = 100;

export async function waitingTopUps(db: Queryable): Promise<WaitingTopUp[]> {
  const { rows } = await db.query<Omit<WaitingTopUp, 'since' | 'fault'>>(
    `select o.id as "orgId", o.name as "orgName", (t.state #>> '{open,priceCents}')::int as "amountCents"
       from (select p.org_id from charge_attempts a join payments p on p.id = a.payment_id where a.outcome = 'fault' and p.top_up is not null
             union select sale_id from tax_refusals) met
       join top_ups t on t.org_id = met.org_id and (t.open_number is not null or t.wake_at is not null)
       join organizations o on o.id = t.org_id
      order by o.id limit $1`,
    [MOST],
  );
  const waiting: WaitingTopUp[] = [];
  for (const row of rows) {
    const lasting = await sinceFaults(db, { topUpsOf: row.orgId });
    if (lasting !== null) waiting.push({ ...row, since: lasting.since, fault: lasting.error });
  }
  return waiting;
}
