// One request as a customer makes it, read to its end, with the receipt that the gateway gives for it.
// The receipt is asked for with the customer's own key: what is printed is what the customer could find out.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { type Nano, nano } from '../domain/nano.ts';
import type { Endpoints } from './endpoints.ts';

const REQUEST_MS = 60_000;
const RECEIPT_TRIES = 40;
const RECEIPT_EVERY_MS = 250;

type CustomerPlace = Pick<Endpoints, 'apiBaseUrl' | 'customerKey'>;

export interface CustomerCall {
  /** "plain chat, demo-chat" */
  readonly name: string;
  readonly path: '/chat/completions' | '/embeddings' | '/responses' | '/messages';
  readonly body: Readonly<Record<string, unknown>>;
}

export interface BilledAnswer {
  readonly status: number;
  readonly text: string;
  readonly requestId: string;
  readonly charge: Nano;
  readonly attempts: number;
}

const Receipt = z.object({ chargeNano: z.string(), attempts: z.array(z.unknown()) });

export async function makeBilledRequest(endpoints: CustomerPlace, call: CustomerCall): Promise<BilledAnswer> {
  const answer = await fetch(`${endpoints.apiBaseUrl}${call.path}`, {
    method: 'POST',
    headers: headersFor(call, endpoints.customerKey),
    body: JSON.stringify(call.body),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const text = await answer.text();
  const requestId = answer.headers.get('x-request-id');
  if (answer.status !== 200 || requestId === null) {
    throw new Error(`${call.name}: status ${answer.status}, request id ${requestId}: ${text.slice(0, 500)}`);
  }
  const receipt = await receiptOf(endpoints, requestId);
  return {
    status: answer.status,
    text,
    requestId,
    charge: nano(receipt.chargeNano),
    attempts: receipt.attempts.length,
  };
}

function headersFor({ path }: CustomerCall, customerKey: string): Record<string, string> {
  const json = { 'content-type': 'application/json' };
  if (path === '/messages') return { ...json, 'x-api-key': customerKey, 'anthropic-version': '2023-06-01' };
  return { ...json, authorization: `Bearer ${customerKey}` };
}

/** A record that went through the gateway's journal reaches the database a moment after the answer's end. */
async function receiptOf(
  { apiBaseUrl, customerKey }: CustomerPlace,
  requestId: string,
): Promise<z.infer<typeof Receipt>> {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(`${apiBaseUrl}/requests/${requestId}`, {
      headers: { authorization: `Bearer ${customerKey}` },
    });
    const text = await answer.text();
    if (answer.status === 200) return Receipt.parse(JSON.parse(text));
    if (answer.status !== 404 || tries === RECEIPT_TRIES) {
      throw new Error(`no receipt of request ${requestId}: status ${answer.status}: ${text.slice(0, 500)}`);
    }
    await wait(RECEIPT_EVERY_MS);
  }
}
