// A process starts with a whole configuration or not at all, and production not with a secret that could be guessed.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readConfig } from '../../../services/platform/config.ts';
import { SCANNER_KEYS } from '../../api/routes/scanner.ts';

const masterKey = () => randomBytes(32).toString('base64');
const random = () => randomBytes(24).toString('hex');

function environment(changes: Record<string, string | undefined> = {}): Record<string, string | undefined> {
  return {
    DATABASE_URL: `postgres://gateway:${random()}@127.0.0.1:5433/gate`,
    DATABASE_URL_WORKER: `postgres://worker:${random()}@127.0.0.1:5433/gate`,
    DATABASE_URL_MEMBERS: `postgres://members:${random()}@127.0.0.1:5433/gate`,
    TOLLGATE_ADMIN_TOKEN: random(),
    TOLLGATE_LINK_SECRET: random(),
    TOLLGATE_MASTER_KEYS: JSON.stringify({ current: 1, keys: { 1: masterKey() } }),
    TOLLGATE_JOURNAL_DIR: '/var/lib/gate',
    ...changes,
  };
}

test('an environment with what is required starts with the documented defaults', () => {
  const config = readConfig(environment());

  expect(config).toMatchObject({
    production: false,
    port: 8080,
    gatewayProcesses: 1,
    redisUrl: null,
    logLevel: 'info',
  });
  expect(config.trustedProxies).toEqual([]);
  expect(config.masterKeys.current).toBe(1);
  expect(Object.isFrozen(config)).toBe(true);
});

test('everything that is wrong is said at once', () => {
  const refused = () => readConfig({ NODE_ENV: 'prod', PORT: '80 80', GATEWAY_PROCESSES: '0', REDIS_URL: 'localhost' });

  expect(refused).toThrow(
    [
      'Cannot start:',
      'NODE_ENV must be production, development or test',
      'PORT must be a whole number from 0 to 65535',
      'GATEWAY_PROCESSES must be a whole number from 1 to 256',
      'DATABASE_URL is not set',
      'DATABASE_URL_WORKER is not set',
      'DATABASE_URL_MEMBERS is not set',
      'REDIS_URL must be a URL that begins with redis:// or rediss://',
      'TOLLGATE_ADMIN_TOKEN is not set',
      'TOLLGATE_LINK_SECRET is not set',
      'TOLLGATE_JOURNAL_DIR is not set',
      'TOLLGATE_MASTER_KEYS_FILE or TOLLGATE_MASTER_KEYS is not set',
    ].join('\n  '),
  );
});

test('a variable that is set to nothing counts as not set', () => {
  expect(readConfig(environment({ REDIS_URL: '', PORT: ' ' }))).toMatchObject({ redisUrl: null, port: 8080 });
  expect(() => readConfig(environment({ TOLLGATE_ADMIN_TOKEN: ' ' }))).toThrow('TOLLGATE_ADMIN_TOKEN is not set');
});

const LONG = random();
const sealedBy = (bytes: Buffer) => JSON.stringify({ current: 1, keys: { 1: bytes.toString('base64') } });

