// No secret leaves the place where it belongs. The whole product runs in production mode at the most talkative log level, is
// driven through everything that goes well and wrong, and then its output, its database, its journal and every answer are searched
// for each secret that it knew.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newCredential } from '../../../services/api-keys/credential.ts';
import { type RunningProduct, startRunningProduct } from '../../support/running-product.ts';
import { until } from '../../support/until.ts';
import { leaksIn, rowsOfAllTables, type Secrets, textOfFolder } from './leaks.ts';
import { type Parrot, startParrot } from './parrot.ts';

// No prefix gives them away: what scrubs them must know them.
const CHANNEL_KEYS = {
  parrot: randomBytes(20).toString('hex'),
  'parrot-claude': randomBytes(20).toString('hex'),
  deaf: randomBytes(20).toString('hex'),
};
const PROMPT = `the customer's own words ${randomBytes(12).toString('hex')}`;
const TYPED_INTO_A_FORM = randomBytes(20).toString('hex');

let product: RunningProduct;
let parrot: Parrot;
let secrets: Secrets;
/** Of the customer's own key, whose making is the one answer that shows it. */
let madeKey: string;
const answers: string[] = [];

beforeAll(async () => {
  parrot = await startParrot();
  product = await startRunningProduct({ NODE_ENV: 'production', LOG_LEVEL: 'trace' });
  await openShop();
  madeKey = (await manage('POST', '/api-keys', { orgId: await orgId() }, false)).credential ?? '';
  secrets = {
    'admin token': product.adminToken,
    'API key': product.customerKey,
    'API key that was just made': madeKey,
    'master key': product.secrets.masterKey,
    'password of the gateway': product.secrets.databasePasswords[0] ?? '',
    'password of the worker': product.secrets.databasePasswords[1] ?? '',
    'channel key': CHANNEL_KEYS.parrot,
    'channel key in the header of Anthropic': CHANNEL_KEYS['parrot-claude'],
    'channel key of a dead upstream': CHANNEL_KEYS.deaf,
    'secret in a refused form': TYPED_INTO_A_FORM,
    prompt: PROMPT,
  };
  await whatGoesWell();
  await whatUpstreamsRefuse();
  await whatCallersGetWrong();
  await whatManagementRefuses();
  await whileTheDatabaseIsDown();
}, 180_000);

afterAll(async () => {
  await product.stop();
  parrot.close();
});

async function openShop(): Promise<void> {
  const price = { tiers: [{ microUsdPerMillion: { input: 1_000_000, output: 1_000_000 } }] };
  for (const [id, channelKey] of Object.entries(CHANNEL_KEYS)) {
    await manage('POST', '/models', { id, price });
    const provider = id === 'parrot-claude' ? 'anthropic' : 'openai-compatible';
    const baseUrl = id === 'deaf' ? 'http://127.0.0.1:1/v1' : parrot.url;
    const channel = { provider, baseUrl, keys: [channelKey], models: [id], allowLocal: true };
    const made = await manage('POST', '/channels', channel);
    await manage('POST', `/channels/${made.id}/test`, {});
  }
  await until(async () => (await told('GET', '/v1/models')).includes('"deaf"'));
}

async function orgId(): Promise<string> {
  const { rows } = await product.admin.query<{ id: string }>('select id from organizations limit 1');
  return rows[0]?.id ?? '';
}

/** Sends, keeps the answer with all its headers, and tells its text. */
async function told(
  method: string,
  path: string,
  headers: Record<string, string> = { authorization: `Bearer ${product.customerKey}` },
  body?: string,
): Promise<string> {
  const init = body === undefined ? {} : { body };
  const answer = await fetch(product.api + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...init,
  });
  const text = await answer.text();
  const [asked = ''] = path.split('?'); // what was sent in the query is not an answer
  answers.push(JSON.stringify([asked, answer.status, [...answer.headers], text]));
  return text;
}

async function manage(method: string, path: string, body: object, isKept = true): Promise<Record<string, string>> {
  // The second making of the API key is a repetition of the first.
  const once: Record<string, string> = path === '/api-keys' ? { 'idempotency-key': 'made-once' } : {};
  const headers = { authorization: `Bearer ${product.adminToken}`, 'if-match': '*', ...once };
  const text = await told(method, `/api/v1${path}`, headers, JSON.stringify(body));
  if (!isKept) answers.pop();
  return JSON.parse(text);
}

function chat(modelId: string, words: string, stream: boolean): string {
  return JSON.stringify({
    model: modelId,
    stream,
    max_tokens: 50,
    messages: [{ role: 'user', content: `${PROMPT} ${words}` }],
  });
}

const ask = (body: string, path = '/v1/chat/completions') => told('POST', path, undefined, body);

async function whatGoesWell(): Promise<void> {
  for (const stream of [true, false]) {
    await ask(chat('demo-chat', '', stream));
    await ask(chat('demo-flaky', '', stream));
    await ask(chat('demo-claude', '', stream), '/v1/messages');
    await ask(JSON.stringify({ model: 'demo-chat', stream, input: PROMPT }), '/v1/responses');
    await ask(JSON.stringify({ model: 'demo-mini', stream, prompt: PROMPT }), '/v1/completions');
  }
  await ask(JSON.stringify({ model: 'demo-embed', input: PROMPT }), '/v1/embeddings');
  for (const path of ['/v1/key', '/v1/credits', '/v1/models']) await told('GET', path);
}

