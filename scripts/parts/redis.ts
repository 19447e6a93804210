// The Redis part: REDIS_URL, else a server on PATH, else Debian's package when root, else none.
// Without Redis the gateway runs with local rate windows. Nothing in it must survive, so nothing is written to disk.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { installFromDebian } from './debian-package.ts';
import type { Launch } from './home.ts';
import { onPath } from './on-path.ts';
import { SupervisedProcess } from './supervised-process.ts';

const SERVERS = ['redis-server', 'valkey-server'];
const CONNECT_MS = 2_000;
export const INSTALL_REDIS = 'apt-get install -y --no-install-recommends redis-server';

export interface RedisServer {
  readonly url: string;
  readonly process: SupervisedProcess;
}

/** The server's binary; null when there is none and none may be installed. */
export async function findOrInstallRedis(say: (text: string) => void): Promise<string | null> {
  const found = onPath(SERVERS);
  if (found !== null || process.getuid?.() !== 0 || onPath(['apt-get']) === null) return found;
  await installFromDebian(INSTALL_REDIS, say);
  // The package starts a server of its own, which nobody asked for and nobody would stop.
  await promisify(execFile)('service', ['redis-server', 'stop']).catch(() => undefined);
  return onPath(SERVERS);
}

export async function startRedis(launch: Launch, server: string, port: number, password: string): Promise<RedisServer> {
  const folder = join(launch.home, 'redis');
  mkdirSync(folder, { recursive: true });
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const settings = { bind: '127.0.0.1', port, requirepass: password, save: '""', appendonly: 'no', dir: `"${folder}"` };
  const process = await SupervisedProcess.start(
    {
      part: 'redis',
      command: server,
      args: ['-'],
      env: { PATH: globalThis.process.env.PATH, TZ: 'UTC' },
      folder,
      user: null,
      input: Object.entries(settings)
        .map(([name, value]) => `${name} ${value}\n`)
        .join(''),
      stopSignal: 'SIGTERM',
      graceMs: 5_000,
      readyWithinMs: 15_000,
      missing: () => whyRedisIsSilent(url),
    },
    launch,
  );
  return { url, process };
}

/** Null when it answers. */
export async function whyRedisIsSilent(url: string): Promise<string | null> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    commandTimeout: CONNECT_MS,
  });
  let reason = 'no answer';
  client.on('error', (error) => {
    reason = error.message;
  });
  try {
    await client.connect();
    await client.ping();
    return null;
  } catch (error) {
    return error instanceof Error && error.message !== 'Connection is closed.' ? error.message : reason;
  } finally {
    client.disconnect();
  }
}