test.each([
  ['TOLLGATE_ADMIN_TOKEN', undefined, 'is not set'],
  ['TOLLGATE_ADMIN_TOKEN', '', 'is not set'],
  ['TOLLGATE_ADMIN_TOKEN', '   ', 'is not set'],
  ['TOLLGATE_ADMIN_TOKEN', 'k3Jx9', 'has 5 characters; production takes no less than 32'],
  ['TOLLGATE_ADMIN_TOKEN', 'a'.repeat(40), 'looks like a default value'],
  ['TOLLGATE_ADMIN_TOKEN', 'abcabcabcabcabcabcabcabcabcabcabcabc', 'looks like a default value'],
  ['TOLLGATE_ADMIN_TOKEN', 'My-Company-Default-Secret-For-Tollgate-2026', 'looks like a default value'],
  ['TOLLGATE_ADMIN_TOKEN', `change-me-${LONG}`, 'looks like a default value'],
  ['TOLLGATE_ADMIN_TOKEN', `ReplaceThis${LONG}`, 'looks like a default value'],
  ['TOLLGATE_LINK_SECRET', undefined, 'is not set'],
  ['TOLLGATE_LINK_SECRET', 'k3Jx9', 'has 5 characters; production takes no less than 32'],
  ['TOLLGATE_LINK_SECRET', `change-me-${LONG}`, 'looks like a default value'],
  ['TOLLGATE_MASTER_KEYS', undefined, 'is not set'],
  ['TOLLGATE_MASTER_KEYS', '', 'is not set'],
  ['TOLLGATE_MASTER_KEYS', '{"current":1,"keys":{}}', 'there is no master key'],
  ['TOLLGATE_MASTER_KEYS', '{"current":1,"keys":{"1":""}}', 'it is empty'],
  ['TOLLGATE_MASTER_KEYS', sealedBy(Buffer.alloc(32)), 'it was not made at random'],
  ['TOLLGATE_MASTER_KEYS', sealedBy(Buffer.alloc(16, 7)), 'it has 16 bytes instead of 32'],
  ['TOLLGATE_MASTER_KEYS', sealedBy(Buffer.from('change-me-change-me-change-me-32')), 'it was not made at random'],
  ['DATABASE_URL', undefined, 'is not set'],
  ['DATABASE_URL', 'postgres://gateway@db/gate', 'has no password'],
  ['DATABASE_URL', 'postgres://gateway:@db/gate', 'has no password'],
  ['DATABASE_URL', 'postgres://gateway:gateway@db/gate', 'looks like a default value'],
  ['DATABASE_URL', 'postgres://gateway:postgres@db/gate', 'looks like a default value'],
  ['DATABASE_URL', 'postgres://gateway:p%61ssword@db/gate', 'looks like a default value'],
  ['DATABASE_URL', `postgres://gateway:${LONG}@db/gate?password=postgres`, 'looks like a default value'],
  ['DATABASE_URL_WORKER', undefined, 'is not set'],
  ['DATABASE_URL_WORKER', 'postgresql://worker:worker@db/gate', 'looks like a default value'],
  ['DATABASE_URL_WORKER', 'postgres://worker:Change_Me@db/gate', 'looks like a default value'],
  ['DATABASE_URL_MEMBERS', 'postgres://members:members@db/gate', 'looks like a default value'],
  ['REDIS_URL', 'redis://cache', 'has no password'],
  ['REDIS_URL', 'redis://:redis@cache', 'looks like a default value'],
  ['REDIS_URL', 'rediss://default:12345678@cache', 'looks like a default value'],
])('production refuses %s=%s: it %s', (variable, value, problem) => {
  const refused = () => readConfig(environment({ NODE_ENV: 'production', [variable]: value }));

  expect(refused).toThrow(/^Cannot start:/);
  expect(refused).toThrow(variable);
  expect(refused).toThrow(problem);
});

test('production takes random secrets, and a database behind a socket without a password', () => {
  const socket = 'postgres:///gate?host=/run/postgresql';

  const config = readConfig(environment({ NODE_ENV: 'production', DATABASE_URL: socket }));

  expect(config.production).toBe(true);
  expect(config.databaseUrl).toBe(socket);
});

test('a refusal never shows a secret', () => {
  const secret = 'hunter2hunter2';
  const broken = environment({
    NODE_ENV: 'production',
    DATABASE_URL: `mysql://root:${secret}@db`,
    TOLLGATE_ADMIN_TOKEN: secret,
    TOLLGATE_MASTER_KEYS: `{"current":1,"keys":{"1":"${secret}"`,
  });

  expect(() => readConfig(broken)).toThrow(expect.not.objectContaining({ message: expect.stringContaining(secret) }));
});

test('master keys come from a file when one is named, and an unreadable file is a problem like any other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-config-'));
  const file = join(folder, 'master-keys.json');
  writeFileSync(file, JSON.stringify({ current: 2, keys: { 1: masterKey(), 2: masterKey() } }));

  expect(readConfig(environment({ TOLLGATE_MASTER_KEYS_FILE: file })).masterKeys.current).toBe(2);

  rmSync(folder, { recursive: true });
  expect(() => readConfig(environment({ TOLLGATE_MASTER_KEYS_FILE: file }))).toThrow(/MASTER_KEYS_FILE.*ENOENT/);
});

