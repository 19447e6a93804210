// One mail at a time from its row to the mail server. The row stays locked while the server is talked to, so a worker that is killed
// holds nothing up, and at worst the mail is sent a second time under the same Message-ID (D50).
import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { Notice } from '../../domain/overdue-policy.ts';
import type { Log } from '../platform/log.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { addressOf, type MailSender, type MailServer, type SendOutcome } from './mail-sender.ts';
import type { MailSite } from './mails/content.ts';
import type { Locale, MailKind } from './mails/kinds.ts';
import { renderMail } from './mails/render.ts';
import { STAFF } from './outbox.ts';

export interface HandedOver {
  readonly orgId: string;
  readonly invoiceId: string;
  readonly notice: Notice;
  /** Billing time. */
  readonly handedOverAt: Date;
}

export interface DeliveryParts {
  readonly db: Pool;
  readonly sender: MailSender;
  readonly from: MailServer['from'];
  readonly staff: string;
  readonly site: MailSite;
  /** Of a dunning notice, in the transaction that records it. */
  onHandedOver(tx: PoolClient, handedOver: HandedOver): Promise<void>;
  readonly log: Log;
}

interface DueMail {
  readonly id: string;
  readonly eventKey: string;
  readonly orgId: string | null;
  readonly organization: string | null;
  readonly kind: MailKind;
  readonly recipient: string;
  readonly locale: Locale;
  readonly facts: unknown;
  readonly invoiceId: string | null;
  readonly notice: Notice | null;
}

/** Ten seconds, then twice as long each time. */
const LONGEST_PAUSE = '15 minutes';
const TRIED_FOR = '24 hours';
const LONGEST_ERROR = 500;

export class Deliveries {
  readonly #parts: DeliveryParts;
  readonly #domain: string;
  /** Taken by the server and not yet so in the books: what failed after the 250 is tried again without a second copy. */
  readonly #taken = new Set<string>();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#domain = addressOf(parts.from).split('@').at(-1) ?? 'localhost';
  }

  /** False: nothing is due that another process is not at. `found`: something is, and the mail server is asked. */
  async deliverNext(found: () => void = () => undefined): Promise<boolean> {
    const due: { mail: DueMail | null } = { mail: null };
    try {
      await inTransaction(this.#parts.db, async (tx) => {
        due.mail = await claimed(tx);
        if (due.mail === null) return;
        found();
        await this.#deliver(tx, due.mail);
      });
    } catch (error) {
      if (due.mail === null) throw error;
      await this.#failed(due.mail, error);
      return true;
    }
    if (due.mail !== null) this.#taken.delete(due.mail.id);
    return due.mail !== null;
  }

  async #deliver(tx: PoolClient, mail: DueMail): Promise<void> {
    const outcome = await this.#send(mail);
    if (outcome.kind !== 'taken') return this.#postpone(tx, mail, outcome);
    this.#taken.add(mail.id);
    const handedOverAt = await recordHandOver(tx, mail.id);
    const { orgId, invoiceId, notice } = mail;
    if (orgId !== null && invoiceId !== null && notice !== null) {
      await this.#parts.onHandedOver(tx, { orgId, invoiceId, notice, handedOverAt });
    }
  }

  async #send({ id, eventKey, kind, recipient, locale, facts, orgId, organization }: DueMail): Promise<SendOutcome> {
    if (this.#taken.has(id)) return { kind: 'taken' };
    const { sender, staff, site } = this.#parts;
    return sender.send({
      recipient: recipient === STAFF ? staff : recipient,
      messageId: `<${createHash('sha256').update(`${eventKey}\n${recipient}`).digest('hex')}@${this.#domain}>`,
      ...renderMail(kind, facts, locale, { ...site, orgId, organization }),
    });
  }

  async #postpone(db: Queryable, mail: DueMail, { kind, why }: Exclude<SendOutcome, { kind: 'taken' }>): Promise<void> {
    const hasGivenUp = await postpone(db, mail.id, { why, isFinal: kind === 'refused', isTaken: false });
    // Servers like to repeat whom they refuse; the row has it in full.
    const reason = why.replace(/[^\s<>]+@[^\s<>]+/g, '[address]');
    const said = { notificationId: mail.id, orgId: mail.orgId, kind: mail.kind, why: reason };
    if (hasGivenUp) this.#parts.log.error(said, 'mail_given_up');
    else this.#parts.log.warn(said, 'mail_not_taken');
  }

  /** A defect of ours, or PostgreSQL went away: nothing that the mail server has said. */
  async #failed({ id, orgId, kind }: DueMail, error: unknown): Promise<void> {
    this.#parts.log.error({ notificationId: id, orgId, kind, err: error }, 'mail_failed');
    await postpone(this.#parts.db, id, { why: String(error), isFinal: false, isTaken: this.#taken.has(id) });
  }
}

/**
 * Locked until the transaction ends; a process that dies lets go of it at once. While billing is on hold only what people have asked for since to get
 * in goes out: the rest may have been told, or be wrong (D150).
 */
async function claimed(tx: Queryable): Promise<DueMail | null> {
  const { rows } = await tx.query<DueMail>(
    `select n.id, n.event_key as "eventKey", n.org_id as "orgId", o.name as organization, n.kind, n.recipient, n.locale, n.facts,
            n.invoice_id as "invoiceId", n.notice
       from notifications n left join organizations o on o.id = n.org_id
      where n.due_at <= clock_timestamp() and n.handed_over_at is null and n.gave_up_at is null and n.recipient is not null
        and ((select billing_held_since()) is null or n.org_id is null and n.created_at > (select billing_held_since()))
      order by n.due_at, n.id limit 1 for no key update of n skip locked`,
  );
  return rows[0] ?? null;
}

/** billing_now() is of the beginning of this transaction, and the mail server has taken its time since. */
async function recordHandOver(tx: Queryable, id: string): Promise<Date> {
  const { rows } = await tx.query<{ handedOverAt: Date }>(
    `update notifications
        set handed_over_at = billing_now() + (clock_timestamp() - transaction_timestamp()), tries = tries + 1, error = null
      where id = $1 returning handed_over_at as "handedOverAt"`,
    [id],
  );
  if (rows[0] === undefined) throw new Error(`there is no notification ${id}`);
  return rows[0].handedOverAt;
}

interface Failure {
  readonly why: string;
  /** Of the mail server's: it will not take this one. */
  readonly isFinal: boolean;
  /** Then only the books are behind, and they are never given up. */
  readonly isTaken: boolean;
}

/** Whether that was the last try. A commit whose answer was lost may have come through: what is handed over stays so. */
async function postpone(db: Queryable, id: string, { why, isFinal, isTaken }: Failure): Promise<boolean> {
  const { rows } = await db.query<{ hasGivenUp: boolean }>(
    `update notifications
        set tries = tries + 1, error = $2,
            due_at = clock_timestamp() + least($5::interval, interval '10 seconds' * 2 ^ least(tries, 10)),
            gave_up_at = case when $3 or not $4 and clock_timestamp() > queued_at + $6::interval then clock_timestamp() end
      where id = $1 and handed_over_at is null returning gave_up_at is not null as "hasGivenUp"`,
    [id, why.slice(0, LONGEST_ERROR), isFinal, isTaken, LONGEST_PAUSE, TRIED_FOR],
  );
  return rows[0]?.hasGivenUp ?? false;
}
