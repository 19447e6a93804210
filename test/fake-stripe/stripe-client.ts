// The official SDK pointed at a fake Stripe of one's own, and what tests ask of that fake beside the API.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import Stripe from 'stripe';
import { startFakeStripe } from '../support/fake-stripe/server.ts';

export const SECRET = 'whsec_test_of_the_fake';

export interface RunningStripe {
  readonly url: string;
  readonly stripe: Stripe;
  close(): Promise<void>;
}

export async function runStripe(): Promise<RunningStripe> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fake-stripe-'));
  const fake = await startFakeStripe({ port: 0, dataDir });
  return {
    url: fake.url,
    stripe: client(fake.url),
    close: async () => {
      await fake.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** A test file's own: it goes when the file's tests are done. */
export async function ownStripe(): Promise<RunningStripe> {
  const fake = await runStripe();
  afterAll(() => fake.close());
  return fake;
}

/** Without the SDK's own retries: a test sees what was answered. */
export function client(url: string): Stripe {
  const { hostname: host, port } = new URL(url);
  return new Stripe('sk_test_fake', { host, port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 });
}

/** What the SDK threw. */
export async function refusalOf(request: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await request;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

interface Ledger {
  readonly payment_intents: Readonly<
    Record<string, { readonly captures: number; readonly captured: number; readonly refunded: number }>
  >;
}

export async function ledgerOf(url: string): Promise<Ledger['payment_intents']> {
  const ledger: Ledger = JSON.parse(await (await fetch(`${url}/_test/ledger`)).text());
  return ledger.payment_intents;
}

export async function control(url: string, path: string, order: object): Promise<Response> {
  return fetch(`${url}/_test/${path}`, { method: 'POST', body: JSON.stringify(order) });
}

/** The SDK tries a broken connection again, once by itself and once as ours is told: all three meet it. */
export async function faultOnAllTries(url: string, answer: string, fault: string): Promise<void> {
  await control(url, 'fault', { answer, fault, count: 3 });
}

/** What is held up goes on. */
export async function noMoreFaults(url: string): Promise<void> {
  await fetch(`${url}/_test/fault`, { method: 'DELETE' });
}

const HOUR_MS = 60 * 60_000;

export async function passHours(url: string, hours: number): Promise<void> {
  const { now }: { now: string } = JSON.parse(await (await fetch(`${url}/_test/clock`)).text());
  await control(url, 'clock', { advance_to: new Date(Date.parse(now) + hours * HOUR_MS).toISOString() });
}

/** A person fills in a form; where he is sent then. */
export async function submit(
  page: string,
  form: Record<string, string>,
): Promise<{ status: number; location: string }> {
  const answer = await fetch(page, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
  return { status: answer.status, location: answer.headers.get('location') ?? '' };
}

export async function withCard(stripe: Stripe, card: string): Promise<{ customer: string; payment_method: string }> {
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  const method = await stripe.paymentMethods.attach(card, { customer: customer.id });
  return { customer: customer.id, payment_method: method.id };
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  close(): Promise<void>;
}

export interface Received {
  readonly event: Stripe.Event;
  readonly payload: string;
  readonly signature: string;
}

/** Takes webhooks; `answers` says with which status. */
export async function receiver(answers: (event: Stripe.Event) => number = () => 200): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const payload = Buffer.concat(chunks).toString('utf8');
    const event: Stripe.Event = JSON.parse(payload);
    received.push({ event, payload, signature: String(request.headers['stripe-signature']) });
    response.writeHead(answers(event)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : null;
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    received,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
