// Events of Stripe, from the moment that they are durable to the moment that what they hint at is in the books. An event and what comes
// of it are one transaction: whoever is killed in between has done nothing, and the next process finds the event untouched (D41).
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import type { Log } from '../platform/log.ts';
import { inTransaction, jsonbText, type Queryable } from '../platform/postgres.ts';
import { adoptNoting } from '../restores/adopted-intents.ts';
import { lastEpoch } from '../restores/findings.ts';
import type { Told } from '../subscriptions/turn.ts';
import { type Adopted, isPlaceless } from './adoption.ts';
import { followCardOf, type OnCard } from './cards.ts';
import { followCheckout } from './checkout-sessions.ts';
import { recordPayment } from './payments.ts';
import { followRefunds, sendRefunds } from './refunds.ts';
import type { StripeApi, StripeEvent } from './stripe-api.ts';

const Payload = z.object({ data: z.object({ object: z.object({ id: z.string() }) }) });

/** PostgreSQL's interval: what takes longer is followed by the event. */
const ANSWERED_WITHIN = '2 seconds';

interface DueEvent {
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
}

export class StripeInbox {
  readonly #db: Pool;
  readonly #stripe: StripeApi;
  readonly #log: Log;
  readonly #onCard: OnCard;
  #running: Promise<void> | null = null;
  #isAskedAgain = false;
  #isClosing = false;

  constructor(db: Pool, stripe: StripeApi, log: Log, onCard: OnCard) {
    this.#db = db;
    this.#stripe = stripe;
    this.#log = log;
    this.#onCard = onCard;
  }

