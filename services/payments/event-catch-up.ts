// Webhooks get lost: endpoints are down, secrets wrong. So events are listed, too, from the moment up to which all of them have been read.
// That mark moves only after the whole list was stored; a listing that broke off is begun again where the last complete one ended.
import type { Queryable } from '../platform/postgres.ts';
import type { StripeApi, StripeEvent } from './stripe-api.ts';
import type { StripeInbox } from './stripe-inbox.ts';

/** An event may appear in the list after a later one did. */
const OVERLAP_MS = 2 * 60 * 60_000;

export async function catchUpEvents(db: Queryable, stripe: StripeApi, inbox: StripeInbox): Promise<void> {
  const readUntil = await markOf(db);
  const since = readUntil === null ? null : new Date(readUntil.getTime() - OVERLAP_MS);
  let newest = readUntil;
  for await (const events of stripe.eventsSince(since)) {
    for (const event of await unheard(db, events)) await inbox.store(event);
    for (const { createdAt } of events) if (newest === null || createdAt > newest) newest = createdAt;
  }
  if (newest !== null) await raiseMark(db, newest);
}

/** Nearly all have come as webhooks, and are listed again each minute for as long as the overlap lasts. */
async function unheard(db: Queryable, events: readonly StripeEvent[]): Promise<readonly StripeEvent[]> {
  const { rows } = await db.query<{ id: string }>('select id from stripe_events where id = any($1)', [
    events.map(({ id }) => id),
  ]);
  const known = new Set(rows.map(({ id }) => id));
  return events.filter(({ id }) => !known.has(id));
}

async function markOf(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ readUntil: Date }>('select read_until as "readUntil" from stripe_event_listing');
  return rows[0]?.readUntil ?? null;
}

async function raiseMark(db: Queryable, readUntil: Date): Promise<void> {
  await db.query(
    `insert into stripe_event_listing (read_until) values ($1)
     on conflict (is_the_only) do update set read_until = greatest(stripe_event_listing.read_until, excluded.read_until)`,
    [readUntil],
  );
}
