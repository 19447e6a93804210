// How much credit one of our people gives by himself: what he gave in the last day counts with what he gives now, to whomever, else many small gifts
// would make a large one that nobody else has agreed to (D110).
import type { PoolClient } from 'pg';
import { CREDIT_OF_ONE_PERSON } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import type { Queryable } from '../platform/postgres.ts';

export async function isBeyondOnePerson(db: Queryable, actor: string, amountNano: Nano): Promise<boolean> {
  const { rows } = await db.query<{ given: string }>(
    `select coalesce(sum(amount_nano), 0)::text as given from credit_grants
      where created_by = $1 and created_by like 'person:%' and created_at > billing_now() - interval '1 day'`,
    [actor],
  );
  return nano(rows[0]?.given ?? 0) + amountNano > CREDIT_OF_ONE_PERSON;
}

/** Of many at the same moment one after another. @throws TollgateError conflict */
export async function requireOnePerson(tx: PoolClient, actor: string, amountNano: Nano): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`credit given by ${actor}`]);
  if (!(await isBeyondOnePerson(tx, actor, amountNano))) return;
  throw new TollgateError('conflict', {
    message: 'With what you gave at the same moment this is more than one person gives in a day: send it again.',
  });
}
