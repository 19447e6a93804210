// What becomes of a member's API keys when he leaves: a colleague has them, or they are revoked. It is said together with the removal, so that
// nothing that runs by a key stops by surprise, and nothing goes on that nobody answers for.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';

type KeysOfLeaver = 'revoke' | { readonly handOver: string };

/** Ids of API keys. */
interface KeysLeft {
  readonly revoked: readonly string[];
  readonly handedOver: readonly string[];
}

/**
 * Of those that could still be used. Caller holds the organization. What a key has under way is counted under whose it was (D108).
 * @throws TollgateError invalid_body when there are such keys and nothing is said, or for a colleague who is no active member
 */
export async function leaveKeys(
  tx: PoolClient,
  { orgId, personId }: { readonly orgId: string; readonly personId: string },
  wanted: KeysOfLeaver | undefined,
): Promise<KeysLeft> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from api_keys
      where org_id = $1 and member_id = $2 and disabled_at is null and coalesce(expires_at > billing_now(), true) order by id for update`,
    [orgId, personId],
  );
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return { revoked: [], handedOver: [] };
  if (wanted === undefined) throw undecided(ids.length);
  if (wanted === 'revoke') {
    await revoke(tx, ids, 'its member left');
    return { revoked: ids, handedOver: [] };
  }
  await requireColleague(tx, orgId, personId, wanted.handOver);
  await tx.query('update api_keys set member_id = $2, version = version + 1 where id = any($1)', [
    ids,
    wanted.handOver,
  ]);
  return { revoked: [], handedOver: ids };
}

/** All that an organization has in use. Caller holds it. */
export async function revokeKeysOf(tx: PoolClient, orgId: string, reason: string): Promise<void> {
  const { rows } = await tx.query<{ id: string }>(
    'select id from api_keys where org_id = $1 and disabled_at is null order by id for update',
    [orgId],
  );
  await revoke(
    tx,
    rows.map(({ id }) => id),
    reason,
  );
}

async function revoke(tx: PoolClient, ids: readonly string[], reason: string): Promise<void> {
  await tx.query(
    'update api_keys set disabled_at = billing_now(), disabled_reason = $2, version = version + 1 where id = any($1)',
    [ids, reason],
  );
}

async function requireColleague(tx: PoolClient, orgId: string, leaver: string, colleague: string): Promise<void> {
  const { rowCount } = await tx.query(
    `select from memberships where org_id = $1 and person_id = $2 and person_id <> $3 and status = 'active'`,
    [orgId, colleague, leaver],
  );
  if (rowCount === 1) return;
  throw new TollgateError('invalid_body', {
    message: `Organization ${orgId} has no other active member ${colleague} who could have the API keys.`,
    param: 'keys.handOver',
  });
}

function undecided(count: number): TollgateError {
  return new TollgateError('invalid_body', {
    message: `This member has ${count} API ${count === 1 ? 'key' : 'keys'} in use. Say in keys what becomes of them: "revoke", or {"handOver": <personId>} for a colleague.`,
    param: 'keys',
  });
}
