// To which organization a thing belongs, and to which of its members: asked before anybody but the operator's staff is told that it exists.
import type { Queryable } from '../platform/postgres.ts';

export interface Belonging {
  /** Null: it is not there. Missing: it belongs to none, or to all of them. */
  readonly orgId?: string | null | undefined;
  /** Who answers for it; null: the organization. */
  readonly memberId?: string | null | undefined;
}

const OWNERS = {
  api_key: 'select org_id as "orgId", member_id as "memberId" from api_keys where id = $1',
  project: 'select org_id as "orgId" from projects where id = $1',
  payment: 'select org_id as "orgId" from payments where id = $1',
  invoice: 'select org_id as "orgId" from invoices where id = $1',
  subscription: 'select org_id as "orgId" from subscriptions where id = $1',
  plan_change: `
    select s.org_id as "orgId" from process_commands c join subscriptions s on c.workflow_id = 'subscription:' || s.id
     where c.request_id = $1 and c.command = 'changePlan'`,
} as const;

export async function ownerOf(db: Queryable, kind: keyof typeof OWNERS, id: string): Promise<Belonging> {
  const { rows } = await db.query<Belonging>(OWNERS[kind], [id]);
  return rows[0] ?? { orgId: null };
}
