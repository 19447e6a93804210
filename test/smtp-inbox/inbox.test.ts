// What is sent to the inbox is found in it as it was sent, by tests as JSON and by people on its page, and nothing in a mail
// can do anything to who looks at it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { end, type InboxProcess, mails, send, startInbox, subjectsOf } from './inbox-process.ts';

let dataDir: string;
let inbox: InboxProcess;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tollgate-inbox-'));
  inbox = await startInbox(dataDir);
});
afterAll(async () => {
  await end(inbox, 'SIGTERM');
  rmSync(dataDir, { recursive: true });
});
beforeEach(async () => {
  await fetch(`${inbox.url}/api/mails`, { method: 'DELETE' });
});

async function pageOf(path: string): Promise<{ status: number; html: string; policy: string | null }> {
  const answer = await fetch(`${inbox.url}${path}`);
  return { status: answer.status, html: await answer.text(), policy: answer.headers.get('content-security-policy') };
}

test('a mail is found as it was sent, in either language, with its Message-ID and its headers', async () => {
  await send(inbox, {
    to: 'wang@customer.example',
    subject: '您的账户将于 24 小时后受限',
    text: '请付款 · please pay',
    html: '<p>请付款 <a href="https://tollgate.example/pay/1">pay</a></p>',
    messageId: '<remind-1@tollgate.example>',
    headers: { 'X-Tollgate-Event': 'dunning:inv_1:remind' },
  });

  expect(await mails(inbox)).toEqual([
    expect.objectContaining({
      from: 'billing@tollgate.example',
      to: ['wang@customer.example'],
      subject: '您的账户将于 24 小时后受限',
      messageId: '<remind-1@tollgate.example>',
      text: expect.stringContaining('请付款 · please pay'),
      html: expect.stringContaining('<a href="https://tollgate.example/pay/1">'),
      headers: expect.arrayContaining([{ name: 'X-Tollgate-Event', value: 'dunning:inv_1:remind' }]),
    }),
  ]);
});

test('recipients are those of the envelope, blind copies too', async () => {
  await send(inbox, { to: 'a@customer.example', bcc: 'archive@tollgate.example', subject: 'receipt' });

  const [mail] = await mails(inbox);

  expect(mail?.to).toEqual(['a@customer.example', 'archive@tollgate.example']);
  expect(JSON.stringify(mail?.headers)).not.toContain('archive@');
});

test('a list is of one recipient, or of what came since a moment', async () => {
  await send(inbox, { to: 'a@customer.example', subject: 'first' });
  await send(inbox, { to: 'b@customer.example', subject: 'second' });
  const [, second] = await mails(inbox);

  expect(subjectsOf(await mails(inbox, '?to=A@customer.example'))).toEqual(['first']);
  expect(subjectsOf(await mails(inbox, `?since=${second?.at}`))).toEqual(['second']);
  expect(subjectsOf(await mails(inbox, `?to=a@customer.example&since=${second?.at}`))).toEqual([]);
  await expect(mails(inbox, '?since=yesterday')).rejects.toThrow('400');
});

test('what was deleted is gone', async () => {
  await send(inbox, { to: 'a@customer.example', subject: 'first' });

  const answer = await fetch(`${inbox.url}/api/mails`, { method: 'DELETE' });

  expect(await answer.json()).toEqual({ deleted: 1 });
  expect(await mails(inbox)).toEqual([]);
});

test('the page lists the newest first and leads to each mail', async () => {
  await send(inbox, { to: 'a@customer.example', subject: 'older' });
  await send(inbox, { to: 'b@customer.example', subject: 'newer', html: '<b>pay &amp; go</b>' });

  const { html } = await pageOf('/');
  const ofOne = await pageOf('/?to=a@customer.example');
  const [, link = ''] = /<a href="(\/mails\/[^"]+)">newer</.exec(html) ?? [];
  const mail = await pageOf(link);

  expect(html.indexOf('newer')).toBeLessThan(html.indexOf('older'));
  expect([ofOne.html.includes('older'), ofOne.html.includes('newer')]).toEqual([true, false]);
  expect(mail.html).toContain('as agreed');
  expect(mail.html).toMatch(/<iframe [^>]*srcdoc="[^"]*&lt;b&gt;pay &amp;amp; go&lt;\/b&gt;/);
  expect(mail.html).toContain('<th>Message-ID</th>');
});

test('nothing in a mail runs, loads or escapes: not from its subject, not from its HTML', async () => {
  await send(inbox, {
    to: 'a@customer.example',
    subject: '<script>steal()</script>',
    html: '"></iframe><script>steal()</script><img src="https://tracker.example/1.gif">',
  });
  const [mail] = await mails(inbox);

  const pages = [await pageOf('/'), await pageOf(`/mails/${mail?.id}`)];

  for (const { html, policy } of pages) {
    expect(html).not.toContain('<script');
    expect(policy).toContain("default-src 'none'");
  }
  expect(pages[1]?.html).toMatch(/<iframe [^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"/);
});

test.each(['/mails/nobody', '/mails/', '/api/mail', '/../main.ts'])('%s is not there', async (path) => {
  const { status, html } = await pageOf(path);

  expect([status, html]).toEqual([404, expect.stringContaining('the inbox has no GET')]);
});

test('a message beyond ten megabytes is refused and not kept', async () => {
  const attachments = [{ filename: 'large.bin', content: Buffer.alloc(11_000_000) }];

  await expect(send(inbox, { to: 'a@customer.example', subject: 'large', attachments })).rejects.toThrow(/552|size/);

  expect(await mails(inbox)).toEqual([]);
});
