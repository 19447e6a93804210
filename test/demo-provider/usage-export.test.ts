// Costs that no gateway saw are imported from this export: every ended attempt is in it once, and no open one.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  begin,
  endedAttempt,
  exportPage,
  HELLO,
  meter,
  type RunningProvider,
  runProvider,
  send,
} from './demo-client.ts';

let provider: RunningProvider;
beforeAll(async () => {
  provider = await runProvider();
});
afterAll(() => provider.close());

const WHOLE = { model: 'demo-chat', messages: HELLO };

test('pages hold every ended attempt once, in the order of ending, with the usage of the meter', async () => {
  const body = { ...WHOLE, stream: true };
  const first = await begin(provider.url, { body, attemptId: 'begun-first.1', fault: 'stall=100' });
  for (let number = 0; number < 5; number++) await send(provider.url, { body: WHOLE, attemptId: `order-${number}.1` });
  await endedAttempt(provider.url, 'order-4.1');
  first.destroy();
  await endedAttempt(provider.url, 'begun-first.1');

  const rows = [];
  let cursor = '0';
  for (let page = await exportPage(provider.url, cursor, 4); page.rows.length > 0; ) {
    expect(page.rows.length).toBeLessThanOrEqual(4);
    rows.push(...page.rows);
    cursor = page.cursor;
    page = await exportPage(provider.url, cursor, 4);
  }
  const attempts = await meter(provider.url);
  expect(rows.map((row) => row.attemptId).toSorted()).toEqual(Object.keys(attempts).toSorted());
  expect(rows.at(-1)?.attemptId).toBe('begun-first.1');
  for (const row of rows) {
    expect(attempts[row.attemptId]).toEqual({ model: row.model, usage: row.usage, ended: true, at: row.endedAt });
  }
});

test('a request under way holds oldestOpenAt back, from its arrival on, though nothing of it is metered yet', async () => {
  const before = Date.now();
  const left = new AbortController();
  const headers = {
    authorization: 'Bearer demo-a',
    'x-tollgate-attempt-id': 'waiting.1',
    'x-demo-fault': 'latency=99999',
  };
  const url = `${provider.url}/v1/chat/completions`;
  const asked = fetch(url, { method: 'POST', headers, body: JSON.stringify(WHOLE), signal: left.signal });
  let page = await exportPage(provider.url, '0', 1000);
  while (page.oldestOpenAt === null) page = await exportPage(provider.url, '0', 1000);
  expect(page.oldestOpenAt).toBeGreaterThanOrEqual(before);
  expect(page.oldestOpenAt).toBeLessThanOrEqual(page.asOf);
  expect(await meter(provider.url)).not.toHaveProperty(['waiting.1']);
  left.abort();
  await expect(asked).rejects.toThrow('aborted');
  while (page.oldestOpenAt !== null) page = await exportPage(provider.url, '0', 1000);
});

test('an open stream is on the meter and not in the export', async () => {
  const body = { ...WHOLE, stream: true };
  const answer = await begin(provider.url, { body, attemptId: 'open.1', fault: 'tokens=100000,chunk-delay=2' });
  await new Promise((resolve) => answer.once('data', resolve));
  const { rows } = await exportPage(provider.url, '0', 1000);
  expect(rows.map((row) => row.attemptId)).not.toContain('open.1');
  expect((await meter(provider.url))['open.1']?.ended).toBe(false);
  answer.destroy();
  await endedAttempt(provider.url, 'open.1');
});

test('a cursor that this meter never gave is refused, and so is a page size it does not serve', async () => {
  await send(provider.url, { body: WHOLE, attemptId: 'some.1' });
  for (const query of ['after=7', 'after=999999999', 'after=x', 'limit=0', 'limit=1001', 'limit=x']) {
    expect((await fetch(`${provider.url}/usage-export?${query}`)).status).toBe(400);
  }
});
