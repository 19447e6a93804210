// What Stripe answers when it does not do what it was asked, in its own shape: {"error": {"type", "code", "param", "message", ...}}.
import type Stripe from 'stripe';

export interface ErrorBody {
  readonly type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly network_advice_code?: string;
  readonly network_decline_code?: string;
  readonly charge?: string;
  readonly payment_intent?: Stripe.PaymentIntent;
  readonly payment_method?: Stripe.PaymentMethod;
  readonly setup_intent?: Stripe.SetupIntent;
}

export class Refusal extends Error {
  readonly status: number;
  readonly body: ErrorBody;

  constructor(status: number, body: ErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

/** Refused by the card: the attempt has happened, and what was written about it stays. */
export class Declined extends Refusal {
  constructor(body: ErrorBody) {
    super(402, body);
  }
}

export function invalid(message: string, more: { readonly code?: string; readonly param?: string } = {}): Refusal {
  return new Refusal(400, { type: 'invalid_request_error', message, ...more });
}

/** 404 for what the path names, 400 for what a parameter names. */
export function noSuch(thing: string, id: string, param = 'id'): Refusal {
  const body = {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${thing}: '${id}'`,
    param,
  } as const;
  return new Refusal(param === 'id' ? 404 : 400, body);
}

/** Stripe would do it; whoever asks is told that the fake does not, before he believes in an effect that never comes. */
export function notServed(what: string): Refusal {
  return new Refusal(501, { type: 'api_error', message: `The fake Stripe does not serve ${what}` });
}

export function errorJson(body: ErrorBody, requestId: string): string {
  const docs =
    body.code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${body.code.replaceAll('_', '-')}` };
  const log = { request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}` };
  return JSON.stringify({ error: { ...body, ...docs, ...log } });
}
