// Payloads are decoded for those who signed in, under their names, and for nobody else; nothing is encrypted for anybody.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createLog } from '../../services/platform/log.ts';
import { PayloadCodec } from '../../services/vault/payload-codec.ts';
import { parseKeyring } from '../../services/vault/vault.ts';
import { CodecAccess } from '../../workers/codec-access.ts';
import { createWorkerApp } from '../../workers/http.ts';

const UI = 'http://127.0.0.1:8233';
const adminToken = randomBytes(24).toString('hex');
const keyring = JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } });
const codec = new PayloadCodec(parseKeyring('Payload', keyring));
const lines: string[] = [];
const app = createWorkerApp({
  work: { isTemporalUp: true, isWorking: true },
  registry: new Registry(),
  codec,
  access: new CodecAccess(adminToken),
  uiOrigin: UI,
  runbook: () => '',
  log: createLog({ name: 'test', level: 'info' }, { write: (line: string) => void lines.push(line) }),
});
const server = app.listen(0, '127.0.0.1');
let url: string;
let body: string;

beforeAll(async () => {
  if (!server.listening) await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [stored] = await codec.encode([
    { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"toll"') },
  ]);
  const { metadata = {}, data } = stored ?? {};
  const named = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
  body = JSON.stringify({
    payloads: [{ metadata: Object.fromEntries(named), data: Buffer.from(data ?? []).toString('base64') }],
  });
});
afterAll(() => {
  server.close();
});

function decode(headers: Record<string, string>, sent = body): Promise<Response> {
  const all = { 'content-type': 'application/json', 'x-namespace': 'tollgate-test', ...headers };
  return fetch(`${url}/codec/decode`, { method: 'POST', headers: all, body: sent });
}

async function signIn(fields: Record<string, string>): Promise<Response> {
  return fetch(`${url}/codec/sign-in`, { method: 'POST', body: new URLSearchParams(fields) });
}

async function textIn(answer: Response): Promise<string> {
  const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
  return Buffer.from(payloads[0]?.data ?? '', 'base64').toString();
}

test('who signs in with a name and the admin token reads for a working day, and is named in the log', async () => {
  const signedIn = await signIn({ name: 'Ada', adminToken });
  const cookie = signedIn.headers.get('set-cookie') ?? '';

  const answer = await decode({ cookie: cookie.split(';')[0] ?? '', origin: UI });

  expect(cookie).toMatch(/; Path=\/codec; Max-Age=28800; HttpOnly; SameSite=Strict$/);
  expect(await textIn(answer)).toBe('"toll"');
  expect([...answer.headers]).toEqual(
    expect.arrayContaining([
      ['access-control-allow-origin', UI],
      ['access-control-allow-credentials', 'true'],
    ]),
  );
  expect(lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ msg: 'payloads_decoded', reader: 'Ada', namespace: 'tollgate-test', payloads: 1 }),
  );
});

test('a command line reads with the admin token', async () => {
  const answer = await decode({ authorization: `Bearer ${adminToken}` });

  expect(await textIn(answer)).toBe('"toll"');
});

const forged = () => new CodecAccess('another token').cookieFor('Eve', Date.now(), false).split(';')[0] ?? '';
const expired = () =>
  new CodecAccess(adminToken).cookieFor('Ada', Date.now() - 9 * 3_600_000, false).split(';')[0] ?? '';
test.each([
  ['nothing', () => ({})],
  ['a wrong token', () => ({ authorization: 'Bearer guess' })],
  ['a cookie that we did not sign', () => ({ cookie: forged() })],
  ['a cookie of yesterday', () => ({ cookie: expired() })],
])('with %s nothing is decoded', async (_, headers) => {
  const answer = await decode(headers());

  expect([answer.status, await answer.text()]).toEqual([401, expect.not.stringContaining('toll"')]);
});

test.each([
  ['the token', { name: 'Eve', adminToken: 'guess' }],
  ['a name', { name: ' ', adminToken }],
])('a sign-in without %s is refused and logged', async (_, fields) => {
  const refused = await signIn(fields);

  expect([refused.status, refused.headers.get('set-cookie')]).toEqual([401, null]);
  expect(lines.at(-1)).toContain('codec_sign_in_refused');
  expect(lines.join('')).not.toContain(adminToken);
});

test('pages of another origin may not read the answer, and nothing is encrypted for anybody', async () => {
  const elsewhere = await decode({ authorization: `Bearer ${adminToken}`, origin: 'https://evil.example' });
  const encoded = await fetch(`${url}/codec/encode`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}` },
  });

  expect(elsewhere.headers.get('access-control-allow-origin')).toBeNull();
  expect(encoded.status).toBe(404);
});

test('what does not open is said to be so', async () => {
  const headers = { authorization: `Bearer ${adminToken}` };
  const damaged = body.replace(/"data":"..../, '"data":"AAAA');

  const answers = [await decode(headers, damaged), await decode(headers, '{"payloads":7}')];

  expect(answers.map(({ status }) => status)).toEqual([422, 400]);
});
