// The virtual clock and what falls due by it. Moved ahead, it stops at every due moment on the way, so that what happens then carries
// the time at which it was due; nothing is jumped over.
import { doTask } from './resources/tasks.ts';
import type { Task } from './state/tables.ts';
import type { World } from './world.ts';

const TIMER_MS_MAX = 2 ** 31 - 1;
const EVENTS_KEPT_MS = 31 * 24 * 60 * 60_000;

export class Schedule {
  readonly #world: World;
  readonly #afterwards: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `afterwards` is called when something has been done: there may be webhooks to send, and what is due next has changed. */
  constructor(world: World, afterwards: () => void) {
    this.#world = world;
    this.#afterwards = afterwards;
  }

  /** At least there (D33): the clock never goes back, and who asks for less has what he wants. */
  advanceTo(targetMs: number): void {
    for (let task = this.#nextDue(targetMs); task !== undefined; task = this.#nextDue(targetMs)) this.#run(task);
    this.#set(targetMs);
    this.#forget();
    this.#afterwards();
  }

  /** Null: nothing is to come. What is being sent at this moment is due now; when it will be sent again tells nobody anything. */
  nextDueAtMs(): number | null {
    const now = this.#world.nowMs();
    const isSending = [...this.#world.store.rows('delivery')].some(
      ({ dueAtMs, givenUp }) => !givenUp && dueAtMs <= now,
    );
    return isSending ? now : (this.#nextDue(Number.POSITIVE_INFINITY)?.dueAtMs ?? null);
  }

  /** To be called when what is due next may have changed. Deliveries that are due already are the sender's. */
  arm(): void {
    clearTimeout(this.#timer);
    const now = this.#world.nowMs();
    const retries = [...this.#world.store.rows('delivery')].filter(({ dueAtMs, givenUp }) => !givenUp && dueAtMs > now);
    const moments = [this.#nextDue(Number.POSITIVE_INFINITY), ...retries].flatMap((due) => due?.dueAtMs ?? []);
    if (moments.length === 0) return;
    const waitMs = moments.reduce((first, moment) => Math.min(first, moment)) - now;
    this.#timer = setTimeout(() => this.advanceTo(this.#world.nowMs()), Math.min(Math.max(waitMs, 1), TIMER_MS_MAX));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #nextDue(untilMs: number): Task | undefined {
    const due = [...this.#world.store.rows('task')].filter(({ dueAtMs }) => dueAtMs <= untilMs);
    return due.reduce<Task | undefined>(
      (first, task) => (first && first.dueAtMs <= task.dueAtMs ? first : task),
      undefined,
    );
  }

  #run(task: Task): void {
    this.#set(task.dueAtMs);
    this.#world.cause = null;
    this.#world.store.transact(() => {
      this.#world.store.drop('task', task.id);
      doTask(this.#world, task);
    });
  }

  #set(targetMs: number): void {
    const aheadMs = targetMs - this.#world.nowMs();
    if (aheadMs <= 0) return;
    const offsetMs = targetMs - Date.now();
    this.#world.store.transact(() => this.#world.store.put('clock', { id: 'clock', offsetMs }));
  }

  /** What Stripe keeps no longer, we need not remember. */
  #forget(): void {
    const { store } = this.#world;
    const now = this.#world.nowMs();
    store.transact(() => {
      for (const { id, expiresAtMs } of store.rows('answer')) if (expiresAtMs <= now) store.drop('answer', id);
      const over = [...store.rows('event')].filter(({ created }) => created * 1000 + EVENTS_KEPT_MS < now);
      for (const { id } of over) store.drop('event', id);
      const gone = new Set(over.map(({ id }) => id));
      for (const { id, event } of store.rows('delivery')) if (gone.has(event)) store.drop('delivery', id);
    });
  }
}
