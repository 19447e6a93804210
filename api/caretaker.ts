// What has to happen beside the requests, once per machine: dead gateways are recovered, expired credit becomes breakage, usage is
// invoiced (D65), taxes are reported, what customers are told ahead is queued, the providers' usage exports are imported, what Stripe told or failed to tell is
// looked after, old rows go, and closed accounts lose their names. Each round is idempotent; a failed one is repeated by the next.
import type { Pool } from 'pg';
import { eraseClosedAccounts } from '../services/accounts/closings.ts';
import { forgetOldChanges } from '../services/api-keys/change-feed.ts';
import { Egress } from '../services/egress/egress.ts';
import { expireGrants } from '../services/grants/grants.ts';
import { forgetOldUses } from '../services/idempotency/inference-requests.ts';
import { forgetOldAnswers } from '../services/idempotency/management-requests.ts';
import { recoverDeadGateways } from '../services/incarnations/recovery.ts';
import { KeyringHolder } from '../services/master-keys/keyring-holder.ts';
import { catchUpEvents } from '../services/payments/event-catch-up.ts';
import { sendRefunds } from '../services/payments/refunds.ts';
import type { StripeApi } from '../services/payments/stripe-api.ts';
import type { Config } from '../services/platform/config.ts';
import { newId } from '../services/platform/ids.ts';
import type { Log } from '../services/platform/log.ts';
import { oneByOne } from '../services/platform/one-by-one.ts';
import { createPool, within } from '../services/platform/postgres.ts';
import { issueDueInvoices } from '../services/postpaid/usage-invoices.ts';
import { queueMailsAhead } from '../services/subscriptions/mails-ahead.ts';
import { reportTaxes } from '../services/taxes/tax-reports.ts';
import { exportingChannels, importUsageExports } from '../services/usage/usage-export.ts';
import type { PaymentDesk } from './routes/app-dependencies.ts';
import { openPaymentDesk } from './routes/payment-desk.ts';

const ROUND_MS = 2_000;
const EXPORT_EVERY_ROUNDS = 3;
const SWEEP_EVERY_ROUNDS = 15;
const LIST_EVENTS_EVERY_ROUNDS = 30;
/** An hour: what is told weeks ahead is looked for among all that renews and all cards. */
const TELL_AHEAD_EVERY_ROUNDS = 1_800;
/** What is not recovered by then is by the next start: a supervisor that is told to go must not wait for a PostgreSQL that hangs. */
const END_WITHIN_MS = 10_000;

interface PaymentCare extends PaymentDesk {
  listing: Promise<void> | null;
}

export class Caretaker {
  readonly #db: Pool;
  readonly #log: Log;
  readonly #masterKeys: KeyringHolder;
  readonly #egress: Egress;
  readonly #payments: PaymentCare | null;
  readonly #journalDir: string;
  #timer: NodeJS.Timeout | null = null;
  #round = 0;
  #running: Promise<void> = Promise.resolve();
  #waiting = 0;
  #invoicing: Promise<void> | null = null;

  constructor(config: Config, log: Log) {
    this.#db = createPool(config.workerDatabaseUrl, {
      name: 'tollgate caretaker',
      maxConnections: 3,
      statementTimeoutMs: 30_000,
    });
    this.#log = log;
    const holding = { db: this.#db, processId: newId(), kind: 'caretaker', log } as const;
    this.#masterKeys = new KeyringHolder(config, holding);
    this.#egress = new Egress({ log });
    const desk = openPaymentDesk(config, this.#db, log);
    this.#payments = desk === null ? null : { ...desk, listing: null };
    this.#journalDir = config.journalDir;
  }

  /** What gateways of an earlier run left is brought to its end before new ones start. @throws KeyringRefused before anything is touched */
  async begin(): Promise<void> {
    await this.#masterKeys.begin();
    await this.gatewayDied();
    this.#timer = setInterval(() => this.#tick(), ROUND_MS);
  }

  /** Recovers at once instead of with the next round. */
  gatewayDied(): Promise<void> {
    return this.#after('recovery', () => recoverDeadGateways(this.#db, this.#log, this.#journalDir));
  }

  async end(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    const end = this.gatewayDied()
      .then(() => this.#payments?.inbox.close())
      .then(() => this.#masterKeys.end())
      .then(() => Promise.allSettled([this.#egress.close(), this.#db.end()]));
    await within(END_WITHIN_MS, end).catch((error: unknown) =>
      this.#log.warn({ what: 'end', err: error }, 'caretaker_round_failed'),
    );
  }

  /** With a slow PostgreSQL rounds would pile up, and whoever dies or leaves would wait for all of them. */
  #tick(): void {
    if (this.#waiting > 0) return;
    this.#round += 1;
    void this.#after('recovery', () => recoverDeadGateways(this.#db, this.#log, this.#journalDir));
    if (this.#round % EXPORT_EVERY_ROUNDS === 0) void this.#after('usage_export', () => this.#importExports());
    if (this.#payments !== null) this.#careForPayments(this.#payments);
    if (this.#round % SWEEP_EVERY_ROUNDS === 0) {
      void this.#after('sweep', () => this.#sweep());
      this.#invoiceUsage();
    }
    if (this.#round % TELL_AHEAD_EVERY_ROUNDS === 1) void this.#after('mails_ahead', () => queueMailsAhead(this.#db));
  }

  /** Beside the other work: Stripe may be silent for a minute, and dead gateways do not wait for it. */
  #careForPayments(care: PaymentCare): void {
    care.inbox.wake();
    if (this.#round % LIST_EVENTS_EVERY_ROUNDS !== 1) return;
    care.listing ??= this.#askStripe(care)
      .catch((error: unknown) => this.#log.warn({ what: 'stripe_listing', err: error }, 'caretaker_round_failed'))
      .finally(() => {
        care.listing = null;
        care.inbox.wake();
      });
  }

  async #askStripe({ stripe, inbox }: PaymentCare): Promise<void> {
    await oneByOne(
      [
        () => catchUpEvents(this.#db, stripe, inbox),
        () => sendRefunds(this.#db, stripe),
        () => this.#reportTaxes(stripe),
      ],
      (work) => work(),
    );
  }

  /** What is not told now is tried again, by the hour at last. */
  async #reportTaxes(stripe: StripeApi): Promise<void> {
    await reportTaxes(this.#db, stripe).catch((error: unknown) => this.#log.warn({ err: error }, 'tax_report_waiting'));
  }

  async #importExports(): Promise<void> {
    await importUsageExports(
      this.#db,
      this.#egress,
      await exportingChannels(this.#db, this.#masterKeys.vault),
      this.#log,
    );
  }

  async #sweep(): Promise<void> {
    await expireGrants(this.#db);
    await forgetOldChanges(this.#db);
    await forgetOldUses(this.#db);
    await forgetOldAnswers(this.#db);
    await eraseClosedAccounts(this.#db);
  }

  /** Beside the other work: Stripe may have to say the tax (D79), and dead gateways do not wait for it. */
  #invoiceUsage(): void {
    this.#invoicing ??= issueDueInvoices(this.#db, this.#payments?.stripe ?? null)
      .then(() => {})
      .catch((error: unknown) => this.#log.warn({ what: 'usage_invoices', err: error }, 'caretaker_round_failed'))
      .finally(() => {
        this.#invoicing = null;
      });
  }

  /** One piece of work at a time, in order. */
  #after(what: string, work: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    this.#running = this.#running
      .then(work)
      .catch((error: unknown) => this.#log.warn({ what, err: error }, 'caretaker_round_failed'))
      .finally(() => {
        this.#waiting -= 1;
      });
    return this.#running;
  }
}
