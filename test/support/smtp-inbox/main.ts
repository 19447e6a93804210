// The SMTP inbox as a process of its own. Its one line on stdout says where it listens; whoever started it waits for that.
import { startSmtpInbox } from './server.ts';

const { INBOX_DATA_DIR, HOST = '127.0.0.1', PORT = '0', SMTP_PORT = '0' } = process.env;
if (INBOX_DATA_DIR === undefined || INBOX_DATA_DIR === '') {
  throw new Error('Cannot start: INBOX_DATA_DIR is not set (the folder of its mails)');
}
for (const [name, value] of Object.entries({ PORT, SMTP_PORT })) {
  if (!/^\d{1,5}$/.test(value)) throw new Error(`Cannot start: ${name}=${value} is not a port`);
}

const inbox = await startSmtpInbox({
  host: HOST,
  smtpPort: Number(SMTP_PORT),
  pagePort: Number(PORT),
  dataDir: INBOX_DATA_DIR,
});
process.stdout.write(`smtp inbox listening on ${inbox.smtpUrl} with its page on ${inbox.url}\n`);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (!stopping) void inbox.close();
    stopping = true;
  });
}
