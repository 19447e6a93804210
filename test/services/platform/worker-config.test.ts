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
    TOLLGATE_MASTER_KEYS: keyring(randomBytes(32)),
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
      'TOLLGATE_MASTER_KEYS_FILE or TOLLGATE_MASTER_KEYS is not set',
    ].join('\n  '),
  );
});

const MAIL = {
  SMTP_URL: 'smtps://tollgate:word@mail.example:465',
  MAIL_FROM: 'Tollgate <billing@tollgate.example>',
  MAIL_STAFF: 'staff@tollgate.example',
};

test('mails are sent when server, sender and staff are named, and kept when none of them is', () => {
  const [sent, kept] = [readWorkerConfig(environment(MAIL)), readWorkerConfig(environment())];

  expect(sent.mail).toEqual({ url: MAIL.SMTP_URL, from: MAIL.MAIL_FROM, staff: MAIL.MAIL_STAFF });
  expect(kept.mail).toBeNull();
});

test.each([
  [{ ...MAIL, MAIL_STAFF: undefined }, 'SMTP_URL, MAIL_FROM, MAIL_STAFF are set together or not at all: MAIL_STAFF'],
  [{ ...MAIL, SMTP_URL: 'mail.example' }, 'SMTP_URL must be a URL that begins with smtp:// or smtps://'],
  [{ ...MAIL, MAIL_FROM: 'billing@a.example, all@b.example' }, 'MAIL_FROM must be one mail address'],
  [{ ...MAIL, MAIL_FROM: 'Us\r\nBcc: all@b.example <a@a.example>' }, 'MAIL_FROM must be one mail address'],
  [{ ...MAIL, MAIL_STAFF: 'Us <us@a.example>' }, 'MAIL_STAFF must be one mail address'],
])('settings of mail that would send half of them, or as somebody else, are refused: %j', (settings, told) => {
  expect(() => readWorkerConfig(environment(settings))).toThrow(told);
});

test.each([
  ['SMTP_URL', undefined, 'SMTP_URL is not set: nobody would be warned'],
  ['TOLLGATE_PUBLIC_URL', undefined, 'TOLLGATE_PUBLIC_URL is not set'],
  ['TOLLGATE_PAYLOAD_KEYS', keyring(Buffer.alloc(32)), 'payload key 1: it was not made at random'],
  ['TOLLGATE_MASTER_KEYS', keyring(Buffer.alloc(32)), 'master key 1: it was not made at random'],
  ['TOLLGATE_ADMIN_TOKEN', 'short', 'has 5 characters'],
  ['TOLLGATE_LINK_SECRET', 'short', 'has 5 characters'],
  ['DATABASE_URL_WORKER', 'postgres://worker:worker@127.0.0.1/gate', 'looks like a default value'],
  ['TOLLGATE_WORKFLOW_BUNDLE', undefined, 'is not set: production bundles nothing'],
])('production refuses %s = %s', (variable, value, told) => {
  const production = {
    NODE_ENV: 'production',
    TOLLGATE_WORKFLOW_BUNDLE: '/srv/workflows.js',
    TOLLGATE_PUBLIC_URL: 'https://gate.example',
    ...MAIL,
  };

  expect(() => readWorkerConfig(environment({ ...production, [variable]: value }))).toThrow(told);
  expect(readWorkerConfig(environment(production)).production).toBe(true);
});

test('Temporal is talked to in the clear unless TLS, a certificate or an API key says otherwise', () => {
  const [plain, encrypted, known] = [{}, { TEMPORAL_TLS: 'true' }, { TEMPORAL_API_KEY: 'of-temporal' }].map(
    (access) => readWorkerConfig(environment(access)).temporalAccess,
  );

  const tls = { authority: null, client: null, serverName: null };
  expect(plain).toEqual({ tls: null, apiKey: null });
  expect(encrypted).toEqual({ tls, apiKey: null });
  expect(known).toEqual({ tls, apiKey: 'of-temporal' });
});

test('an API key in the clear, half a certificate and a file that is not there are refused', () => {
  const refused = () =>
    readWorkerConfig(
      environment({
        TEMPORAL_TLS: 'false',
        TEMPORAL_API_KEY: 'of-temporal',
        TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere/worker.pem',
      }),
    );

  expect(refused).toThrow(/TEMPORAL_TLS_CLIENT_CERT_PATH: .*ENOENT/);
  expect(refused).toThrow('TEMPORAL_TLS is false: an API key would go out in the clear');
});
