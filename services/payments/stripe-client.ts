// The SDK of Stripe as every module here holds it, and what its errors are for the rest of the product. It does not go out through
// services/egress: its address is the operator's and not a customer's (D40).
import Stripe from 'stripe';
import { TollgateError } from '../../domain/errors.ts';
import type { StripeSettings } from '../platform/config.ts';

const API_VERSION = '2026-10-28.endive';
const TIMEOUT_MS = 20_000;
const RETRY_AFTER_MS = 5_000;

/** Rejects with a TollgateError where nothing may be changed at Stripe at this moment. */
export type BeforePost = () => Promise<void>;

export function openStripe({ apiBase, secretKey }: StripeSettings, beforePost: BeforePost): Stripe {
  const { protocol, hostname, port } = new URL(apiBase);
  return new Stripe(secretKey, {
    httpClient: asking(beforePost),
    apiVersion: API_VERSION,
    timeout: TIMEOUT_MS,
    maxNetworkRetries: 1,
    telemetry: false,
    protocol: protocol === 'http:' ? 'http' : 'https',
    host: hostname,
    ...(port === '' ? {} : { port }),
  });
}

/** All that is asked goes by here, whichever module asks it: nobody can forget that a hold stands (D150). */
function asking(beforePost: BeforePost) {
  const http = Stripe.createNodeHttpClient();
  const send = http.makeRequest.bind(http);
  http.makeRequest = async (...request) => {
    const [, , , method] = request;
    if (method === 'POST') await beforePost();
    return send(...request);
  };
  return http;
}

/** Of what Stripe may have expanded; null where there is none. */
export function idOf(object: string | { readonly id: string } | null): string | null {
  return typeof object === 'string' ? object : (object?.id ?? null);
}

export async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw translated(error);
  }
}

/** What only waiting cures is told so; whatever else Stripe refuses is a defect of ours. */
export function translated(error: unknown): unknown {
  const { errors } = Stripe;
  if (error instanceof errors.StripeIdempotencyError && error.code === 'idempotency_key_in_use') {
    return new TollgateError('request_in_progress', {
      message: 'The same was asked a moment ago and is under way: repeat this in a second.',
      retryAfterMs: 1_000,
      cause: error,
    });
  }
  const isPassing =
    error instanceof errors.StripeConnectionError ||
    error instanceof errors.StripeRateLimitError ||
    error instanceof errors.StripeAPIError;
  if (!isPassing) return error;
  if (error instanceof errors.StripeConnectionError && error.detail instanceof TollgateError) return error.detail;
  return new TollgateError('payment_provider_unavailable', {
    message: 'Stripe does not answer at the moment. Nothing is lost: repeat this in some seconds.',
    retryAfterMs: RETRY_AFTER_MS,
    // What broke the connection; the SDK's own error says only that it was broken.
    cause: error instanceof errors.StripeConnectionError ? (error.detail ?? error) : error,
  });
}

/** A fault that Stripe has kept under its key, and will repeat; or the key was used for something else, in days that a restored database has forgotten. */
export function isRepeatedFault(error: unknown): boolean {
  if (error instanceof Stripe.errors.StripeIdempotencyError) return error.code !== 'idempotency_key_in_use';
  return error instanceof Stripe.errors.StripeAPIError && error.headers?.['idempotent-replayed'] === 'true';
}
