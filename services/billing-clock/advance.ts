// Moves the clock of billing, event by event: to the earliest moment at which something falls due, there until all of it is done, and on to
// the next, so that what happens in a week happens in its order and by its own time although nobody waits for a week (D54).
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { alone, type Queryable } from '../platform/postgres.ts';
import type { DueSource } from './due-sources.ts';

export interface Stop {
  readonly at: Date;
  /** Names of sources. */
  readonly due: readonly string[];
}

export interface Advance {
  readonly from: Date;
  readonly to: Date;
  /** Where something was due. */
  readonly stops: readonly Stop[];
  /** What did not come to rest, at `to`; none: the target was reached. */
  readonly restless: readonly string[];
}

export interface MovedParts {
  readonly db: Pool;
  readonly sources: readonly DueSource[];
  /** Takes along the clocks that go with ours, before it is moved. */
  readonly moveOthers: (to: Date) => Promise<void>;
  /** How long a stop waits for what is due there. */
  readonly patienceMs: number;
}

const LOOK_EVERY_MS = 50;
/** What was told may have been lost. */
const POKE_AGAIN_AFTER_MS = 2_000;

/** @throws TollgateError request_in_progress while somebody else moves it */
export async function advanceBillingClock(parts: MovedParts, byMs: number): Promise<Advance> {
  const advance = await alone(parts.db, 'billing clock', async () => {
    const from = await billingNow(parts.db);
    const target = new Date(from.getTime() + byMs);
    const stops: Stop[] = [];
    for (let at = from; ; at = await nextStop(parts, target)) {
      await moveTo(parts, at);
      const due = await dueNow(parts);
      const restless = await untilAtRest(parts, due);
      if (due.length > 0) stops.push({ at, due });
      if (restless.length > 0 || at >= target) return { from, to: await billingNow(parts.db), stops, restless };
    }
  });
  if (advance !== null) return advance;
  throw new TollgateError('request_in_progress', {
    message: 'Somebody is moving the clock of billing. Repeat this request when he is done.',
    retryAfterMs: 1_000,
  });
}

export async function readBillingClock(db: Queryable): Promise<{ readonly now: Date; readonly offsetSeconds: number }> {
  const { rows } = await db.query<{ now: Date; offsetSeconds: number }>(
    `select billing_now() as now, round(extract(epoch from billing_now() - now()))::float8 as "offsetSeconds"`,
  );
  if (rows[0] === undefined) throw new Error('a select without a from clause returned no row');
  return rows[0];
}

async function billingNow(db: Queryable): Promise<Date> {
  return (await readBillingClock(db)).now;
}

async function nextStop({ db, sources }: MovedParts, target: Date): Promise<Date> {
  const moments = await Promise.all(sources.map((source) => source.nextDueAt(db)));
  // A Date has cut off what is less than a millisecond: a moment before that nothing would be due.
  const dueAtMs = moments.flatMap((moment) => (moment === null ? [] : [moment.getTime() + 1]));
  return new Date(Math.min(target.getTime(), ...dueAtMs));
}

/** Also to where it stands: another clock may have been left behind. */
async function moveTo({ db, moveOthers }: MovedParts, at: Date): Promise<void> {
  await moveOthers(at);
  await db.query('select advance_billing_clock($1)', [at]);
}

async function dueNow({ db, sources }: Pick<MovedParts, 'db' | 'sources'>): Promise<string[]> {
  const now = await billingNow(db);
  const isDue = await Promise.all(
    sources.map(async (source) => ((await source.nextDueAt(db)) ?? Number.POSITIVE_INFINITY) <= now),
  );
  return sources.filter((_, index) => isDue[index]).map(({ name }) => name);
}

/** What is not at rest when the patience is over. */
async function untilAtRest(parts: MovedParts, dueAtFirst: readonly string[]): Promise<readonly string[]> {
  const giveUpAtMs = performance.now() + parts.patienceMs;
  let pokeAtMs = 0;
  for (let due = dueAtFirst; ; due = await dueNow(parts)) {
    const restless = (await gatewaysAreBehind(parts.db)) ? ['gateways', ...due] : due;
    if (restless.length === 0 || performance.now() > giveUpAtMs) return restless;
    if (performance.now() >= pokeAtMs) {
      for (const source of parts.sources) if (due.includes(source.name)) await source.poke?.(parts.db);
      pokeAtMs = performance.now() + POKE_AGAIN_AFTER_MS;
    }
    await wait(LOOK_EVERY_MS);
  }
}

/** Of those that still renew: the others admit nothing by any clock. */
async function gatewaysAreBehind(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ behind: boolean }>(
    `select exists (select from gateway_incarnations g, billing_clock c
                     where g.fenced_at is null and g.renewed_at > clock_timestamp() - interval '15 seconds' and g.clock_ahead < c.ahead) as behind`,
  );
  return rows[0]?.behind === true;
}
