// The inbox as a process of its own, and a mail program that sends to it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createTransport, type SendMailOptions } from 'nodemailer';
import type { ReadMail } from '../support/smtp-inbox/read-mail.ts';

const MAIN = fileURLToPath(new URL('../support/smtp-inbox/main.ts', import.meta.url));

export interface InboxProcess {
  readonly smtpUrl: string;
  readonly url: string;
  readonly child: ChildProcess;
  readonly stdout: () => string;
}

export async function startInbox(dataDir: string): Promise<InboxProcess> {
  const env = { PATH: process.env.PATH, INBOX_DATA_DIR: dataDir };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the inbox ended with ${code}`)));
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      if (stdout.endsWith('\n')) resolve();
    });
  });
  const [, smtpUrl = '', url = ''] = /on (smtp:\S+) with its page on (http:\S+)\n$/.exec(stdout) ?? [];
  return { smtpUrl, url, child, stdout: () => stdout };
}

export async function end({ child }: InboxProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = await exit;
  return code;
}

export interface Mail extends SendMailOptions {
  readonly to: string;
  readonly subject: string;
}

/** Answers with what the server said; rejects as nodemailer does. */
export async function send({ smtpUrl }: InboxProcess, mail: Mail): Promise<string> {
  const transport = createTransport(smtpUrl);
  try {
    return (await transport.sendMail({ from: 'billing@tollgate.example', text: 'as agreed', ...mail })).response;
  } finally {
    transport.close();
  }
}

export async function mails({ url }: InboxProcess, query = ''): Promise<ReadMail[]> {
  const answer = await fetch(`${url}/api/mails${query}`);
  if (answer.status !== 200) throw new Error(`the inbox answers ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as ReadMail[];
}

export async function orderFault({ url }: InboxProcess, order: unknown): Promise<Response> {
  return await fetch(`${url}/_test/fault`, { method: 'POST', body: JSON.stringify(order) });
}

export function subjectsOf(list: readonly ReadMail[]): string[] {
  return list.map(({ subject }) => subject);
}
