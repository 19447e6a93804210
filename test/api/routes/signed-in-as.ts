// Somebody with a session of his own, in the roles that a test needs. How he would have got it is tested elsewhere.
import { randomUUID } from 'node:crypto';
import type { MemberRole, StaffRole } from '../../../domain/authorization.ts';
import { openSession } from '../../../services/accounts/sign-ins.ts';
import { addMember } from '../../../services/people/memberships.ts';
import { createVerifiedPerson } from '../../../services/people/persons.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import type { ManagementApp } from './management-app.ts';

export interface Somebody {
  readonly personId: string;
  readonly email: string;
  readonly cookie: string;
}

interface Roles {
  readonly staff?: readonly StaffRole[];
  readonly member?: { readonly orgId: string; readonly role: MemberRole };
}

export function signedInAs(app: ManagementApp, { staff = [], member }: Roles): Promise<Somebody> {
  const email = `${randomUUID()}@example.com`;
  const visit = { clientAddress: '198.51.100.1', userAgent: 'test', cookie: '' };
  return inTransaction(app.worker, async (tx) => {
    const { id: personId } = await createVerifiedPerson(tx, { email, name: 'Ada', locale: 'en', timeZone: 'UTC' });
    for (const role of staff)
      await tx.query('insert into staff_roles (person_id, role) values ($1, $2)', [personId, role]);
    // Whose seal nobody opens here: that he has one lets him in.
    await tx.query(
      `insert into auth.second_factors (person_id, sealed, master_key_version, enrolled_at)
       select $1, jsonb_build_object('v', v), v, clock_timestamp() from coalesce(sealing_master_key(), 1) v`,
      [personId],
    );
    if (member !== undefined) await addMember(tx, member.orgId, personId, member.role);
    const { cookie } = await openSession(tx, app.accounts, personId, visit);
    return { personId, email, cookie: cookie.split(';')[0] ?? '' };
  });
}
