// What a mail server's answers mean for a mail, and that a mail is exactly what it was meant to be: from us, to one, with nothing in
// its head that somebody else has written there.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { MailSender, type OutgoingMail, type SendOutcome } from '../../../services/notifications/mail-sender.ts';
import { end, type InboxProcess, mails, orderFault, startInbox } from '../../smtp-inbox/inbox-process.ts';
import { freePort } from '../../support/free-port.ts';

const FROM = 'Tollgate <billing@tollgate.example>';
const MAIL: OutgoingMail = {
  recipient: 'owner@acme.example',
  messageId: '<0a@tollgate.example>',
  subject: '您的“Pro 套餐”已续费',
  text: '感谢您的付款。',
  html: '<p>感谢您的付款。</p>',
};

let dataDir: string;
let inbox: InboxProcess;
let sender: MailSender;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tollgate-inbox-'));
  inbox = await startInbox(dataDir);
  sender = new MailSender({ url: inbox.smtpUrl, from: FROM });
});
afterAll(async () => {
  sender.close();
  await end(inbox, 'SIGTERM');
  rmSync(dataDir, { recursive: true });
});
beforeEach(async () => {
  await fetch(`${inbox.url}/api/mails`, { method: 'DELETE' });
  await orderFault(inbox, { fault: null });
});

/** As it went over the wire: the last one. */
function rawMail(): string {
  const lines = readFileSync(join(dataDir, 'mails.jsonl'), 'utf8').trim().split('\n');
  return Buffer.from((JSON.parse(lines.at(-1) ?? '{}') as { raw: string }).raw, 'base64').toString('utf8');
}

/** Of a server that answers one of its steps with this. */
async function outcomeAt(
  step: 'onAuth' | 'onConnect' | 'onData' | 'onMailFrom' | 'onRcptTo',
  status: number,
): Promise<SendOutcome> {
  const no = Object.assign(new Error('no'), { responseCode: status });
  const refusal: SMTPServerOptions =
    step === 'onData'
      ? { onData: (stream, _session, callback) => void stream.resume().once('end', () => callback(no)) }
      : { [step]: (...given: unknown[]) => (given.at(-1) as (error: Error) => void)(no) };
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authOptional: true,
    disableReverseLookup: true,
    onAuth: (_auth, _session, callback) => callback(null, { user: 'tollgate' }),
    ...refusal,
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  const asking = new MailSender({ url: `smtp://tollgate:word@127.0.0.1:${port}`, from: FROM });
  const outcome = await asking.send(MAIL);
  asking.close();
  await new Promise<void>((resolve) => server.close(resolve));
  return outcome;
}

test('a mail that is taken has its Message-ID, both bodies, and says that nobody wrote it by hand', async () => {
  const outcome = await sender.send(MAIL);

  const [mail] = await mails(inbox);
  expect(outcome).toEqual({ kind: 'taken' });
  expect(mail).toMatchObject({
    from: 'billing@tollgate.example',
    to: ['owner@acme.example'],
    messageId: MAIL.messageId,
    subject: MAIL.subject,
    html: expect.stringContaining('感谢您的付款'),
    headers: expect.arrayContaining([{ name: 'Auto-Submitted', value: 'auto-generated' }]),
  });
  expect(mail?.text?.trim()).toBe(MAIL.text);
  expect(mail?.headers.filter(({ name }) => /^list-/i.test(name))).toEqual([]);
});

test.each([
  ['onRcptTo', 550, 'refused'],
  ['onRcptTo', 450, 'not_taken'],
  ['onData', 554, 'refused'],
  ['onData', 451, 'not_taken'],
  ['onMailFrom', 550, 'not_taken'],
  ['onAuth', 535, 'not_taken'],
  ['onConnect', 554, 'not_taken'],
] as const)('an answer at %s of %i means that the mail is %s', async (step, status, kind) => {
  expect(await outcomeAt(step, status)).toMatchObject({ kind });
});

test('a mail whose 250 was lost is not sent a second time behind our back', async () => {
  await orderFault(inbox, { fault: { kind: 'drop', kept: true }, times: 1 });

  const outcome = await sender.send(MAIL);

  expect(outcome).toMatchObject({ kind: 'not_taken' });
  expect((await mails(inbox)).length).toBe(1);
});

test('a server that is not there has not taken it', async () => {
  const lost = new MailSender({ url: `smtp://127.0.0.1:${await freePort()}`, from: FROM });

  expect(await lost.send(MAIL)).toMatchObject({ kind: 'not_taken' });
  lost.close();
});

test('line breaks in a name add no header and no recipient', async () => {
  const name = 'Acme\r\nBcc: all@evil.example\r\n\r\n<script>\u0000\n';

  await sender.send({ ...MAIL, subject: `Decide: ${name}has not paid` });

  const [mail] = await mails(inbox);
  const head = rawMail().split('\r\n\r\n')[0] ?? '';
  expect(mail?.to).toEqual(['owner@acme.example']);
  expect(mail?.subject).toBe('Decide: Acme Bcc: all@evil.example <script> has not paid');
  expect(head).not.toMatch(/^bcc:/im);
});

test.each([
  'owner@acme.example\r\nRCPT TO:<all@evil.example>',
  'owner@acme.example>\r\nDATA',
  'owner@acme.example, all@evil.example',
  'Acme <all@evil.example>',
  'nobody',
])('what is not one address goes to nobody: %j', async (recipient) => {
  const outcome = await sender.send({ ...MAIL, recipient });

  expect(outcome).toMatchObject({ kind: 'refused' });
  expect(await mails(inbox)).toEqual([]);
});
