// Redis is a convenience: nothing here throws at a caller, waits longer than 250 ms, or queues work for a server that is away.
// Whoever gets null goes on without it.
import { Redis } from 'ioredis';
import type { Log } from './log.ts';

export type RedisCommand = readonly [name: string, ...args: (string | number)[]];

export interface RedisLink {
  isUp(): boolean;
  /** One round trip in one pipeline; null when any part of it failed, and then any part of it may have happened. */
  run(commands: readonly RedisCommand[]): Promise<readonly unknown[] | null>;
  /** Called at once when the connection is lost, not when the next command notices. */
  onLost(listener: () => void): void;
  close(): void;
}

const COMMAND_TIMEOUT_MS = 250;
const PIPELINE_TIMEOUT_MS = 300;
const CONNECT_TIMEOUT_MS = 1_000;
const LONGEST_PAUSE_MS = 2_000;

/** Connects with the first command, which fails; later ones find the connection. */
export function createRedis(url: string, name: string, log: Pick<Log, 'info' | 'warn'>): RedisLink {
  const client = new Redis(url, {
    connectionName: name,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempts) => Math.min(50 * 2 ** Math.min(attempts, 10), LONGEST_PAUSE_MS),
    // A primary that was demoted answers reads and refuses writes: find the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let wasUp = false;
  client.on('ready', () => {
    wasUp = true;
    log.info('redis_connected');
  });
  client.on('close', () => {
    if (wasUp) log.warn('redis_lost');
    wasUp = false;
  });
  // ioredis prints errors that nobody listens to; what matters of them arrives as `close` or as a failed command.
  client.on('error', () => {});

  return {
    isUp: () => client.status === 'ready',
    run: (commands) => runPipeline(client, commands),
    onLost: (listener) => void client.on('close', listener),
    close: () => client.disconnect(),
  };
}

async function runPipeline(client: Redis, commands: readonly RedisCommand[]): Promise<readonly unknown[] | null> {
  const pipeline = client.pipeline();
  for (const [name, ...args] of commands) pipeline.call(name, ...args);
  const replies = await withinPatience(client, pipeline.exec());
  const failure = replies?.find(([error]) => error !== null)?.[0];
  // A server that is silent now would let unanswered commands pile up: start again on a new connection.
  if (failure?.message === 'Command timed out') client.disconnect(true);
  return replies === null || failure ? null : replies.map(([, reply]) => reply);
}

/** ioredis leaves a pipeline unanswered for ever when its connection goes at the wrong moment; its command timeout does not see it. */
async function withinPatience<T>(client: Redis, answer: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      if (client.status === 'ready') client.disconnect(true);
      resolve(null);
    }, PIPELINE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer.catch(() => null), silence]);
  } finally {
    clearTimeout(timer);
  }
}
