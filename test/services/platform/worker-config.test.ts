// A worker starts with a whole configuration or not at all, on UTC only, and in production with no default and nothing made on the way.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { readWorkerConfig } from '../../../services/platform/worker-config.ts';

const random = () => randomBytes(24).toString('hex');
const keyring = (bytes: Buffer) => JSON.stringify({ current: 1, keys: { 1: bytes.toString('base64') } });

function environment(changes: Record<string, string | undefined> = {}): Record<string, string | undefined> {
  return {
    TZ: 'UTC',
    DATABASE_URL_WORKER: `postgres://worker:${random()}@127.0.0.1:5433/gate`,
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
    TEMPORAL_NAMESPACE: 'gate',
    TOLLGATE_ADMIN_TOKEN: random(),
    TOLLGATE_LINK_SECRET: random(),
    TOLLGATE_PAYLOAD_KEYS: keyring(randomBytes(32)),
    ...changes,
  };
}

test('an environment with what is required starts with the documented defaults', () => {
  const config = readWorkerConfig(environment({ TEMPORAL_UI_URL: 'http://127.0.0.1:8233/some/page' }));

  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 8083,
    sdkMetricsPort: 8084,
    workflowBundle: null,
    temporalUiOrigin: 'http://127.0.0.1:8233',
  });
});

test('everything that is wrong is said at once', () => {
  const refused = () => readWorkerConfig({ TZ: 'Asia/Shanghai', TEMPORAL_ADDRESS: 'temporal' });

  expect(refused).toThrow(
    [
      'Cannot start:',
      'TZ must be UTC',
      'DATABASE_URL_WORKER is not set',
      'TEMPORAL_ADDRESS must be host:port',
      'TEMPORAL_NAMESPACE is not set',
      'TOLLGATE_ADMIN_TOKEN is not set',
      'TOLLGATE_LINK_SECRET is not set',
      'TOLLGATE_PAYLOAD_KEYS_FILE or TOLLGATE_PAYLOAD_KEYS is not set',
    ].join('\n  '),
  );
});

test.each([
  ['TOLLGATE_PAYLOAD_KEYS', keyring(Buffer.alloc(32)), 'payload key 1: it was not made at random'],
  ['TOLLGATE_ADMIN_TOKEN', 'short', 'has 5 characters'],
  ['TOLLGATE_LINK_SECRET', 'short', 'has 5 characters'],
  ['TOLLGATE_PUBLIC_URL', undefined, 'is not set: mails link to it'],
  ['DATABASE_URL_WORKER', 'postgres://worker:worker@127.0.0.1/gate', 'looks like a default value'],
  ['TOLLGATE_WORKFLOW_BUNDLE', undefined, 'is not set: production bundles nothing'],
])('production refuses %s = %s', (variable, value, told) => {
  const production = {
    NODE_ENV: 'production',
    TOLLGATE_PUBLIC_URL: 'https://gate.example.com',
    TOLLGATE_WORKFLOW_BUNDLE: '/srv/workflows.js',
  };

  expect(() => readWorkerConfig(environment({ ...production, [variable]: value }))).toThrow(told);
  expect(readWorkerConfig(environment(production)).production).toBe(true);
});
