// What is unused of the period that a subscription has paid for: what an upgrade costs less by it, and who becomes an enterprise is credited.
import type { PoolClient } from 'pg';
import { endOf } from '../../domain/billing-periods.ts';
import { type Cents, cents, nanoOf } from '../../domain/cents.ts';
import { nano } from '../../domain/nano.ts';
import { upgradeCredit } from '../../domain/proration.ts';
import type { Subscription } from '../../domain/subscription.ts';

/** The caller holds the organization. */
export async function unusedValue(
  tx: PoolClient,
  orgId: string,
  { terms, period, inForceFromMs, creditedMonth }: Subscription,
  nowMs: number,
): Promise<Cents> {
  return upgradeCredit(
    {
      priceCents: cents(terms.priceCents),
      inForceFromMs,
      endMs: endOf(period),
      months: period.months,
      monthsCredited: creditedMonth - period.firstMonth + 1,
      monthlyCreditNano: nanoOf(cents(terms.monthlyCreditCents)),
      unusedNano: await unusedIncluded(tx, orgId),
    },
    nowMs,
  );
}

/** What leases hold counts as used. */
async function unusedIncluded(tx: PoolClient, orgId: string) {
  const { rows } = await tx.query<{ left: string }>(
    `select coalesce(sum(b.available_nano), 0) as left from grant_balances b join credit_grants g on g.id = b.grant_id
      where g.org_id = $1 and g.source = 'included' and g.expires_at > billing_now()`,
    [orgId],
  );
  return nano(rows[0]?.left ?? '0');
}
