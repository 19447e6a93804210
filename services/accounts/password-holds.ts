// Whoever signs in by a password and whoever changes it meet at the account: what the password opens is opened before it is changed, and ended with
// it, or is not opened. Else a stolen password that is tried in a loop is at any moment half-way in, and a session of it outlives the change.
import type { PoolClient } from 'pg';

/**
 * Before the password is looked at: until the transaction ends nobody changes it, nor signs in by it. Not shared: whoever shares a lock comes in before
 * those who wait for it alone, so that a loop of sign-ins would keep the owner from his reset.
 */
export async function holdPassword(tx: PoolClient, email: string): Promise<void> {
  await tx.query(
    'select from auth.accounts a join persons p on p.id = a.person_id where p.email = $1 for no key update of a',
    [email],
  );
}

/** Before sessions are ended: who is half-way in has a session by then, or gets none. */
export async function endSignInsUnderWay(tx: PoolClient, personId: string): Promise<void> {
  await tx.query('select from auth.accounts where person_id = $1 for no key update', [personId]);
  await tx.query('delete from auth.challenges where person_id = $1', [personId]);
}
