// A mail as people and tests want it. Parsed when somebody looks: receiving must not depend on what a mail holds.
import { simpleParser } from 'mailparser';
import type { StoredMail } from './mailbox.ts';

export interface ReadMail {
  readonly id: string;
  readonly at: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly messageId: string | null;
  readonly subject: string;
  /** In their order, as they came but unfolded. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly text: string | null;
  readonly html: string | null;
}

const alreadyRead = new WeakMap<StoredMail, Promise<ReadMail>>();

export function readMail(mail: StoredMail): Promise<ReadMail> {
  const reading = alreadyRead.get(mail) ?? parse(mail);
  alreadyRead.set(mail, reading);
  return reading;
}

async function parse({ raw, ...envelope }: StoredMail): Promise<ReadMail> {
  const parsed = await simpleParser(Buffer.from(raw, 'base64'), { skipTextToHtml: true });
  return {
    ...envelope,
    messageId: parsed.messageId ?? null,
    subject: parsed.subject ?? '',
    headers: parsed.headerLines.map(({ line }) => headerOf(line)),
    text: parsed.text ?? null,
    html: parsed.html || null,
  };
}

function headerOf(line: string): { name: string; value: string } {
  const colon = line.indexOf(':');
  return {
    name: line.slice(0, colon),
    value: line
      .slice(colon + 1)
      .replace(/\r?\n\s+/g, ' ')
      .trim(),
  };
}
