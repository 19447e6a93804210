// The hot path takes API keys and nothing else, under every spelling of its paths: a caller without a good key is refused in the
// format of its client, before its body is read, and no upstream hears of it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HOT_SPELLINGS } from '../../../api/proxy/hot-routes.ts';
import { newCredential } from '../../../services/api-keys/credential.ts';
import { type RunningProduct, startRunningProduct } from '../../support/running-product.ts';

let product: RunningProduct;

beforeAll(async () => {
  product = await startRunningProduct();
});
afterAll(() => product.stop());

const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` });

/** Who asks, with which headers, and what is told. */
const REFUSED: readonly (readonly [caller: string, headers: () => Record<string, string>, code: string])[] = [
  ['nobody', () => ({}), 'missing_api_key'],
  ['an empty bearer', () => ({ authorization: 'Bearer ' }), 'api_key_in_wrong_header'],
  ['garbage', () => bearer('\u00ff{"$ne":null}'), 'invalid_api_key'],
  ['a key that nobody made', () => bearer(newCredential().credential), 'invalid_api_key'],
  ['a key with a typing error', () => bearer(`${product.customerKey.slice(0, -1)}_`), 'invalid_api_key'],
  ['the admin token', () => bearer(product.adminToken), 'invalid_api_key'],
  ['the admin token as an API key', () => ({ 'x-api-key': product.adminToken }), 'invalid_api_key'],
  ['a key in a header that is not read', () => ({ 'api-key': product.customerKey }), 'api_key_in_wrong_header'],
  ['a key without Bearer', () => ({ authorization: product.customerKey }), 'api_key_in_wrong_header'],
  ['a key in a cookie', () => ({ cookie: `api_key=${product.customerKey}` }), 'missing_api_key'],
];

test.each(HOT_SPELLINGS)('%s refuses everybody without a good API key', async (path) => {
  for (const [caller, headers, code] of REFUSED) {
    const answer = await post(path, headers());
    const { error } = (await answer.json()) as { error: { type: string; code?: string; message: string } };
    expect([caller, answer.status]).toEqual([caller, 401]);
    if (path.includes('/messages')) expect([caller, error.type]).toEqual([caller, 'authentication_error']);
    else expect([caller, error.code]).toEqual([caller, code]);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(error.message).toContain(answer.headers.get('x-request-id'));
  }
});

test.each(['authorization', 'x-api-key', 'x-goog-api-key'])('a good key in %s is let in everywhere', async (header) => {
  for (const path of HOT_SPELLINGS) {
    const credential = header === 'authorization' ? `Bearer ${product.customerKey}` : product.customerKey;
    const { status } = await post(path, { [header]: credential });
    // An empty object is no request: what matters is that it was read.
    expect([path, status]).toEqual([path, 400]);
  }
});

test('no other method is let in where the hot path is', async () => {
  for (const path of HOT_SPELLINGS) {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await fetch(product.api + path, { method, headers: bearer(product.customerKey) });
      await answer.arrayBuffer();
      expect([method, path, answer.status, answer.headers.get('allow')]).toEqual([method, path, 405, 'POST']);
    }
  }
});

test('nobody who was refused has reached an upstream', async () => {
  const { attempts } = (await (await fetch(`${product.demoProvider}/meter`)).json()) as { attempts: object };
  expect(attempts).toEqual({});
});

function post(path: string, headers: Record<string, string>): Promise<Response> {
  return fetch(product.api + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{}',
  });
}
