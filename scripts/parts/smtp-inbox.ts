// The mail part: where a fresh installation's mails go, a mail server that keeps them beside ours, sends none on, and shows them on
// a page.
import { join } from 'node:path';
import type { Launch } from './home.ts';
import { ownProgram } from './own-program.ts';
import { whyUnhealthy } from './readiness.ts';
import { SupervisedProcess } from './supervised-process.ts';

const HOST = '127.0.0.1';
const PROGRAM = 'test/support/smtp-inbox/main.ts';

export interface SmtpInbox {
  /** Of its page. */
  readonly url: string;
  readonly smtpUrl: string;
  readonly process: SupervisedProcess;
}

export async function startSmtpInbox(launch: Launch, pagePort: number, smtpPort: number): Promise<SmtpInbox> {
  const url = `http://${HOST}:${pagePort}`;
  const process = await SupervisedProcess.start(
    {
      part: 'inbox',
      ...ownProgram(launch, PROGRAM),
      env: {
        ...globalThis.process.env,
        HOST,
        PORT: String(pagePort),
        SMTP_PORT: String(smtpPort),
        INBOX_DATA_DIR: join(launch.home, 'inbox'),
      },
      graceMs: 10_000,
      readyWithinMs: 30_000,
      missing: () => whyUnhealthy(url, '/livez'),
    },
    launch,
  );
  return { url, smtpUrl: `smtp://${HOST}:${smtpPort}`, process };
}
