// Who runs low, beside settlement and not in it: that path does no more for it, and a balance is an organization's, of which every gateway
// knows a part. Balances are compared without a lock with what the rows wait for; where something would change, it is done
// under the organization's lock with the balance of then. Looking twice is looking (D62).
import type { Pool } from 'pg';
import { balanceOf } from '../grants/balance.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { inTransaction } from '../platform/postgres.ts';
import { lookAtBalance } from '../top-ups/turn.ts';
import { warnOfBalance } from './alerts.ts';

/** Those that hold leases, which whoever spends does, or all: credit also expires, and goes back. */
export type Looked = 'spending' | 'all';

const LOOK_AFTER = '900 milliseconds';
const LOOK_AT_ALL_AFTER = '1 minute';

/** For one of the workers; null: another one has looked just now, or billing is on hold. */
export async function claimLook(db: Pool): Promise<Looked | null> {
  const { rows } = await db.query<{ looked: Looked }>(
    `update balance_looks
        set looked_at = clock_timestamp(),
            looked_at_all_at = case when looked_at_all_at < clock_timestamp() - $2::interval then clock_timestamp() else looked_at_all_at end
      where looked_at < clock_timestamp() - $1::interval and billing_held_since() is null
     returning case when looked_at_all_at >= looked_at then 'all' else 'spending' end as looked`,
    [LOOK_AFTER, LOOK_AT_ALL_AFTER],
  );
  return rows[0]?.looked ?? null;
}

/** How many were found. One that cannot be seen to does not hold up the others. */
export async function lookAtBalances(db: Pool, looked: Looked): Promise<number> {
  const { rows } = await db.query<{ orgId: string }>(noteworthy(looked));
  await oneByOne(rows, ({ orgId }) => seeTo(db, orgId));
  return rows.length;
}

/**
 * All at once and not by balance_of, one by one. Credit that has expired counts until it is swept, for half a minute: then somebody is
 * looked at for nothing, or somewhat later.
 */
function noteworthy(looked: Looked): string {
  return `
    with held as (
      select org_id, sum(amount_nano - consumed_nano) as nano from leases where closed_at is null group by org_id
    ), free as (
      select org_id, sum(available_nano) as nano from grant_balances
       where available_nano > 0 ${looked === 'all' ? '' : 'and org_id in (select h.org_id from held h)'} group by org_id
    ), balances as (
      select o.id as org_id, coalesce(f.nano, 0) + coalesce(h.nano, 0) - o.overdraft_nano as nano
        from organizations o ${looked === 'all' ? 'left join' : 'join'} held h on h.org_id = o.id left join free f on f.org_id = o.id
    )
    select b.org_id as "orgId"
      from balances b left join top_ups t on t.org_id = b.org_id left join balance_alerts a on a.org_id = b.org_id
     where (b.nano < t.threshold_nano) <> t.is_low or a.is_basis_new or b.nano <= a.below_nano or b.nano > a.above_nano`;
}

async function seeTo(db: Pool, orgId: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lookAtBalance(tx, orgId);
    const { balanceNano } = await balanceOf(tx, orgId);
    await warnOfBalance(tx, orgId, balanceNano);
  });
}
