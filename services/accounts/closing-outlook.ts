// What closing an account would mean: which organizations end with it and what they still have, and what must be settled first.
import { type Nano, nano } from '../../domain/nano.ts';
import { balanceOf } from '../grants/balance.ts';
import { staffRolesOf } from '../people/staff-roles.ts';
import type { Queryable } from '../platform/postgres.ts';

/**
 * staff: he works for us. shared: others belong to the organization, too, so he leaves it, or hands it over, first. owed: see `amountNano`.
 * subscription, contract, application, auto_top_up: it would go on without anybody.
 */
export const OBSTACLES = ['staff', 'shared', 'owed', 'subscription', 'contract', 'application', 'auto_top_up'] as const;

interface Obstacle {
  readonly why: (typeof OBSTACLES)[number];
  /** Null: it is about no organization. */
  readonly orgId: string | null;
  readonly orgName: string | null;
  /** Of what is owed. */
  readonly amountNano: Nano | null;
}

export interface ClosingOutlook {
  readonly obstacles: readonly Obstacle[];
  /** That are his alone, and end with the account. */
  readonly organizations: readonly {
    readonly orgId: string;
    readonly orgName: string;
    /** Credit that nobody will spend. */
    readonly availableNano: Nano;
    /** In use now; they stop. */
    readonly apiKeys: number;
  }[];
}

interface Standing {
  readonly orgId: string;
  readonly orgName: string;
  readonly isShared: boolean;
  readonly owed: string;
  readonly hasSubscription: boolean;
  readonly hasContract: boolean;
  readonly hasApplication: boolean;
  readonly tops: boolean;
  readonly apiKeys: number;
}

export async function closingOutlook(db: Queryable, personId: string): Promise<ClosingOutlook> {
  const standings = await standingsOf(db, personId);
  const isStaff = (await staffRolesOf(db, personId)).length > 0;
  const own = standings.filter(({ isShared }) => !isShared);
  const organizations = [];
  for (const { orgId, orgName, apiKeys } of own) {
    const { availableNano } = await balanceOf(db, orgId);
    organizations.push({ orgId, orgName, availableNano, apiKeys });
  }
  const staff = { why: 'staff', orgId: null, orgName: null, amountNano: null } as const;
  return { obstacles: [...(isStaff ? [staff] : []), ...standings.flatMap(obstaclesIn)], organizations };
}

function obstaclesIn(standing: Standing): Obstacle[] {
  const { orgId, orgName } = standing;
  const obstacle = (why: Obstacle['why'], amountNano: Nano | null = null) => ({ why, orgId, orgName, amountNano });
  if (standing.isShared) return [obstacle('shared')];
  const owed = nano(standing.owed);
  return [
    ...(owed > 0n ? [obstacle('owed', owed)] : []),
    ...(standing.hasSubscription ? [obstacle('subscription')] : []),
    ...(standing.hasContract ? [obstacle('contract')] : []),
    ...(standing.hasApplication ? [obstacle('application')] : []),
    ...(standing.tops ? [obstacle('auto_top_up')] : []),
  ];
}

/** Of the organizations that he belongs to, in the order of their ids. */
async function standingsOf(db: Queryable, personId: string): Promise<Standing[]> {
  const { rows } = await db.query<Standing>(
    `select o.id as "orgId", o.name as "orgName",
            exists (select from memberships c where c.org_id = o.id and c.person_id <> $1 and c.status <> 'removed') as "isShared",
            (o.overdraft_nano + 10000000 * coalesce((select sum(i.amount_cents) from invoices i where i.org_id = o.id and i.state = 'open'), 0))::text
              as owed,
            exists (select from subscriptions s where s.org_id = o.id and s.phase <> 'ended') as "hasSubscription",
            exists (select from contracts c where c.org_id = o.id and c.ended_at is null) as "hasContract",
            exists (select from applications a
                     where a.org_id = o.id and a.stage in ('in_review', 'info_requested', 'provisioning')) as "hasApplication",
            exists (select from top_ups t where t.org_id = o.id and jsonb_typeof(t.state -> 'settings') = 'object') as tops,
            (select count(*)::int from api_keys k
              where k.org_id = o.id and k.disabled_at is null and coalesce(k.expires_at > billing_now(), true)) as "apiKeys"
       from memberships m join organizations o on o.id = m.org_id
      where m.person_id = $1 and m.status <> 'removed' order by o.id`,
    [personId],
  );
  return rows;
}