  /**
   * False: it is known, or not due yet. What is about a payment that billing is asking for just now waits for the answer that the worker records
   * as soon as it hears it. Before that it would only ask Stripe again, wait for the same lock, and wake a process that looks anyway (D84).
   */
  async store({ id, type, payload }: StripeEvent): Promise<boolean> {
    const { rows } = await this.#db.query<{ isDue: boolean }>(
      `with asked as (
         select from payments p join charge_attempts a on a.payment_id = p.id
          where starts_with($2, 'payment_intent.') and p.stripe_payment_intent = $3::jsonb #>> '{data,object,id}'
            and p.state = 'open' and a.asked_by = 'billing' and a.outcome is null)
       insert into stripe_events (id, type, payload, due_at)
       values ($1, $2, $3, clock_timestamp() + case when exists (select from asked) then $4::interval else interval '0' end)
       on conflict do nothing returning due_at <= clock_timestamp() as "isDue"`,
      [id, type, jsonbText(payload), ANSWERED_WITHIN],
    );
    return rows[0]?.isDue ?? false;
  }

  /** Processes what is due without being waited for; what fails is due again later, and anybody's. */
  wake(): void {
    this.#isAskedAgain = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** After the event that is being followed. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#running;
  }

  async processDue(): Promise<void> {
    await passOverKnown(this.#db);
    while (!this.#isClosing && (await this.#processNext())) {}
  }

  async #run(): Promise<void> {
    while (this.#isAskedAgain && !this.#isClosing) {
      this.#isAskedAgain = false;
      await this.processDue().catch((error: unknown) => this.#log.warn({ err: error }, 'stripe_events_waiting'));
      // What was followed may have found money that goes back. What Stripe does not take now, the caretaker sends again.
      await sendRefunds(this.#db, this.#stripe).catch((error: unknown) =>
        this.#log.warn({ err: error }, 'refund_waiting'),
      );
    }
  }

  /** False: nothing is due that another process is not at. */
  async #processNext(): Promise<boolean> {
    let event: DueEvent | null = null;
    try {
      return await inTransaction(this.#db, async (tx) => {
        event = await claimed(tx);
        if (event === null) return false;
        await this.#follow(tx, event);
        await tx.query('update stripe_events set processed_at = clock_timestamp(), error = null where id = $1', [
          event.id,
        ]);
        return true;
      });
    } catch (error) {
      if (event === null) throw error;
      await this.#postpone(event, error);
      return true;
    }
  }

  async #follow(tx: PoolClient, { id, type, payload }: DueEvent): Promise<void> {
    const objectId = objectIn(payload);
    const kind = type.slice(0, type.indexOf('.'));
    if (kind === 'checkout') return followCheckout(tx, this.#stripe, objectId, `stripe:${id}`, this.#onCard);
    if (kind === 'payment_method' || kind === 'setup_intent') {
      return followCardOf(tx, this.#stripe, { kind, id: objectId }, this.#onCard);
    }
    if (kind === 'charge' || kind === 'refund') {
      return followRefunds(tx, this.#stripe, { kind, id: objectId }, `stripe:${id}`);
    }
    const told = { actor: `stripe:${id}` };
    const recorded = await recordPayment(tx, this.#stripe, objectId, told);
    const outcome = recorded === 'not_ours' ? await this.#adopted(tx, objectId, told) : recorded;
    if (outcome === 'in_question') this.#log.error({ paymentIntent: objectId }, 'payment_in_question');
    if (outcome === 'twice') this.#log.error({ paymentIntent: objectId }, 'payment_captured_twice');
  }

  /** Ours all the same, where a restored database has forgotten it: paid while, or after, its lost money was looked for. */
  async #adopted(tx: PoolClient, paymentIntent: string, told: Told): Promise<Adopted['outcome']> {
    const restored = await lastEpoch(tx);
    if (restored === null) return 'not_ours';
    const intent = await this.#stripe.paymentIntent(paymentIntent);
    const { outcome } = (await adoptNoting(tx, restored.epoch, intent, told)).adopted;
    if (isPlaceless(outcome)) this.#log.error({ paymentIntent, why: outcome }, 'payment_without_place');
    return outcome;
  }

  async #postpone({ id, type }: DueEvent, error: unknown): Promise<void> {
    this.#log.warn({ eventId: id, type, err: error }, 'stripe_event_failed');
    await this.#db.query(
      `update stripe_events
          set tries = tries + 1, error = $2, due_at = clock_timestamp() + least(interval '10 minutes', interval '1 second' * 2 ^ least(tries, 10))
        where id = $1 and processed_at is null`,
      [id, String(error).slice(0, 500)],
    );
  }
}

/** All at once: payments that are on the books by now, mostly by the worker that asked for them. Of those nothing is left to find out (D76). */
async function passOverKnown(db: Queryable): Promise<void> {
  await db.query(
    `update stripe_events set processed_at = clock_timestamp(), error = null
      where id in (select e.id from stripe_events e
                     join payments p on p.stripe_payment_intent = e.payload #>> '{data,object,id}' and p.state = 'paid'
                    where e.processed_at is null and e.due_at <= clock_timestamp() and starts_with(e.type, 'payment_intent.')
                      for update of e skip locked)`,
  );
}

function objectIn(payload: unknown): string {
  return Payload.parse(payload).data.object.id;
}

/** Since when an event waits to be followed, also one that waits for an answer; null: none does, or only later again. By the clock of billing. */
export async function eventsWaitSince(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ at: Date | null }>(
    `select billing_now() - greatest(max(clock_timestamp() - due_at), interval '0') as at
       from stripe_events where processed_at is null and (due_at <= clock_timestamp() or tries = 0) having count(*) > 0`,
  );
  return rows[0]?.at ?? null;
}

/** Locked until the transaction ends; a process that dies lets go of it at once. */
async function claimed(tx: Queryable): Promise<DueEvent | null> {
  const { rows } = await tx.query<DueEvent>(
    `select id, type, payload from stripe_events
      where processed_at is null and due_at <= clock_timestamp()
      order by due_at, id limit 1 for update skip locked`,
  );
  return rows[0] ?? null;
}
