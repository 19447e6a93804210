// Credit grants: money in. A grant is immutable; what is left of it moves only through the functions of migration 0003.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

// Burn order: what is included or given burns before what was bought (billing.md 1.2); a grant by hand counts as bought. What must be
// paid for later burns last, and level_credit_line alone lends it.
const PRIORITIES = { trial: 10, included: 10, promo: 10, bonus: 20, pack: 20, manual: 20 } as const;

export type GrantSource = keyof typeof PRIORITIES;

export interface Grant {
  readonly id: string;
  readonly orgId: string;
  readonly source: GrantSource | 'credit_line';
  readonly priority: number;
  readonly amountNano: Nano;
  /** Neither spent nor leased to a gateway. */
  readonly availableNano: Nano;
  readonly effectiveAt: Date;
  readonly expiresAt: Date | null;
  readonly expired: boolean;
  readonly note: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
}

interface GrantRow extends Omit<Grant, 'amountNano' | 'availableNano'> {
  readonly amountNano: string;
  readonly availableNano: string;
}

export interface NewGrant {
  readonly orgId: string;
  readonly source: GrantSource;
  readonly amountNano: Nano;
  readonly expiresAt: Date | null;
  readonly note: string | null;
  readonly actor: string;
}

const GRANTS = `
  select g.id, g.org_id as "orgId", g.source, g.priority, g.amount_nano as "amountNano", b.available_nano as "availableNano",
         g.effective_at as "effectiveAt", g.expires_at as "expiresAt", coalesce(g.expires_at <= billing_now(), false) as expired,
         g.note, g.created_by as "createdBy", g.created_at as "createdAt"
    from credit_grants g join grant_balances b on b.grant_id = g.id`;

/**
 * @throws TollgateError invalid_body for an organization that is not there, or an expiry that has passed; conflict for a trial that its
 * owner, or a card of its, has had before
 */
export async function issueGrant(tx: PoolClient, wanted: NewGrant): Promise<Grant> {
  const { rows } = await tx.query<{ known: boolean; inTime: boolean }>(
    `select exists (select from organizations where id = $1) as known, coalesce($2 > billing_now(), true) as "inTime"`,
    [wanted.orgId, wanted.expiresAt],
  );
  if (rows[0]?.known !== true) {
    throw new TollgateError('invalid_body', { message: `There is no organization ${wanted.orgId}.`, param: 'orgId' });
  }
  if (!rows[0].inTime) {
    const message = 'A grant that has expired already gives nothing; choose a later expiresAt, or leave it out.';
    throw new TollgateError('invalid_body', { message, param: 'expiresAt' });
  }
  const id = newId();
  const { source, orgId, amountNano, expiresAt, note, actor } = wanted;
  if (source === 'trial') await claimTrial(tx, orgId);
  await tx.query('select issue_grant($1, $2, $3, $4::smallint, $5, 0, $6, $7, $8)', [
    id,
    orgId,
    source,
    PRIORITIES[source],
    amountNano,
    expiresAt,
    note,
    actor,
  ]);
  return grant(tx, id);
}

async function claimTrial(tx: PoolClient, orgId: string): Promise<void> {
  const { rows } = await tx.query<{ outcome: string }>('select claim_trial($1) as outcome', [orgId]);
  const outcome = rows[0]?.outcome;
  if (outcome === 'claimed') return;
  throw new TollgateError('conflict', {
    message:
      outcome === 'unverified'
        ? `No owner of organization ${orgId} has a verified mail address: a trial is given once per address, when it is verified.`
        : `A mail address, or a card, of organization ${orgId} has had a trial before: it is given once.`,
    param: 'source',
  });
}

async function grant(db: Queryable, id: string): Promise<Grant> {
  const { rows } = await db.query<GrantRow>(`${GRANTS} where g.id = $1`, [id]);
  const [row] = rows;
  if (row === undefined) {
    throw new TollgateError('not_found', { message: `There is no grant ${id}.`, param: 'grantId' });
  }
  return readGrant(row);
}

/** Newest first. */
export async function listGrants(
  db: Queryable,
  orgId: string | undefined,
  after: string | null,
  pageSize: number,
): Promise<Grant[]> {
  const { rows } = await db.query<GrantRow>(
    `${GRANTS}
      where ($1::uuid is null or g.org_id = $1)
        and ($2::uuid is null or (g.created_at, g.id) < (select a.created_at, a.id from credit_grants a where a.id = $2))
      order by g.created_at desc, g.id desc
      limit $3`,
    [orgId, after, pageSize],
  );
  return rows.map(readGrant);
}

function readGrant(row: GrantRow): Grant {
  return { ...row, amountNano: nano(row.amountNano), availableNano: nano(row.availableNano) };
}

/** When money next expires, or should have; null: none does. */
export async function nextExpiryAt(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ at: Date | null }>(
    'select min(g.expires_at) as at from credit_grants g join grant_balances b on b.grant_id = g.id where b.available_nano > 0',
  );
  return rows[0]?.at ?? null;
}

/** What is left of a grant after its expiry becomes breakage. */
export async function expireGrants(db: Queryable): Promise<void> {
  await db.query('select expire_grants()');
}
