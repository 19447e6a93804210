// Where a session reaches. One that a provider has opened reaches that organization alone, since no other one has agreed to its word; and an organization
// that wants its provider is reached by its members in no other way. Its owners are not held to it: a provider that is down, or taken, must not keep
// out whoever could change it, and that they came around it is told to their log (D81).
import type { PoolClient } from 'pg';
import type { MemberRole } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Author, writeAudit } from '../audit/audit.ts';
import type { Queryable } from '../platform/postgres.ts';

interface Session {
  /** The organization whose provider has opened it; null: a password or a passkey has. */
  readonly confinedTo: string | null;
}

/** @throws TollgateError single_sign_on_confined, single_sign_on_required */
export async function requireReach(db: Queryable, session: Session, orgId: string, role: MemberRole): Promise<void> {
  requireNotElsewhere(session, orgId);
  if (session.confinedTo === null && role !== 'owner' && (await wantsSingleSignOn(db, orgId))) throw required();
}

/** @throws TollgateError single_sign_on_confined */
export function requireNotElsewhere({ confinedTo }: Session, orgId: string): void {
  if (confinedTo !== null && confinedTo !== orgId) throw confined();
}

/** For what is told of a person as a whole. @throws TollgateError single_sign_on_confined for who was ever a member of another organization */
export async function requireNothingElsewhere(db: Queryable, personId: string, { confinedTo }: Session): Promise<void> {
  if (confinedTo === null) return;
  const { rowCount } = await db.query('select from memberships where person_id = $1 and org_id <> $2 limit 1', [
    personId,
    confinedTo,
  ]);
  if (rowCount !== 0) throw confined();
}

async function wantsSingleSignOn(db: Queryable, orgId: string): Promise<boolean> {
  const { rows } = await db.query<{ wants: boolean }>('select wants_single_sign_on($1) as wants', [orgId]);
  return rows[0]?.wants === true;
}

/** After he has proved who he is, by a password or a passkey. @throws TollgateError single_sign_on_required where he would reach nothing by it */
export async function requireOtherWay(tx: PoolClient, personId: string): Promise<void> {
  const { rows } = await tx.query<{ isBehind: boolean }>('select belongs_behind_single_sign_on($1) as "isBehind"', [
    personId,
  ]);
  if (rows[0]?.isBehind === true) throw required();
}

/** By a passkey that was added by a provider's word, of whoever belongs elsewhere, too. @throws TollgateError single_sign_on_required where that has to be asked anew */
export async function requireOtherWayThan(tx: PoolClient, identityId: string | null): Promise<void> {
  const { rowCount } = await tx.query(
    `select from identities i join memberships m on m.org_id = i.org_id and m.person_id = i.person_id
      where i.id = $1 and m.role <> 'owner' and wants_single_sign_on(i.org_id)`,
    [identityId],
  );
  if (rowCount !== 0) throw required();
}

/** For the log of each organization that wants its provider, and whose owner has come in around it. */
export async function auditBypass(tx: PoolClient, author: Author, personId: string): Promise<void> {
  const { rows } = await tx.query<{ orgId: string }>(
    `select org_id as "orgId" from memberships
      where person_id = $1 and role = 'owner' and status = 'active' and wants_single_sign_on(org_id)`,
    [personId],
  );
  for (const { orgId } of rows) {
    const what = { action: 'single_sign_on.bypassed', targetKind: 'single_sign_on', targetId: orgId } as const;
    await writeAudit(tx, { ...author, actor: `person:${personId}` }, { ...what, after: {} });
  }
}

function confined(): TollgateError {
  return new TollgateError('single_sign_on_confined', {
    message:
      'You came in by the provider of another organization, whose word is good there alone. Sign in in another way.',
  });
}

function required(): TollgateError {
  return new TollgateError('single_sign_on_required', {
    message: 'This organization is reached by its single sign-on alone: sign in by that.',
  });
}
