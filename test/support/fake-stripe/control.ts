// What tests and the launcher ask of the fake itself: its clock, faults, webhook endpoints, and what Stripe believes was captured.
import { z } from 'zod';
import { FAULT_ORDER } from './faults.ts';
import type { Schedule } from './schedule.ts';
import { newId, type World } from './world.ts';

export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

const ADVANCE = z.strictObject({ advance_to: z.union([z.iso.datetime(), z.int().positive()]) });
const ENDPOINT = z.strictObject({
  url: z.url(),
  secret: z.string().min(1).optional(),
  enabled_events: z.array(z.string()).min(1).default(['*']),
});

export function control(world: World, schedule: Schedule, call: string, body: string): ControlAnswer {
  switch (call) {
    case 'GET /livez':
      return ok({ status: 'ok' });
    case 'GET /_test/clock':
      return ok(clock(world, schedule));
    case 'POST /_test/clock':
      return given(ADVANCE, body, ({ advance_to: to }) => {
        schedule.advanceTo(typeof to === 'number' ? to * 1000 : Date.parse(to));
        return clock(world, schedule);
      });
    case 'POST /_test/fault':
      return given(FAULT_ORDER, body, (order) => {
        world.faults.order(order);
        return order;
      });
    case 'DELETE /_test/fault':
      world.faults.clear();
      return ok({});
    case 'POST /_test/webhooks':
      return given(ENDPOINT, body, (endpoint) => registered(world, endpoint));
    case 'GET /_test/webhooks':
      return ok({
        endpoints: [...world.store.rows('webhook_endpoint')],
        deliveries: [...world.store.rows('delivery')],
        // Of this process: one that was killed comes back knowing none.
        faulted: Object.fromEntries(world.faults.cameOver),
        not_taken: world.webhooksNotTaken,
      });
    case 'GET /_test/ledger':
      return ok(ledger(world));
    case 'GET /_test/taxes':
      return ok(taxes(world));
    default:
      return { status: 404, body: { error: `the fake Stripe has no ${call}` } };
  }
}

function clock(world: World, schedule: Schedule) {
  const dueAtMs = schedule.nextDueAtMs();
  const nextDueAt = dueAtMs === null ? null : new Date(dueAtMs).toISOString();
  return { now: new Date(world.nowMs()).toISOString(), unix: world.nowSeconds(), next_due_at: nextDueAt };
}

/** The same URL again is the same endpoint, with what is said now. */
export function registered(world: World, asked: z.input<typeof ENDPOINT>) {
  const { url, secret, enabled_events: enabledEvents = ['*'] } = asked;
  const known = [...world.store.rows('webhook_endpoint')].find((one) => one.url === url);
  const endpoint = {
    id: known?.id ?? newId('we'),
    url,
    secret: secret ?? known?.secret ?? newId('whsec'),
    enabledEvents,
  };
  world.store.transact(() => world.store.put('webhook_endpoint', endpoint));
  return endpoint;
}

interface Payment {
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  captures: number;
  captured: number;
  refunded: number;
}

function ledger(world: World): { payment_intents: Record<string, Payment> } {
  const payments: Record<string, Payment> = {};
  for (const { paymentIntent, movement, amount, currency } of world.store.rows('ledger_entry')) {
    const metadata = world.store.get('payment_intent', paymentIntent)?.metadata ?? {};
    payments[paymentIntent] ??= { currency, metadata, captures: 0, captured: 0, refunded: 0 };
    const payment = payments[paymentIntent];
    if (movement === 'capture') {
      payment.captures++;
      payment.captured += amount;
    } else payment.refunded += movement === 'refund' ? amount : -amount;
  }
  return { payment_intents: payments };
}

/** As its reports would have it, by our references. */
function taxes(world: World) {
  const told = [...world.store.rows('tax_transaction')].map(({ reference, type, reversal, line_items: { data } }) => [
    reference,
    {
      type,
      original: reversal?.original_transaction ?? null,
      net: data.reduce((total, { amount }) => total + amount, 0),
      tax: data.reduce((total, { amount_tax: tax }) => total + tax, 0),
    },
  ]);
  return { calculations: [...world.store.rows('tax_calculation')].length, transactions: Object.fromEntries(told) };
}

function given<T extends z.ZodType>(schema: T, body: string, does: (asked: z.output<T>) => unknown): ControlAnswer {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    return { status: 400, body: { error: String(error) } };
  }
  const read = schema.safeParse(json);
  return read.success ? ok(does(read.data)) : { status: 400, body: { error: z.prettifyError(read.error) } };
}

function ok(body: unknown): ControlAnswer {
  return { status: 200, body };
}
