// What an organization's plan allows and what it costs, as its clients meet it: Free has basic models, pay as you go costs a twentieth more
// than list price, and who has agreed on no plan has everything at list price. A sub-account of an enterprise may have a price of its own, and lists of
// the addresses that it is called from.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningProduct, startRunningProduct } from '../../support/running-product.ts';
import { until } from '../../support/until.ts';

let product: RunningProduct;

beforeAll(async () => {
  product = await startRunningProduct();
});
afterAll(() => product.stop());

type Fields = Readonly<Record<string, unknown>>;

async function manage(method: string, path: string, body?: object): Promise<Fields> {
  const answer = await fetch(`${product.api}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json', 'if-match': '*' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Fields;
}

async function customerOn(plan: string | null): Promise<{ orgId: string; credential: string }> {
  const orgId = String((await manage('POST', '/organizations', { name: `on ${plan}` })).id);
  await manage('PATCH', `/organizations/${orgId}`, { plan });
  await manage('POST', '/grants', { orgId, amountNano: '1000000000' });
  return { orgId, credential: String((await manage('POST', '/api-keys', { orgId })).credential) };
}

const message = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 20 };

async function ask(
  credential: string,
  path: string,
  body: object,
): Promise<{ status: number; error: Fields; requestId: string }> {
  const answer = await fetch(product.api + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { error = {} } = (await answer.json()) as { error?: Fields };
  return { status: answer.status, error, requestId: answer.headers.get('x-request-id') ?? '' };
}

async function listed(credential: string): Promise<string[]> {
  const answer = await fetch(`${product.api}/v1/models`, { headers: { authorization: `Bearer ${credential}` } });
  const { data } = (await answer.json()) as { data: { id: string }[] };
  return data.map(({ id }) => id).toSorted();
}

test('Free is given basic models and refused all others, each in the words of its client, and is charged nothing for it', async () => {
  const { orgId, credential } = await customerOn('free');

  const basic = await ask(credential, '/v1/chat/completions', { model: 'demo-mini', ...message });
  const openai = await ask(credential, '/v1/chat/completions', { model: 'demo-chat', ...message });
  const responses = await ask(credential, '/v1/responses', { model: 'demo-chat', input: 'hello' });
  const anthropic = await ask(credential, '/v1/messages', { model: 'demo-claude', ...message });

  expect(basic.status).toBe(200);
  for (const refused of [openai, responses]) {
    expect(refused).toMatchObject({ status: 403, error: { type: 'invalid_request_error', code: 'model_not_allowed' } });
  }
  expect(anthropic).toMatchObject({ status: 403, error: { type: 'permission_error' } });
  expect(String(openai.error.message)).toContain('basic models');
  const { data } = (await manage('GET', `/requests?orgId=${orgId}`)) as { data: unknown[] };
  expect(data).toHaveLength(1);
});

test('GET /v1/models lists what the plan includes, and all of it within moments of a change of plan', async () => {
  const { orgId, credential } = await customerOn('free');
  const onFree = await listed(credential);

  await manage('PATCH', `/organizations/${orgId}`, { plan: 'pay_as_you_go' });
  await until(async () => (await listed(credential)).includes('demo-chat'));

  expect(onFree).toEqual(['demo-embed', 'demo-mini']);
  expect((await ask(credential, '/v1/chat/completions', { model: 'demo-chat', ...message })).status).toBe(200);
});

test('which models are basic is data: one that becomes basic is answered on Free', async () => {
  const { credential } = await customerOn('free');
  await manage('PATCH', '/models/demo-reasoner', { basic: true });

  await until(async () => (await listed(credential)).includes('demo-reasoner'));
  const answer = await ask(credential, '/v1/chat/completions', { model: 'demo-reasoner', ...message });
  await manage('PATCH', '/models/demo-reasoner', { basic: false });

  expect(answer.status).toBe(200);
});

test.each([
  [null, 1_000_000n],
  ['pay_as_you_go', 1_050_000n],
])(
  'an organization on plan %s is charged %s millionths of list price, and its receipt says both',
  async (plan, ppm) => {
    const { credential } = await customerOn(plan);

    const { requestId } = await ask(credential, '/v1/chat/completions', { model: 'demo-chat', ...message });

    const receipt = await manage('GET', `/requests/${requestId}`);
    const rated = BigInt(String(receipt.ratedNano));
    expect(rated).toBeGreaterThan(0n);
    const due = String((rated * ppm + 999_999n) / 1_000_000n);
    const rate =
      plan === null
        ? { beyondIncludedNano: null, beyondIncludedPpm: null }
        : { beyondIncludedNano: String(rated), beyondIncludedPpm: Number(ppm) };
    expect(receipt).toMatchObject({ dueNano: due, chargeNano: due, ...rate });
  },
);

async function enterpriseAt(
  priceOfListPpm: number,
): Promise<{ orgId: string; projectId: string; inProject: string; beside: string }> {
  const orgId = String((await manage('POST', '/organizations', { name: 'enterprise' })).id);
  await manage('POST', '/grants', { orgId, amountNano: '1000000000' });
  await manage('POST', `/organizations/${orgId}/contract`, {
    creditLineCents: 1_000,
    priceOfListPpm,
    reason: 'as agreed',
  });
  const projectId = String((await manage('POST', '/projects', { orgId, name: 'Support' })).id);
  const inProject = String((await manage('POST', '/api-keys', { orgId, projectId })).credential);
  return { orgId, projectId, inProject, beside: String((await manage('POST', '/api-keys', { orgId })).credential) };
}

async function receiptOf(credential: string): Promise<Fields> {
  const { status, requestId } = await ask(credential, '/v1/chat/completions', { model: 'demo-chat', ...message });
  expect(status).toBe(200);
  return manage('GET', `/requests/${requestId}`);
}

function expectCharged({ ratedNano, ...receipt }: Fields, ppm: bigint): void {
  const due = String((BigInt(String(ratedNano)) * ppm + 999_999n) / 1_000_000n);
  expect(receipt).toMatchObject({ dueNano: due, chargeNano: due, beyondIncludedPpm: Number(ppm) });
}

test('a sub-account is charged its own price to the nano, keys beside it the agreed one; another price counts within moments', async () => {
  const { projectId, inProject, beside } = await enterpriseAt(913_337);
  const priced = (priceOfListPpm: number | null) =>
    manage('POST', `/projects/${projectId}/prices`, { priceOfListPpm, reason: 'as agreed' });
  expectCharged(await receiptOf(inProject), 913_337n);

  await priced(731_057);
  await until(async () => (await receiptOf(inProject)).beyondIncludedPpm === 731_057);
  expectCharged(await receiptOf(inProject), 731_057n);
  expectCharged(await receiptOf(beside), 913_337n);
  await priced(null);
  await until(async () => (await receiptOf(inProject)).beyondIncludedPpm === 913_337);

  expectCharged(await receiptOf(inProject), 913_337n);
});

test('from an address that the sub-account or the organization does not list its keys are refused within moments, in whose words; other keys are not', async () => {
  const { orgId, projectId, inProject, beside } = await enterpriseAt(900_000);
  const call = (credential: string) => ask(credential, '/v1/chat/completions', { model: 'demo-chat', ...message });
  const statuses = async () => [(await call(inProject)).status, (await call(beside)).status].join();
  const lists = (path: string, allowedAddresses: readonly string[] | null) =>
    manage('PATCH', path, { allowedAddresses });
  const ofProject = `/projects/${projectId}`;
  const ofAll = `/organizations/${orgId}/allowed-addresses`;

  await lists(ofProject, ['203.0.113.0/24']);
  await until(async () => (await statuses()) === '403,200');
  const foreignToProject = await call(inProject);
  await lists(ofAll, ['127.0.0.0/8']);
  await lists(ofProject, ['127.0.0.1', '203.0.113.0/24']);
  await until(async () => (await statuses()) === '200,200');
  await lists(ofAll, ['203.0.113.0/24']);
  await until(async () => (await statuses()) === '403,403');
  const foreignToAll = await call(beside);
  await lists(ofAll, null);
  await until(async () => (await statuses()) === '200,200');

  expect(foreignToProject.error).toMatchObject({ code: 'ip_not_allowed' });
  expect(foreignToProject.error.message).toContain('sub-account');
  expect(foreignToAll.error.message).toContain('all API keys of your organization');
});
