// Webhooks on their way: signed with the real time, sent again on a schedule until an endpoint takes them or three days are over.
// Deliveries are on disk, so those that a kill interrupted go out again, and an endpoint may see an event twice.
import { createHmac } from 'node:crypto';
import { currentEvent } from './resources/events.ts';
import type { Delivery, WebhookEndpoint } from './state/tables.ts';
import type { World } from './world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Stripe backs off over three days and does not say how; ours begins fast enough for a receiver that is being restarted. */
const RETRIES_AFTER_MS = [
  SECOND_MS,
  5 * SECOND_MS,
  30 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
];
const LATER_RETRIES_AFTER_MS = 12 * HOUR_MS;
const GIVEN_UP_AFTER_MS = 72 * HOUR_MS;
const TIMEOUT_MS = 20 * SECOND_MS;
const SENT_AT_ONCE_MAX = 16;
const NOT_TAKEN_KEPT = 100;
/** How long an event lets others overtake it when none comes. */
const OVERTAKEN_WITHIN_MS = 2 * SECOND_MS;

export class WebhookSender {
  readonly #world: World;
  readonly #afterwards: () => void;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  #overtaken: (() => void)[] = [];

  constructor(world: World, afterwards: () => void) {
    this.#world = world;
    this.#afterwards = afterwards;
  }

  /** Sends what is due. To be called when there may be something new, and what it is about is durable. */
  wake(): void {
    const now = this.#world.nowMs();
    for (const delivery of this.#world.store.rows('delivery')) {
      if (this.#closing.signal.aborted || this.#underWay.size >= SENT_AT_ONCE_MAX) return;
      if (delivery.givenUp || delivery.dueAtMs > now || this.#underWay.has(delivery.id)) continue;
      this.#underWay.set(
        delivery.id,
        Promise.resolve(delivery).then((due) => this.#deliver(due)),
      );
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#underWay.values());
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const event = this.#world.store.get('event', delivery.event);
    const endpoint = this.#world.store.get('webhook_endpoint', delivery.endpoint);
    const isTaken = event === undefined || endpoint === undefined || (await this.#send(delivery, endpoint, event.type));
    // After close() nothing may be written; what was not noted goes out again after the next start.
    if (!this.#closing.signal.aborted) {
      this.#world.store.transact(() => {
        if (isTaken === true) this.#world.store.drop('delivery', delivery.id);
        else this.#world.store.put('delivery', this.#failed(delivery, isTaken === 'lost'));
      });
      this.#afterwards();
    }
    this.#underWay.delete(delivery.id);
    this.wake();
  }

  #failed(delivery: Delivery, isLost: boolean): Delivery {
    const now = this.#world.nowMs();
    const attempts = delivery.attempts + 1;
    const dueAtMs = now + (RETRIES_AFTER_MS[delivery.attempts] ?? LATER_RETRIES_AFTER_MS);
    return { ...delivery, attempts, dueAtMs, givenUp: isLost || now >= delivery.madeAtMs + GIVEN_UP_AFTER_MS };
  }

  async #send(delivery: Delivery, endpoint: WebhookEndpoint, type: string): Promise<boolean | 'lost'> {
    const fault = delivery.attempts === 0 ? this.#world.faults.takeWebhookFault('sent', type) : null;
    switch (fault?.name) {
      case 'lose':
        return 'lost';
      case 'delay':
        await this.#world.faults.hold(fault.ms);
        break;
      case 'reorder':
        await this.#letAnotherPass();
        break;
      case 'duplicate':
        await this.#post(delivery, endpoint);
        break;
    }
    const isTaken = await this.#post(delivery, endpoint);
    if (fault?.name !== 'reorder') for (const pass of this.#overtaken.splice(0)) pass();
    return isTaken;
  }

  async #post(delivery: Delivery, endpoint: WebhookEndpoint): Promise<boolean> {
    const event = this.#world.store.get('event', delivery.event);
    if (event === undefined) return true;
    const payload = JSON.stringify(currentEvent(this.#world, event), null, 2);
    try {
      const answer = await fetch(endpoint.url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': signature(payload, endpoint.secret),
        },
        body: payload,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await answer.arrayBuffer();
      if (!answer.ok) this.#notTaken(event.id, `answered ${answer.status}`);
      return answer.ok;
    } catch (error) {
      // Refused, broken, too slow: whatever it was, it was not taken.
      this.#notTaken(event.id, error instanceof Error ? `${error.message}: ${String(error.cause)}` : String(error));
      return false;
    }
  }

  #notTaken(event: string, why: string): void {
    const { webhooksNotTaken } = this.#world;
    webhooksNotTaken.push({ event, atMs: Date.now(), why });
    if (webhooksNotTaken.length > NOT_TAKEN_KEPT) webhooksNotTaken.shift();
  }

  #letAnotherPass(): Promise<void> {
    return Promise.race([
      new Promise<void>((passed) => this.#overtaken.push(passed)),
      this.#world.faults.hold(OVERTAKEN_WITHIN_MS),
    ]);
  }
}

/** By the real time, whatever the virtual clock says: receivers compare it with theirs. */
function signature(payload: string, secret: string): string {
  const at = Math.floor(Date.now() / 1000);
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${payload}`).digest('hex')}`;
}
