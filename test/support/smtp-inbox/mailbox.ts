// Mails on disk, one line of JSON each, appended and flushed before the sender is told 250: a kill -9 loses none that was
// taken. A line that a kill has torn was never acknowledged; it is dropped at the next start.
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface StoredMail {
  readonly id: string;
  /** ISO 8601 */
  readonly at: string;
  /** Of the envelope; empty for a bounce. */
  readonly from: string;
  readonly to: readonly string[];
  /** The message as it came, in base64: it may hold any bytes. */
  readonly raw: string;
}

export interface MailFilter {
  readonly to: string | null;
  /** ISO 8601; what came at that moment is in. */
  readonly since: string | null;
}

export class Mailbox {
  #mails: StoredMail[];
  readonly #file: number;

  constructor(mails: StoredMail[], file: number) {
    this.#mails = mails;
    this.#file = file;
  }

  /** On disk when it returns. */
  store(envelope: Pick<StoredMail, 'from' | 'to'>, message: Buffer): void {
    const mail = { id: randomUUID(), at: new Date().toISOString(), ...envelope, raw: message.toString('base64') };
    writeSync(this.#file, `${JSON.stringify(mail)}\n`);
    fsyncSync(this.#file);
    this.#mails.push(mail);
  }

  /** In the order in which they came. */
  list({ to, since }: MailFilter): StoredMail[] {
    return this.#mails.filter(
      (mail) =>
        (to === null || mail.to.some((recipient) => recipient.toLowerCase() === to.toLowerCase())) &&
        (since === null || Date.parse(mail.at) >= Date.parse(since)),
    );
  }

  find(id: string): StoredMail | undefined {
    return this.#mails.find((mail) => mail.id === id);
  }

  /** How many there were. */
  empty(): number {
    const removed = this.#mails.length;
    ftruncateSync(this.#file);
    fsyncSync(this.#file);
    this.#mails = [];
    return removed;
  }

  close(): void {
    closeSync(this.#file);
  }
}

export function openMailbox(dataDir: string): Mailbox {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'mails.jsonl');
  const file = openSync(path, 'a');
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  ftruncateSync(file, Buffer.byteLength(whole));
  // The name of a new file is on disk only once its folder is.
  const folder = openSync(dataDir, 'r');
  fsyncSync(folder);
  closeSync(folder);
  const lines = whole.split('\n').filter((line) => line !== '');
  return new Mailbox(
    lines.map((line) => JSON.parse(line) as StoredMail),
    file,
  );
}
