// What a test call of a channel costs: us, and nobody else (gateways.md T52). It is an attempt without a request, so no customer's
// statistics hold it, and its cost is a loss under its own name. A provider that exports its usage has the last word on it;
// of another the call's own answer is all that there is.
import type { Usage } from '../../domain/meters.ts';
import { charge, type Price } from '../../domain/prices.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { Channel } from './channels.ts';

export interface TrialCall {
  readonly keyId: string;
  readonly modelId: string;
  readonly upstreamModel: string;
  readonly kind: 'chat' | 'embedding';
}

export interface TrialAttempt {
  readonly requestId: string;
  /** Sent with the call: the provider's export names it. */
  readonly attemptId: string;
  readonly costPrice: Price | null;
}

export async function beginTrial(db: Queryable, channel: Channel, call: TrialCall): Promise<TrialAttempt> {
  const requestId = newId();
  const { rows } = await db.query<{ costPrice: Price | null }>(
    'select begin_channel_test($1, $2, $3, $4, $5) as "costPrice"',
    [requestId, channel.id, call.keyId, call.modelId, call.upstreamModel],
  );
  return { requestId, attemptId: `${requestId}.1`, costPrice: rows[0]?.costPrice ?? null };
}

/** `usage` null: the answer did not say, so the cost stays unknown. */
export async function settleTrial(
  db: Queryable,
  channel: Channel,
  { requestId, costPrice }: TrialAttempt,
  usage: Usage | null,
): Promise<void> {
  if (channel.usageExport !== null || usage === null || costPrice === null) return;
  const costNano = String(charge(costPrice, usage));
  await db.query('select reconcile_attempt($1, 1::smallint, $2, null)', [requestId, costNano]);
}

/** OpenAI counts prompt and completion, Anthropic input and output; so small a call has nothing in a cache. */
export function usageOfTrial(answer: Readonly<Record<string, unknown>>): Usage | null {
  const { usage } = answer;
  if (typeof usage !== 'object' || usage === null) return null;
  const counts = new Map(Object.entries(usage));
  const input = counts.get('prompt_tokens') ?? counts.get('input_tokens');
  const output = counts.get('completion_tokens') ?? counts.get('output_tokens') ?? 0;
  return isCount(input) && isCount(output) ? { input, output } : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