test('public keys of scanners are read from their file, and what is none is refused without a word of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  const [good, bad] = [join(folder, 'keys.json'), join(folder, 'other.json')];
  writeFileSync(good, SCANNER_KEYS);
  writeFileSync(bad, 'a-secret-of-another-kind');
  const reading = (file: string) => () => readConfig(environment({ TOLLGATE_SECRET_SCANNING_KEYS_FILE: file }));

  expect([readConfig(environment()).scannerKeys, reading(good)().scannerKeys]).toEqual([null, expect.anything()]);
  expect(reading(bad)).toThrow(/TOLLGATE_SECRET_SCANNING_KEYS_FILE names no file of public keys: it has no list/);
  expect(reading(bad)).not.toThrow(/a-secret-of-another-kind/);
  expect(reading(join(folder, 'none.json'))).toThrow(/SCANNING_KEYS_FILE.*ENOENT/);
  rmSync(folder, { recursive: true });
});

test('trusted proxies are addresses and ranges, and nothing else', () => {
  const proxies = '10.0.0.0/8, ::1, 2001:db8::/32';

  expect(readConfig(environment({ TOLLGATE_TRUSTED_PROXIES: proxies })).trustedProxies).toEqual(proxies.split(', '));
  for (const wrong of ['nginx', '10.0.0.0/33', '10.0.0.0/', '010.0.0.1']) {
    expect(() => readConfig(environment({ TOLLGATE_TRUSTED_PROXIES: wrong }))).toThrow('TOLLGATE_TRUSTED_PROXIES');
  }
});

test('payments are taken with both secrets of Stripe or not at all', () => {
  const stripe = { STRIPE_SECRET_KEY: `sk_live_${random()}`, STRIPE_WEBHOOK_SECRET: `whsec_${random()}` };

  expect(readConfig(environment()).stripe).toBeNull();
  expect(readConfig(environment(stripe)).stripe).toEqual({
    apiBase: 'https://api.stripe.com',
    secretKey: stripe.STRIPE_SECRET_KEY,
    webhookSecret: stripe.STRIPE_WEBHOOK_SECRET,
  });
  for (const name of ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'] as const) {
    expect(() => readConfig(environment({ ...stripe, [name]: ' ' }))).toThrow('are set together or not at all');
  }
});

test('production takes payments neither with a secret that could be guessed nor over a line that others read', () => {
  const refused = () =>
    readConfig(
      environment({
        NODE_ENV: 'production',
        STRIPE_SECRET_KEY: 'sk_test_example',
        STRIPE_WEBHOOK_SECRET: 'whsec_change_me_change_me_change_me',
        STRIPE_API_BASE: 'http://127.0.0.1:8082',
      }),
    );

  expect(refused).toThrow('STRIPE_SECRET_KEY is too short, or looks like a default value');
  expect(refused).toThrow('STRIPE_WEBHOOK_SECRET is too short, or looks like a default value');
  expect(refused).toThrow('STRIPE_API_BASE must begin with https://');
  expect(refused).toThrow('TOLLGATE_PUBLIC_URL is not set');
});

test('the clock of billing can be moved only where Stripe is a fake, and never in production', () => {
  const withStripe = { STRIPE_SECRET_KEY: `sk_live_${random()}`, STRIPE_WEBHOOK_SECRET: `whsec_${random()}` };
  const demo = { ...withStripe, STRIPE_API_BASE: 'http://127.0.0.1:8082', TOLLGATE_DEMO_CLOCK: '1' };

  expect([readConfig(environment(withStripe)).demoClock, readConfig(environment(demo)).demoClock]).toEqual([
    false,
    true,
  ]);
  for (const real of [undefined, ' ', 'https://api.stripe.com', 'https://files.stripe.com/']) {
    expect(() => readConfig(environment({ ...demo, STRIPE_API_BASE: real }))).toThrow(
      'STRIPE_API_BASE must lead to one',
    );
  }
  const withoutStripe = { STRIPE_API_BASE: demo.STRIPE_API_BASE, TOLLGATE_DEMO_CLOCK: '1' };
  expect(() => readConfig(environment(withoutStripe))).toThrow(
    'TOLLGATE_DEMO_CLOCK moves the clock of the fake Stripe',
  );
  expect(() => readConfig(environment({ ...demo, TOLLGATE_DEMO_CLOCK: 'yes' }))).toThrow('must be 1, or not set');
  expect(() => readConfig(environment({ ...demo, NODE_ENV: 'production' }))).toThrow(
    'TOLLGATE_DEMO_CLOCK is for demos',
  );
});
