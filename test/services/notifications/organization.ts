// An organization and the people who answer for its bills, as far as mails are concerned.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { MailKind } from '../../../services/notifications/mails/kinds.ts';
import { type QueuedMail, queueMail } from '../../../services/notifications/outbox.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';

export async function newOrganization(admin: Pool, name = 'Acme'): Promise<string> {
  const orgId = randomUUID();
  await admin.query('insert into organizations (id, name) values ($1, $2)', [orgId, name]);
  return orgId;
}

export interface Member {
  readonly email: string;
  readonly role?: 'owner' | 'admin' | 'billing' | 'developer';
  readonly locale?: 'en' | 'zh';
  readonly isVerified?: boolean;
  readonly status?: 'active' | 'suspended' | 'removed';
}

/** The person's id. */
export async function newMember(admin: Pool, orgId: string, member: Member): Promise<string> {
  const { email, role = 'owner', locale = 'en', isVerified = true, status = 'active' } = member;
  const personId = randomUUID();
  await admin.query(
    `insert into persons (id, email, name, locale, email_verified_at) values ($1, $2, $2, $3, case when $4 then now() end)`,
    [personId, email, locale, isVerified],
  );
  await admin.query('insert into memberships (org_id, person_id, role, status) values ($1, $2, $3, $4)', [
    orgId,
    personId,
    role,
    status,
  ]);
  return personId;
}

export async function queued<K extends MailKind>(db: Pool, mail: QueuedMail<K>): Promise<void> {
  await inTransaction(db, (tx) => queueMail(tx, mail));
}
