// Who of us has in hand what waits, so that two do not read the same file. It is said, and enforced nowhere: a claim grants nothing, and whoever
// may decide decides, whoever has it (D103).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { Queryable } from '../platform/postgres.ts';

/** As the inbox names it. */
export interface Waiting {
  readonly kind: string;
  readonly id: string;
  readonly since: Date;
}

export interface Claim {
  /** A person. */
  readonly by: string;
  readonly at: Date;
  readonly validUntil: Date;
}

/** By real time, as people work: an hour's reading and a meeting, and well within the business day of what waits. */
const VALID_FOR = '2 hours';
const CLAIMS = `select c.kind, c.item, c.waits_since as "waitsSince", c.claimed_by as by, c.claimed_at as at, c.valid_until as "validUntil"
  from inbox_claims c where c.valid_until > clock_timestamp()`;

/** Who has which; undefined: nobody has. */
export async function claimsHeld(db: Queryable): Promise<(waiting: Waiting) => Claim | undefined> {
  const { rows } = await db.query<Claim & { kind: string; item: string; waitsSince: Date }>(CLAIMS);
  return ({ kind, id, since }) => {
    const held = rows.find(
      (one) => one.kind === kind && one.item === id && one.waitsSince.getTime() === since.getTime(),
    );
    return held && { by: held.by, at: held.at, validUntil: held.validUntil };
  };
}

/** Whoever has it already has it for as long again. Of two at once the row lets one in. @throws TollgateError conflict: somebody else has it */
export async function claim(tx: PoolClient, { kind, id, since }: Waiting, personId: string): Promise<Claim> {
  // Not those that somebody is taking at this moment.
  await tx.query(
    `delete from inbox_claims
      where (kind, item) in (select kind, item from inbox_claims where valid_until <= clock_timestamp() for update skip locked)`,
  );
  const { rows } = await tx.query<Claim>(
    `insert into inbox_claims as c (kind, item, waits_since, claimed_by, valid_until)
     values ($1, $2, $3, $4, clock_timestamp() + $5::interval)
     on conflict (kind, item) do update
        set waits_since = excluded.waits_since, claimed_by = excluded.claimed_by, valid_until = excluded.valid_until,
            claimed_at = case when c.claimed_by = excluded.claimed_by and c.waits_since = excluded.waits_since then c.claimed_at else clock_timestamp() end
      where c.claimed_by = excluded.claimed_by or c.waits_since <> excluded.waits_since or c.valid_until <= clock_timestamp()
     returning c.claimed_by as by, c.claimed_at as at, c.valid_until as "validUntil"`,
    [kind, id, since, personId, VALID_FOR],
  );
  return rows[0] ?? takenBefore(tx, kind, id);
}

/** Then nobody has it: null. @throws TollgateError conflict: he did not have it */
export async function giveBack(tx: PoolClient, { kind, id }: Waiting, personId: string): Promise<null> {
  const { rowCount } = await tx.query('delete from inbox_claims where kind = $1 and item = $2 and claimed_by = $3', [
    kind,
    id,
    personId,
  ]);
  if (rowCount === 1) return null;
  throw new TollgateError('conflict', { message: 'You do not have it in hand, so you cannot give it back.' });
}

async function takenBefore(tx: PoolClient, kind: string, id: string): Promise<never> {
  const { rows } = await tx.query<Claim>(`${CLAIMS} and c.kind = $1 and c.item = $2`, [kind, id]);
  const [held] = rows;
  const who = held === undefined ? 'Somebody else has it' : `Person ${held.by} has it since ${held.at.toISOString()}`;
  throw new TollgateError('conflict', {
    message: `${who}, for two hours unless he gives it back. You may decide it all the same.`,
  });
}
