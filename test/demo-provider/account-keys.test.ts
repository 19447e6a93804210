// The demo provider's API for keys is as strict as a real one: keys have names, a value is told once, one that was deleted is refused at once and for good,
// also after a restart, and what was done although nobody heard of it stands in the list.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startDemoProvider } from '../support/demo-provider/server.ts';
import { begin, HELLO, type RunningProvider, runProvider } from './demo-client.ts';

const ADMIN_KEY = 'demo-admin-of-a-test';

let provider: RunningProvider;
beforeEach(async () => {
  provider = await runProvider();
});
afterEach(() => provider.close());

interface Told {
  readonly id: string;
  readonly name: string;
  readonly value?: string;
  readonly data: readonly Told[];
}

async function asked(method: string, path = '', body?: object | string, adminKey = ADMIN_KEY) {
  const answer = await fetch(`${provider.url}/admin/v1/api-keys${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, told: (await answer.json()) as Told };
}

async function statusWith(apiKey: string, url = provider.url): Promise<number | undefined> {
  const answer = await begin(url, { apiKey, body: { model: 'demo-chat', messages: HELLO } });
  answer.resume();
  return answer.statusCode;
}

test('a key is made under a name, told once, used, found by its name, and refused from the moment it is deleted', async () => {
  const { told: made } = await asked('POST', '', { name: 'one' });
  await asked('POST', '', { name: 'another' });
  const used = await statusWith(made.value ?? '');
  const { told: list } = await asked('GET', '?name=one');
  const gone = [(await asked('DELETE', `/${made.id}`)).status, (await asked('DELETE', `/${made.id}`)).status];

  expect(used).toBe(200);
  expect(list.data).toEqual([expect.objectContaining({ id: made.id, name: 'one' })]);
  expect(JSON.stringify(list)).not.toContain(made.value);
  expect(gone).toEqual([200, 404]);
  expect([
    await statusWith(made.value ?? ''),
    await statusWith('demo-issued-never'),
    await statusWith('demo-old'),
  ]).toEqual([...[401, 401, 200]]);
});

test('without an admin key, a name, or with a field that it does not know, nothing is made', async () => {
  const statuses = [
    await asked('POST', '', { name: 'one' }, 'demo-a'),
    await asked('POST', '', {}),
    await asked('POST', '', { name: '' }),
    await asked('POST', '', { name: 'one', scopes: [] }),
    await asked('POST', '', 'no JSON'),
    await asked('PATCH', '/one', { name: 'two' }),
  ].map(({ status }) => status);

  expect(statuses).toEqual([401, 400, 400, 400, 400, 404]);
  expect((await asked('GET')).told.data).toEqual([]);
});

test('what was made and deleted is so after a restart, and an answer that was lost has made its key', async () => {
  const { told: kept } = await asked('POST', '', { name: 'kept' });
  const { told: deleted } = await asked('POST', '', { name: 'deleted' });
  await asked('DELETE', `/${deleted.id}`);
  const fault = (spec: string | null) =>
    fetch(`${provider.url}/_demo/faults`, { method: 'POST', body: JSON.stringify({ keyPrefix: ADMIN_KEY, spec }) });
  await fault('cut=0');
  await expect(asked('POST', '', { name: 'lost' })).rejects.toThrow();
  await fault(null);
  const names = (await asked('GET')).told.data.map(({ name }) => name);

  const again = await startDemoProvider({ port: 0, dataDir: provider.dataDir });
  const statuses = await Promise.all([kept, deleted].map(({ value }) => statusWith(value ?? '', again.url)));
  await again.close();

  expect(names).toEqual(['kept', 'lost']);
  expect(statuses).toEqual([200, 401]);
});
