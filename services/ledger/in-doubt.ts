// A settlement that had no answer in time. PostgreSQL may have committed it, and until it was asked nobody may tell a customer
// that nothing is charged (D12).
import type { Client } from 'pg';
import { settledAmong } from './settle-batch.ts';

const ASK_TIMEOUT_MS = 1_000;

/**
 * @throws Error when there is no answer within the time. One that has arrived and was not read yet counts as given: in a process
 * that was stopped the timer runs first, and only then are the sockets read.
 */
export async function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`PostgreSQL did not answer within ${timeoutMs} ms`));
    timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {}); // when it lost the race, its connection is destroyed and it rejects for nobody
  }
}

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
