// The ways in which a mail server fails its sender, and that a mail which was acknowledged is there whatever happens to the server.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { end, type InboxProcess, mails, orderFault, send, startInbox, subjectsOf } from './inbox-process.ts';

let dataDir: string;
let inbox: InboxProcess;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tollgate-inbox-'));
  inbox = await startInbox(dataDir);
});
afterEach(async () => {
  await end(inbox, 'SIGKILL');
  rmSync(dataDir, { recursive: true });
});

const MAIL = { to: 'a@customer.example', subject: 'remind', messageId: '<remind-1@tollgate.example>' };

test.each([451, 550])(
  'a refusal with %i is heard as such, leaves nothing, and ends after as many mails as were ordered',
  async (status) => {
    await orderFault(inbox, { fault: { kind: 'refuse', status }, times: 2 });

    await expect(send(inbox, MAIL)).rejects.toMatchObject({ responseCode: status });
    await expect(send(inbox, MAIL)).rejects.toMatchObject({ responseCode: status });
    expect(await mails(inbox)).toEqual([]);

    expect(await send(inbox, MAIL)).toMatch(/^250 /);
  },
);

test('without a number a fault holds until it is ended', async () => {
  await orderFault(inbox, { fault: { kind: 'refuse', status: 421 } });
  for (let sent = 0; sent < 3; sent += 1) await expect(send(inbox, MAIL)).rejects.toMatchObject({ responseCode: 421 });

  await orderFault(inbox, { fault: null });

  expect(await send(inbox, MAIL)).toMatch(/^250 /);
});

test.each([
  [true, 2],
  [false, 1],
])(
  'a connection that breaks before the 250 looks the same to the sender, whether the mail was kept or not (%s)',
  async (kept, copies) => {
    await orderFault(inbox, { fault: { kind: 'drop', kept }, times: 1 });

    const failure = await send(inbox, MAIL).catch((error: Error & { responseCode?: number }) => error);
    expect(failure).toMatchObject({ message: expect.stringMatching(/closed|ECONNRESET/i) });
    expect((failure as { responseCode?: number }).responseCode).toBeUndefined();
    await send(inbox, MAIL);

    const found = await mails(inbox);
    expect(found.map(({ messageId }) => messageId)).toEqual(Array(copies).fill(MAIL.messageId));
  },
);

test('a delayed answer comes after the mail is there', async () => {
  await orderFault(inbox, { fault: { kind: 'delay', ms: 300 }, times: 1 });
  let isAnswered = false;
  const sending = send(inbox, MAIL).finally(() => {
    isAnswered = true;
  });

  await until(async () => (await mails(inbox)).length === 1);

  expect(isAnswered).toBe(false);
  expect(await sending).toMatch(/^250 /);
});

test.each([
  [{ fault: { kind: 'refuse', status: 200 } }, 'status must be from 400 to 599'],
  [{ fault: { kind: 'drop' } }, 'kept must be true or false'],
  [{ fault: { kind: 'delay', ms: 0 } }, 'ms must be above 0'],
  [{ fault: { kind: 'burn' } }, 'kind must be refuse, drop or delay'],
  [{ fault: null, time: 2 }, 'unknown: time'],
  [{ fault: null, times: 0 }, 'times must be a number from 1 on'],
  ['refuse', 'an object with a fault is needed'],
])('an order that means nothing is refused: %j', async (order, error) => {
  const answer = await orderFault(inbox, order);

  expect([answer.status, await answer.json()]).toEqual([400, { error }]);
  expect(await send(inbox, MAIL)).toMatch(/^250 /);
});

test('killed by SIGKILL in the middle of many mails, it has every one that was answered with 250', async () => {
  const acknowledged: string[] = [];
  const senders = Array.from({ length: 8 }, async (_, sender) => {
    for (let number = 0; ; number += 1) {
      const subject = `${sender}-${number}`;
      try {
        await send(inbox, { ...MAIL, subject });
        acknowledged.push(subject);
      } catch {
        return;
      }
    }
  });
  await until(() => acknowledged.length >= 40);
  await end(inbox, 'SIGKILL');
  await Promise.all(senders);

  inbox = await startInbox(dataDir);

  const found = new Set(subjectsOf(await mails(inbox)));
  expect(acknowledged.filter((subject) => !found.has(subject))).toEqual([]);
});

test('a mail that a kill has torn is dropped at the start, and the next ones are whole', async () => {
  await send(inbox, { ...MAIL, subject: 'before' });
  await end(inbox, 'SIGKILL');
  appendFileSync(join(dataDir, 'mails.jsonl'), '{"id":"torn","at":"2026-11-2');

  inbox = await startInbox(dataDir);
  await send(inbox, { ...MAIL, subject: 'after' });

  expect(subjectsOf(await mails(inbox))).toEqual(['before', 'after']);
  expect(readFileSync(join(dataDir, 'mails.jsonl'), 'utf8')).not.toContain('torn');
});

test('stdout is one line that says where it listens, and TERM ends it though a page is open', async () => {
  await mails(inbox);

  expect(await end(inbox, 'SIGTERM')).toBe(0);

  expect(inbox.stdout()).toMatch(
    /^smtp inbox listening on smtp:\/\/127\.0\.0\.1:\d+ with its page on http:\/\/127\.0\.0\.1:\d+\n$/,
  );
});