async function whatUpstreamsRefuse(): Promise<void> {
  const ways = ['400', '401', '403', '404', '409', '413', '422', '429', '500', '503', '200', '200 page', '302', '418'];
  for (const way of [...ways, '400 page', '200 event', '200 broken']) {
    for (const stream of [true, false]) {
      await ask(chat('parrot', `status=${way}`, stream));
      await ask(chat('parrot-claude', `status=${way}`, stream), '/v1/messages');
    }
  }
  await ask(chat('deaf', '', true));
  await ask(chat('deaf', '', false));
}

async function whatCallersGetWrong(): Promise<void> {
  const { customerKey, adminToken } = product;
  const body = chat('demo-chat', '', false);
  const hot = '/v1/chat/completions';
  for (const headers of [
    { 'api-key': customerKey },
    { authorization: customerKey },
    { authorization: `Bearer ${customerKey.slice(0, -1)}_` },
    { authorization: `Bearer ${adminToken}` },
    { cookie: `key=${customerKey}` },
    { 'x-api-key': newCredential().credential },
  ]) {
    await told('POST', hot, headers, body);
    await told('GET', '/v1/key', headers);
    await told('GET', '/api/v1/organizations', headers);
  }
  await told('POST', `${hot}?key=${customerKey}`, {}, body);
  await told('GET', `/v1/nothing?key=${customerKey}`, {});
  await told('GET', `/v1/requests/${PROMPT}`);
  for (const broken of [`{"model": "${PROMPT}`, `{"${PROMPT}": 1 "x"}`, body.replace('50', '-1'), `["${PROMPT}"]`]) {
    await ask(broken);
  }
  const repeated = { authorization: `Bearer ${customerKey}`, 'idempotency-key': 'one' };
  for (let time = 0; time < 2; time += 1) await told('POST', hot, repeated, body);
}

async function whatManagementRefuses(): Promise<void> {
  const form = TYPED_INTO_A_FORM;
  const channel = { provider: 'openai', baseUrl: 'https://api.example.com', keys: [form], models: ['demo-chat'] };
  await manage('POST', '/channels', { ...channel, baseUrl: `https://user:${form}@api.example.com` });
  await manage('POST', '/channels', { ...channel, baseUrl: `https://api.example.com/v1?key=${form}` });
  await manage('POST', '/channels', { ...channel, baseUrl: form });
  await manage('POST', '/channels', { ...channel, keys: [`${form} ${form}`] });
  await manage('POST', '/channels', { ...channel, keys: [form, form] });
  await manage('POST', '/channels', { ...channel, models: ['not-there'] });
  await manage('POST', '/channels', { ...channel, secret: form });
  await manage('POST', '/channels', { ...channel, keys: { first: form } });
  const headers = { authorization: `Bearer ${product.adminToken}` };
  await told('POST', '/api/v1/channels', headers, `{"keys": ["${form}"`);
  // A repetition is told what the first one was told, but for the credential.
  await manage('POST', '/api-keys', { orgId: await orgId() });
  for (const path of ['/channels', '/api-keys', '/audit', '/requests', '/organizations', '/openapi.json']) {
    await told('GET', `/api/v1${path}`, headers);
  }
  await told('GET', '/metrics', headers);
  await told('GET', '/readyz', {});
}

async function whileTheDatabaseIsDown(): Promise<void> {
  product.postgres.kill('SIGKILL');
  await ask(chat('demo-chat', '', false));
  await told('GET', '/v1/key', { authorization: `Bearer ${newCredential().credential}` });
  await told('GET', '/api/v1/organizations', { authorization: `Bearer ${product.adminToken}` });
  // What works on the database by itself has failed once, too.
  await until(() => product.output.join('').includes('caretaker_round_failed'));
  await product.postgres.restart();
  await until(async () => (await fetch(`${product.api}/readyz`)).status === 200);
  await until(async () => (await told('GET', '/v1/credits')).includes('balanceNano'));
}

test('the search finds a secret that was left: whole, cut short, in hex and in base64', () => {
  const secret = { key: randomBytes(20).toString('hex') };
  const bytes = Buffer.from(secret.key);
  for (const left of [secret.key, secret.key.slice(4), bytes.toString('hex'), bytes.toString('base64')]) {
    expect(leaksIn(`before ${left} after`, secret)).toEqual(['key']);
  }
  expect(leaksIn(`sk-...${secret.key.slice(-4)}`, secret)).toEqual([]);
});

test('the product was driven through what it was meant to be driven through', () => {
  expect(parrot.heard).toEqual(new Set([CHANNEL_KEYS.parrot, CHANNEL_KEYS['parrot-claude']]));
  const statuses = new Set(answers.map((answer) => Number(/,(\d{3}),/.exec(answer)?.[1])));
  expect([...statuses].sort()).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 409, 422, 502, 503]));
  expect(product.output.join('')).toMatch(/"level":50/);
});

test('no answer holds a secret', () => {
  const { prompt: _, ...kept } = secrets; // the answer to a request may speak of its prompt
  for (const answer of answers) expect([answer, leaksIn(answer, kept)]).toEqual([answer, []]);
});

test('no line of output holds a secret or a prompt', () => {
  for (const line of product.output.join('').split('\n')) expect([line, leaksIn(line, secrets)]).toEqual([line, []]);
});

test('no table holds a secret or a prompt in the clear, and the sealed ones are there', async () => {
  const tables = await rowsOfAllTables(product.admin);
  for (const [table, text] of tables) expect([table, leaksIn(text, secrets)]).toEqual([table, []]);
  expect(tables.get('channel_keys')).toContain('"wrapped"');
  expect(tables.get('api_keys')?.length).toBeGreaterThan(0);
});

test('no journal holds a secret or a prompt', () => {
  expect(leaksIn(textOfFolder(product.journalDir), secrets)).toEqual([]);
});
