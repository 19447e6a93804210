// Hands mails to a mail server, and says what became of each in the three words that the outbox knows. Only what the server says of
// this recipient or this text is final: a wrong password, a refused sender or a broken line is our matter, and passes (D51).
import { createTransport, type SendMailOptions } from 'nodemailer';

export interface OutgoingMail {
  readonly recipient: string;
  readonly messageId: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type SendOutcome =
  | { readonly kind: 'taken' }
  /** This one will never be: not by this recipient. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Not taken, or nobody knows. */
  | { readonly kind: 'not_taken'; readonly why: string };

export interface MailServer {
  /** smtp:// or smtps://, with user and password where it wants them. */
  readonly url: string;
  /** Tollgate <billing@tollgate.example> */
  readonly from: string;
}

/** Mails at once, over as many connections. */
export const MAILS_AT_ONCE = 4;

/** A session in PostgreSQL waits meanwhile, and may idle for a minute (scripts/parts/session-settings.ts). */
const SEND_WITHIN_MS = 30_000;
const STEP_WITHIN_MS = 10_000;
/** Shorter than servers keep an idle client. */
const IDLE_MS = 30_000;

export class MailSender {
  readonly #from: string;
  readonly #transport: ReturnType<typeof pooled>;

  constructor({ url, from }: MailServer) {
    this.#from = from;
    this.#transport = pooled(url);
  }

  async send(mail: OutgoingMail): Promise<SendOutcome> {
    if (!ONE_ADDRESS.test(mail.recipient)) return { kind: 'refused', why: 'this is not one mail address' };
    try {
      await this.#transport.sendMail({ ...this.#message(mail), signal: AbortSignal.timeout(SEND_WITHIN_MS) });
      return { kind: 'taken' };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { kind: isFinal(error) ? 'refused' : 'not_taken', why };
    }
  }

  close(): void {
    this.#transport.close();
  }

  #message({ recipient, messageId, subject, text, html }: OutgoingMail): SendMailOptions {
    return {
      from: this.#from,
      to: recipient,
      envelope: { from: addressOf(this.#from), to: [recipient] },
      messageId,
      subject: subject.replace(/\p{Cc}+/gu, ' '),
      text,
      html,
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
    };
  }
}

/** nodemailer would read more than one out of a list, a name in brackets or a broken line. */
const ONE_ADDRESS = /^[^\s\p{Cc}<>(),;:"@[\]\\]+@[^\s\p{Cc}<>(),;:"@[\]\\]+$/u;

function pooled(url: string) {
  return createTransport({
    url,
    pool: true,
    maxConnections: MAILS_AT_ONCE,
    // Left to itself the pool sends again what broke off, and knows no end of copies: repeating is the outbox's (D50).
    maxRequeues: 0,
    idleTimeout: IDLE_MS,
    dnsTimeout: STEP_WITHIN_MS,
    connectionTimeout: STEP_WITHIN_MS,
    greetingTimeout: STEP_WITHIN_MS,
    socketTimeout: STEP_WITHIN_MS,
  });
}

/** The bare address of `Tollgate <billing@tollgate.example>`. */
export function addressOf(mailbox: string): string {
  return /<([^<>]+)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim();
}

const OF_THIS_MAIL: ReadonlySet<unknown> = new Set(['RCPT TO', 'DATA']);

function isFinal(error: unknown): boolean {
  const { code, command, responseCode } = error as { code?: string; command?: string; responseCode?: number };
  // Without an answer: the address cannot be put on an envelope at all.
  if (responseCode === undefined) return code === 'EENVELOPE';
  return OF_THIS_MAIL.has(command) && responseCode >= 500 && responseCode !== WRONG_MOMENT;
}

/** "Bad sequence of commands": of the session, not of the mail. */
const WRONG_MOMENT = 503;
