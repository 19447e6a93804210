// An event for every change, written in the same transaction as the change and its deliveries. Events are readable for 30 days.
import type Stripe from 'stripe';
import { createdWithin, page } from '../wire/page.ts';
import { invalid, noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';

export const API_VERSION = '2026-10-28.endive';
const READABLE_SECONDS = 30 * 24 * 60 * 60;

export function emit(
  world: World,
  type: Stripe.Event.Type,
  object: { readonly object: string },
  previous?: Readonly<Record<string, unknown>>,
): void {
  const twins = world.faults.takeWebhookFault('twin', type) === null ? 1 : 2;
  for (let made = 0; made < twins; made++) emitOnce(world, type, object, previous);
}

function emitOnce(
  world: World,
  type: Stripe.Event.Type,
  object: { readonly object: string },
  previous: Readonly<Record<string, unknown>> | undefined,
): void {
  const { store } = world;
  const event = {
    id: newId('evt'),
    object: 'event',
    api_version: API_VERSION,
    created: world.nowSeconds(),
    data: { object, ...(previous === undefined ? {} : { previous_attributes: previous }) },
    livemode: false,
    pending_webhooks: 0,
    request: world.cause,
    type,
  };
  // That type and object belong together is what every caller states; the union of 250 events cannot be built from a variable.
  store.put('event', event as Stripe.Event);
  for (const endpoint of store.rows('webhook_endpoint')) {
    if (!endpoint.enabledEvents.some((pattern) => covers(pattern, type))) continue;
    const now = { madeAtMs: world.nowMs(), dueAtMs: world.nowMs() };
    store.put('delivery', {
      id: newId('whd'),
      event: event.id,
      endpoint: endpoint.id,
      attempts: 0,
      ...now,
      givenUp: false,
    });
  }
}

function covers(pattern: string, type: string): boolean {
  return pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)));
}

/** As it reads now: how many endpoints have not taken it yet changes after it was made. */
export function currentEvent(world: World, event: Stripe.Event): Stripe.Event {
  return { ...event, pending_webhooks: deliveriesOf(world, event).filter(({ givenUp }) => !givenUp).length };
}

function deliveriesOf(world: World, event: Stripe.Event) {
  return [...world.store.rows('delivery')].filter((delivery) => delivery.event === event.id);
}

function retrieve(world: World, _params: Stripe.EventRetrieveParams, id: string): Stripe.Event {
  const event = world.store.get('event', id);
  if (event === undefined || !isReadable(world, event)) throw noSuch('event', id);
  return currentEvent(world, event);
}

function list(world: World, params: Stripe.EventListParams) {
  if (params.type !== undefined && params.types !== undefined)
    throw invalid('You may only specify one of type or types.');
  if ((params.types?.length ?? 0) > 20) throw invalid('You may only specify up to 20 types.', { param: 'types' });
  const wanted = params.types ?? [params.type ?? '*'];
  const undelivered = new Set([...world.store.rows('delivery')].map(({ event }) => event));
  const { created, delivery_success: delivered } = params;
  const rows = page('event', world.store.rows('event'), params, (event) => {
    if (!isReadable(world, event) || !createdWithin(created, event)) return false;
    if (delivered !== undefined && delivered === undelivered.has(event.id)) return false;
    return wanted.some((pattern) => covers(pattern, event.type));
  });
  return { ...rows, data: rows.data.map((event) => currentEvent(world, event)) };
}

function isReadable(world: World, { created }: Stripe.Event): boolean {
  return created > world.nowSeconds() - READABLE_SECONDS;
}

export const EVENT_ROUTES: readonly Route[] = [
  route('GET /v1/events', ['type', 'types', 'created', 'delivery_success'], list),
  route('GET /v1/events/{id}', [], retrieve),
];
