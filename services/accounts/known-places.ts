// From where somebody has got in before: who comes from elsewhere is told so by mail, and who comes from there is not locked out by strangers.
import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { queueMail } from '../notifications/outbox.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Visit } from './auth.ts';
import { networkOf } from './networks.ts';

export async function isKnownPlace(db: Queryable, email: string, visit: Visit): Promise<boolean> {
  const { rowCount } = await db.query(
    'select from auth.known_places k join persons p on p.id = k.person_id where p.email = $1 and k.place = $2',
    [email, placeOf(visit)],
  );
  return rowCount === 1;
}

/** His first place is told to nobody: he has just proved that he reads his mail. */
export async function rememberPlace(tx: PoolClient, personId: string, visit: Visit, sessionId: string): Promise<void> {
  const { rows } = await tx.query<{ isNew: boolean; hasOthers: boolean; at: Date }>(
    `with gone as (
       delete from auth.known_places where seen_at < clock_timestamp() - interval '1 year' and place <> $2),
     before as (select place from auth.known_places where person_id = $1),
     kept as (
       insert into auth.known_places (person_id, place) values ($1, $2)
       on conflict (person_id, place) do update set seen_at = clock_timestamp())
     select not exists (select from before where place = $2) as "isNew", exists (select from before) as "hasOthers",
            clock_timestamp() as at`,
    [personId, placeOf(visit)],
  );
  const [{ isNew, hasOthers, at } = { isNew: false, hasOthers: false, at: new Date(0) }] = rows;
  if (!isNew || !hasOthers) return;
  const facts = { personId, signedInAt: at.toISOString(), clientAddress: visit.clientAddress };
  await queueMail(tx, { orgId: null, kind: 'new_sign_in', key: `new_sign_in:${sessionId}`, facts });
}

function placeOf({ clientAddress, userAgent }: Visit): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([networkOf(clientAddress), userAgent]))
    .digest();
}
