// What scanners of public places and our staff report of leaked API keys: believed where it is signed, answered without telling more than whether it is one
// of ours, and kept nowhere.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newCredential } from '../../../services/api-keys/credential.ts';
import { forgetSteps } from './authenticator.ts';
import { PASSWORD } from './browser.ts';
import { ownerOf } from './enterprise.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { signedByScanner } from './scanner.ts';
import { signedInAs } from './signed-in-as.ts';

let app: ManagementApp;
let orgId: string;
beforeAll(async () => {
  app = await startManagementApp();
  orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
});
afterAll(() => app.close());

async function newApiKey(): Promise<{ readonly id: string; readonly credential: string }> {
  const made = done(await app.call('post', '/api/v1/api-keys', { body: { orgId, name: 'ci' } }));
  return { id: made.string('id'), credential: made.string('credential') };
}

function report(body: string, headers: Record<string, string> = signedByScanner(body)) {
  return app.call('post', '/webhooks/secret-scanning', { credential: null, body, headers });
}

const found = (credential: string, url = 'https://github.com/acme/shop/blob/main/.env') =>
  JSON.stringify([{ token: credential, type: 'tollgate_api_key', url, source: 'content' }]);

async function frozen(id: string): Promise<unknown> {
  return (await app.call('get', `/api/v1/api-keys/${id}`)).field('frozen');
}

/** Everything that is kept, and every line that was logged. */
async function whatIsKept(): Promise<string> {
  const { rows } = await app.db.query<{ row: string }>(
    `select l::text as row from leak_reports l union all select n::text from notifications n union all select a::text from audit_log a
      union all select k::text from api_keys k union all select i::text from management_idempotency i`,
  );
  return [...rows.map(({ row }) => row), ...app.log].join('\n');
}

test('each match is labelled, a key of ours is frozen, and of what is none of ours nothing is told', async () => {
  const [ours, gone] = [await newApiKey(), await newApiKey()];
  done(
    await app.call('post', `/api/v1/api-keys/${gone.id}/roll`, {
      body: { overlapHours: 0 },
      headers: { 'if-match': '*' },
    }),
  );
  const nobodys = newCredential().credential;
  const texts = [ours.credential, gone.credential, nobodys, 'a-typing-error', ''];
  const url = `https://paste.example/?q=${ours.credential}`;
  const body = JSON.stringify(
    texts.map((text) => ({ token: text, type: 'tollgate_api_key', url, source: 'commit', more: 1 })),
  );

  const answer = await report(body);

  expect(answer.status).toBe(200);
  expect(answer.body).toEqual(
    texts.map((_, at) => ({
      token_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      token_type: 'tollgate_api_key',
      label: at < 2 ? 'true_positive' : 'false_positive',
    })),
  );
  expect(await frozen(ours.id)).toMatchObject({ url: 'https://paste.example/?q=[credential]', source: 'commit' });
  expect(await frozen(gone.id)).toBeNull();
  const kept = await whatIsKept();
  for (const credential of [ours.credential, gone.credential, nobodys]) expect(kept.includes(credential)).toBe(false);
});

test('an address that is too long is cut without leaving a part of the credential in it', async () => {
  const { id, credential } = await newApiKey();
  const body = found(credential, `https://paste.example/${'x'.repeat(1_940)}?q=${credential}`);

  done(await report(body));

  expect(await frozen(id)).not.toBeNull();
  expect((await whatIsKept()).includes(credential.slice(0, 20))).toBe(false);
});

test.each<[string, (body: string) => Record<string, string>]>([
  ['is not signed', () => ({})],
  ['was signed for other bytes', (body) => signedByScanner(`${body} `)],
  [
    'was signed by somebody else',
    (body) => signedByScanner(body, generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey),
  ],
])('a report that %s freezes nothing', async (_, headers) => {
  const { id, credential } = await newApiKey();
  const body = found(credential);

  const answer = await report(body, headers(body));

  expect([answer.status, answer.field('code')]).toEqual([400, 'invalid_signature']);
  expect(await frozen(id)).toBeNull();
});

test.each(['{}', '[1]', '[{"type":"x"}]'])('what is signed and is no list of matches is refused: %s', async (body) => {
  const answer = await report(body);
  expect([answer.status, answer.field('code')]).toEqual([422, 'invalid_body']);
});

test('staff reports one by its text, which is kept nowhere; what is none of ours is answered so', async () => {
  const { id, credential } = await newApiKey();
  const { cookie } = await signedInAs(app, { staff: ['support'] });
  const sent = { credential: null, headers: { cookie, origin: app.url } };
  const told = (text: string) =>
    app.call('post', '/api/v1/leak-reports', { ...sent, body: { credential: text, source: 'a customer wrote' } });

  const [known, again, unknown] = [
    await told(credential),
    await told(credential),
    await told(newCredential().credential),
  ];

  expect([known, again, unknown].map(({ body }) => body)).toEqual([
    { apiKeyId: id, outcome: 'frozen' },
    { apiKeyId: id, outcome: 'out_of_use' },
    { apiKeyId: null, outcome: 'unknown' },
  ]);
  expect((await whatIsKept()).includes(credential)).toBe(false);
});

test('whoever runs the organization unfreezes by a proof that it is he, and by nothing less', async () => {
  const { id, credential } = await newApiKey();
  done(await report(found(credential)));
  const { cookie, authenticator } = await ownerOf(app, orgId);
  const staff = await signedInAs(app, { staff: ['admin'] });
  const unfreeze = (by: string, body: object) =>
    app.call('post', `/api/v1/api-keys/${id}/unfreeze`, {
      credential: null,
      headers: { cookie: by, origin: app.url, 'if-match': '*' },
      body,
    });

  const refused = [
    await unfreeze(cookie, {}),
    await unfreeze(cookie, { password: 'not his', code: authenticator.code() }),
    await unfreeze(staff.cookie, {}),
  ];
  await forgetSteps(app);
  const frozenStill = await frozen(id);
  const proved = await unfreeze(cookie, { password: PASSWORD, code: authenticator.code() });

  expect(refused.map((answer) => answer.field('code'))).toEqual(['wrong_password', 'wrong_password', 'forbidden']);
  expect(frozenStill).not.toBeNull();
  expect([proved.status, proved.field('frozen')]).toEqual([200, null]);
});
