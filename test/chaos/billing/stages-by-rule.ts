// What the product's own rule says of who owes, computed from the stored facts of his cases and nothing else: no step of a process, no stage
// that somebody has set.
import type { Client } from 'pg';
import type { Dunning } from '../../../domain/dunning.ts';
import { enforcementOf } from '../../../domain/enforcement.ts';
import type { Interval } from '../../../domain/intervals.ts';
import type { Stage } from '../../oracle/billing/billing-facts.ts';

/** By organization; who owes nothing is not in it. */
export async function stagesByRule(db: Client): Promise<Map<string, Stage>> {
  const { rows: cases } = await db.query<{ orgId: string; state: Dunning; nowMs: number }>(
    `select org_id as "orgId", state, (extract(epoch from billing_now()) * 1000)::float8 as "nowMs" from dunnings where closed is null`,
  );
  const { rows: incidents } = await db.query<Interval>(
    `select (extract(epoch from from_at) * 1000)::float8 as "fromMs", (extract(epoch from to_at) * 1000)::float8 as "toMs"
       from billing_incidents`,
  );
  return new Map(
    [...Map.groupBy(cases, ({ orgId }) => orgId)].map(([orgId, own]) => {
      const unpaidInvoices = own.map(({ state }) => state.invoice);
      return [orgId, enforcementOf({ unpaidInvoices, incidents, moving: null }, own[0]?.nowMs ?? 0).stage];
    }),
  );
}
