// In production neither the supervisor nor a gateway begins to work with a secret that could be guessed. Which secrets those are
// is the table of test/services/platform/config.test.ts; here the processes themselves are started.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const API = join(import.meta.dirname, '../../../api');
const DEFAULTS = {
  NODE_ENV: 'production',
  PORT: '0',
  DATABASE_URL: 'postgres://gateway:postgres@127.0.0.1:1/gate',
  DATABASE_URL_WORKER: 'postgres://worker@127.0.0.1:1/gate',
  DATABASE_URL_MEMBERS: 'postgres://members@127.0.0.1:1/gate',
  REDIS_URL: 'redis://:my-default-cache@127.0.0.1:1',
  TOLLGATE_ADMIN_TOKEN: 'changeme-changeme-changeme-changeme',
  TOLLGATE_LINK_SECRET: 'changeme-changeme-changeme-changeme',
  TOLLGATE_MASTER_KEYS: '{"current":1,"keys":{"1":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}',
  TOLLGATE_JOURNAL_DIR: '/nowhere',
};

test.each(['main.ts', 'gateway.ts'])('api/%s names every default secret, shows none, and ends', async (program) => {
  const { code, said } = await started(program, DEFAULTS);

  expect(code).not.toBe(0);
  expect(said).toContain('Cannot start:');
  for (const variable of [
    'DATABASE_URL',
    'DATABASE_URL_WORKER',
    'DATABASE_URL_MEMBERS',
    'REDIS_URL',
    'TOLLGATE_ADMIN_TOKEN',
    'TOLLGATE_LINK_SECRET',
    'master key 1',
  ]) {
    expect(said).toContain(variable);
  }
  for (const secret of ['gateway:postgres', 'my-default-cache', 'changeme', 'AAAA']) expect(said).not.toContain(secret);
});

test('with no secret at all it says which are missing', async () => {
  const { code, said } = await started('main.ts', { NODE_ENV: 'production' });

  expect(code).not.toBe(0);
  for (const variable of ['DATABASE_URL', 'DATABASE_URL_WORKER', 'TOLLGATE_ADMIN_TOKEN', 'TOLLGATE_JOURNAL_DIR']) {
    expect(said).toContain(`${variable} is not set`);
  }
  expect(said).toContain('TOLLGATE_MASTER_KEYS_FILE or TOLLGATE_MASTER_KEYS is not set');
});

async function started(program: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [join(API, program)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, said };
}
