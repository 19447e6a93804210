// The SMTP inbox: a mail server that takes every mail, sends none on, and shows them on a page. It fails in the ways in which real
// ones do when it is asked to, and shares no code with the product whose mails it gets.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { FaultOrder } from './faults.ts';
import { openMailbox } from './mailbox.ts';
import { answer } from './page-routes.ts';
import { smtpServer } from './receive.ts';

export interface SmtpInboxOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly smtpPort: number;
  readonly pagePort: number;
  readonly dataDir: string;
}

export interface SmtpInbox {
  /** smtp://127.0.0.1:1025 */
  readonly smtpUrl: string;
  /** Of the page and of the JSON. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startSmtpInbox({ host, smtpPort, pagePort, dataDir }: SmtpInboxOptions): Promise<SmtpInbox> {
  const mailbox = openMailbox(dataDir);
  const faults = new FaultOrder();
  const smtp = smtpServer(mailbox, faults);
  const page = createServer((request, response) => void answer({ mailbox, faults }, request, response));
  smtp.listen(smtpPort, host);
  await once(smtp.server, 'listening');
  page.listen(pagePort, host);
  await once(page, 'listening');
  return {
    smtpUrl: `smtp://${host}:${portOf(smtp.server)}`,
    url: `http://${host}:${portOf(page)}`,
    async close() {
      await Promise.all([new Promise<void>((resolve) => smtp.close(resolve)), closed(page)]);
      mailbox.close();
    },
  };
}

function portOf(server: NetServer): number {
  return (server.address() as AddressInfo).port;
}

async function closed(page: Server): Promise<void> {
  const gone = once(page, 'close');
  page.close();
  page.closeAllConnections();
  await gone;
}
