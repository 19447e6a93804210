// A settlement that had no answer in time. PostgreSQL may have committed it, and until it was asked nobody may tell a customer
// that nothing is charged (D12).
import type { Client } from 'pg';
import { within } from '../platform/postgres.ts';
import { settledAmong } from './settle-batch.ts';

const ASK_TIMEOUT_MS = 1_000;

export type Fate = 'committed' | 'never' | 'unknown';

/** Asks PostgreSQL, on a connection of its own, what became of requests that were sent to it. Never rejects. */
export async function fatesOf(
  connect: () => Promise<Client>,
  incarnationId: string,
  requestIds: readonly string[],
): Promise<(requestId: string) => Fate> {
  let client: Client | null = null;
  try {
    client = await connect();
    const { isFenced, settled } = await within(ASK_TIMEOUT_MS, settledAmong(client, incarnationId, requestIds));
    return (requestId) => (settled.has(requestId) ? 'committed' : isFenced ? 'never' : 'unknown');
  } catch {
    return () => 'unknown';
  } finally {
    client?.connection.stream.destroy();
  }
}
