// Whoever is signed in proves anew who he is, where a session that was stolen, or left open, must not be enough: by his password, and by his second
// factor if he has one.
import type { Pool, PoolClient } from 'pg';
import type { Accounts } from './accounts.ts';
import type { Visit } from './auth.ts';
import { checkPassword, countPassword, forgivePassword } from './change-password.ts';
import { countProof, isEnrolled } from './second-factors.ts';

interface Proof {
  readonly password: string;
  readonly code?: string | undefined;
}

/** The password, before there is a transaction. @throws TollgateError wrong_password, too_many_attempts */
export async function checkProof(
  db: Pool,
  accounts: Accounts,
  personId: string,
  { password }: Proof,
  visit: Visit,
): Promise<void> {
  await countPassword(db, accounts, personId, password, visit);
  await accounts.turns.inTurn(() => checkPassword(db, personId, password));
  if (await isEnrolled(db, personId)) await countProof(db, personId);
}

/** The second factor, with what it was asked for. @throws TollgateError wrong_code */
export async function takeProof(
  tx: PoolClient,
  accounts: Accounts,
  personId: string,
  { code = '' }: Proof,
  visit: Visit,
): Promise<void> {
  await forgivePassword(tx, accounts, personId, visit);
  if (await isEnrolled(tx, personId)) await accounts.secondFactors.prove(tx, personId, { code });
}
