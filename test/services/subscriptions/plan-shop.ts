// Subscriptions over a real PostgreSQL, without Stripe and without Temporal: a bank in the test answers what rows ask for, and what Stripe
// would capture is told to record_payment. The clock of billing stands still between two moves.
import { afterAll } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import type { Notice } from '../../../domain/overdue-policy.ts';
import { type PlanName, termsOf } from '../../../domain/plans.ts';
import { purchaseOrder } from '../../../domain/subscription.ts';
import { openDunningsOf } from '../../../services/dunning/dunning-rows.ts';
import { type CaseCommand, Dunnings } from '../../../services/dunning/dunnings.ts';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { planOnSale } from '../../../services/plans/plan-versions.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { orderInvoice } from '../../../services/subscriptions/invoices-of-plans.ts';
import {
  chargeAnswered,
  invoiceCancelled,
  invoiceRefunded,
  noticeHandedOver,
} from '../../../services/subscriptions/learn.ts';
import {
  type CardAsk,
  type PlanCommand,
  Subscriptions,
  type SubscriptionView,
} from '../../../services/subscriptions/subscriptions.ts';
import { type Customer as BareCustomer, newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import type { ThrowawayDatabase } from '../../support/throwaway-postgres.ts';
import { type Bank, capture, PAID } from './bank.ts';

export interface Customer extends BareCustomer {
  readonly subscriptionId: string;
}

export async function openPlanShop(): Promise<PlanShop> {
  const { database, admin } = await ownDatabase();
  const db = createPool(database.urlFor('worker'), { name: 'plans', maxConnections: 8, statementTimeoutMs: 10_000 });
  afterAll(() => db.end());
  await admin.query(`
    create table stopped_clock (at timestamptz not null);
    insert into stopped_clock values ('2027-01-01T00:00:00Z');
    grant select on stopped_clock to public;
    create or replace function billing_now() returns timestamptz language sql stable as 'select at from stopped_clock';
    create or replace function billing_moment() returns timestamptz language sql stable as 'select at from stopped_clock'`);
  return new PlanShop(db, admin, database);
}

interface Looking {
  readonly process: string;
  readonly id: string;
}

export class PlanShop {
  readonly db: Pool;
  readonly admin: Pool;
  readonly database: ThrowawayDatabase;
  readonly subscriptions: Subscriptions;
  readonly dunnings: Dunnings;
  bank: Bank = () => PAID;
  /** `<invoice>#<attempt>`, as the bank was asked. */
  readonly asked: string[] = [];
  /** Invoices whose money went back. */
  readonly refunded: string[] = [];
  readonly #stages = new Map<string, string[]>();

  constructor(db: Pool, admin: Pool, database: ThrowawayDatabase) {
    this.db = db;
    this.admin = admin;
    this.database = database;
    this.subscriptions = new Subscriptions(db);
    this.dunnings = new Dunnings(db);
  }

  /** Stops at every moment at which something is due. */
  async advanceTo(iso: string): Promise<void> {
    for (;;) {
      const { rows } = await this.admin.query<{ next: Date | null }>(
        `select min(wake_at) as next from (select wake_at from subscriptions where phase <> 'ended'
           union all select wake_at from dunnings where closed is null) due where wake_at <= $1`,
        [iso],
      );
      const next = rows[0]?.next ?? null;
      if (next === null) break;
      await this.sleepUntil(next.toISOString());
      await this.#tickDue();
      await this.rest();
    }
    await this.sleepUntil(iso);
  }

  async now(): Promise<Date> {
    const { rows } = await this.admin.query<{ at: Date }>('select at from stopped_clock');
    return rows[0]?.at ?? new Date(Number.NaN);
  }

  /** Nobody looks at anything on the way. */
  async sleepUntil(iso: string): Promise<void> {
    await this.admin.query('update stopped_clock set at = greatest(at, $1)', [iso]);
  }

  /** A new organization that has paid for its first period. */
  async customer(plan: PlanName, months: 1 | 12, iso: string): Promise<Customer> {
    await this.sleepUntil(iso);
    const bare = await newCustomer(this.admin, []);
    const { orgId } = bare;
    await this.admin.query('insert into billing_details (org_id, billing_email) values ($1, $2)', [
      orgId,
      `${orgId}@example.com`,
    ]);
    const customer = await this.buys(bare, plan, months);
    await this.rest();
    return customer;
  }

  /** The first period of a new subscription is paid for, and no workflow has looked at it yet. */
  async buys(bare: BareCustomer, plan: PlanName, months: 1 | 12): Promise<Customer> {
    const { orgId } = bare;
    const subscriptionId = newId();
    const nowMs = (await this.now()).getTime();
    const invoiceId = await this.#in(async (tx) => {
      const terms = termsOf(await planOnSale(tx, plan, nowMs), months);
      const order = purchaseOrder('first', terms, terms.priceCents);
      return orderInvoice(tx, { orgId, subscriptionId, order });
    });
    await this.pay(invoiceId);
    return { ...bare, subscriptionId };
  }

  /** Credit of so much is spent by a gateway that leaves nothing held. */
  async use(customer: Customer, usd: string): Promise<void> {
    const gateway = await openBareGateway(this.database);
    await gateway.settle(customer, await gateway.hold(customer, usd), usd);
    await gateway.close();
  }

  view({ subscriptionId }: Customer): Promise<SubscriptionView> {
    return this.subscriptions.tick(subscriptionId);
  }

  async command({ subscriptionId }: Customer, command: PlanCommand): Promise<string> {
    const telling = { actor: 'test', reason: 'test', requestId: newId() };
    const outcome = await this.subscriptions.command(subscriptionId, { ...command, ...telling });
    await this.rest();
    return outcome.kind === 'done' ? 'done' : outcome.why;
  }

  async commandCase(invoiceId: string, command: CaseCommand): Promise<string> {
    const telling = { actor: 'test', reason: 'test', requestId: newId() };
    const outcome = await this.dunnings.command(invoiceId, { ...command, ...telling });
    await this.rest();
    return outcome.kind === 'done' ? 'done' : outcome.why;
  }

  /** As the card would be, wherever the money comes from. */
  pay(invoiceId: string): Promise<void> {
    return this.#in((tx) => capture(tx, invoiceId));
  }

  /** Somebody declares that no customer answers for this time. */
  async incident(from: string, to: string | null): Promise<void> {
    await this.admin.query(
      `insert into billing_incidents (from_at, to_at, what, declared_by) values ($1, $2, 'the bank is away', 'test')`,
      [from, to],
    );
  }

  /** Until no row asks for anything. */
  async rest(): Promise<void> {
    while (await this.#lookWherePoked()) {}
  }

  /** Day and cents of every payment of an organization. */
  async charged(orgId: string): Promise<string[]> {
    const { rows } = await this.admin.query<{ what: string }>(
      `select to_char(paid_at at time zone 'UTC', 'YYYY-MM-DD') || ' ' || amount_cents as what
         from payments where org_id = $1 and state = 'paid' order by paid_at, id`,
      [orgId],
    );
    return rows.map(({ what }) => what);
  }

  async stageOf(orgId: string): Promise<string> {
    const { rows } = await this.admin.query<{ stage: string }>(
      'select overdue_stage as stage from organizations where id = $1',
      [orgId],
    );
    return rows[0]?.stage ?? 'nobody';
  }

  /** `<date and time> <stage>`, as it changed. */
  stagesOf({ orgId }: { readonly orgId: string }): string[] {
    return this.#stages.get(orgId) ?? [];
  }

  /** How often the bank was asked for its money. */
  async attemptsOf({ orgId }: Customer): Promise<number> {
    const { rows } = await this.admin.query<{ id: string }>('select id from invoices where org_id = $1', [orgId]);
    return this.asked.filter((one) => rows.some(({ id }) => one.startsWith(id))).length;
  }

  async openCases(orgId: string): Promise<string[]> {
    return (await openDunningsOf(this.db, orgId)).map(({ invoiceId }) => invoiceId);
  }

  /** What the verifier finds. */
  async differences(): Promise<string[]> {
    const { checks } = await verifyLedger(this.db);
    // What the hand of a test settles was rated by no price.
    const faults = checks.filter(({ ok, id }) => !ok && id !== 'rated');
    return faults.map(({ id, examples }) => `${id}: ${examples.join('; ')}`);
  }

  async #tickDue(): Promise<void> {
    await this.admin.query('select expire_grants()');
    const { rows } = await this.admin.query<Looking>(
      `select 'subscription' as process, id from subscriptions where phase <> 'ended' and wake_at <= billing_now()
       union all select 'dunning', invoice_id from dunnings where closed is null and wake_at <= billing_now()`,
    );
    for (const looking of rows) await this.#look(looking);
  }

  /** False: nobody asks for anything. */
  async #lookWherePoked(): Promise<boolean> {
    const { rows } = await this.admin.query<Looking>('delete from process_pokes returning process, subject as id');
    for (const looking of rows) await this.#look(looking);
    return rows.length > 0;
  }

  /** As its workflow does: until the row asks for nothing. The mail server takes over whatever it is given. */
  async #look({ process, id }: Looking): Promise<void> {
    for (;;) {
      const { asks, orgId } =
        process === 'subscription' ? await this.subscriptions.tick(id) : await this.dunnings.tick(id);
      await this.#watch(orgId);
      const taken = await this.#takeMails(orgId);
      for (const ask of asks) await this.#answer(ask);
      await this.#watch(orgId);
      if (asks.length === 0 && taken === 0) return;
    }
  }

  /** The mail server takes whatever waits for it; the notices of dunning are answered. */
  async #takeMails(orgId: string): Promise<number> {
    const { rows } = await this.admin.query<{ invoiceId: string | null; notice: Notice | null }>(
      `update notifications set handed_over_at = billing_now() where org_id = $1 and handed_over_at is null and recipient is not null
       returning invoice_id as "invoiceId", notice`,
      [orgId],
    );
    const at = await this.now();
    for (const { invoiceId, notice } of rows) {
      if (invoiceId !== null && notice !== null) await this.#in((tx) => noticeHandedOver(tx, invoiceId, notice, at));
    }
    return rows.length;
  }

  async #watch(orgId: string): Promise<void> {
    const { rows } = await this.admin.query<{ stage: string; at: string }>(
      `select overdue_stage as stage, to_char(at at time zone 'UTC', 'MM-DD HH24:MI:SS') as at from organizations, stopped_clock where id = $1`,
      [orgId],
    );
    const [now] = rows;
    const before = this.stagesOf({ orgId });
    if (now === undefined || now.stage === (before.at(-1)?.split(' ').at(-1) ?? 'none')) return;
    this.#stages.set(orgId, [...before, `${now.at} ${now.stage}`]);
  }

  async #answer(ask: CardAsk): Promise<void> {
    const told = { actor: 'test' };
    if (ask.kind === 'charge') {
      const outcome = this.bank({ ...ask, nowMs: (await this.now()).getTime() });
      this.asked.push(`${ask.invoiceId}#${ask.attempt}`);
      if (outcome.kind === 'paid') return this.pay(ask.invoiceId);
      return this.#in((tx) => chargeAnswered(tx, ask.invoiceId, ask.attempt, outcome, told));
    }
    if (ask.kind === 'refund') return this.#refund(ask.invoiceId);
    await this.#in((tx) => invoiceCancelled(tx, ask.invoiceId, 'cancelled', told));
  }

  async #refund(invoiceId: string): Promise<void> {
    this.refunded.push(invoiceId);
    await this.#in(async (tx) => {
      await tx.query(
        `select begin_refund($2, p.id, null, null, 'test') from payments p where p.invoice_id = $1 and p.state = 'paid'`,
        [invoiceId, newId()],
      );
      await invoiceRefunded(tx, invoiceId, { actor: 'test' });
    });
  }

  #in<T>(work: (tx: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(this.db, work);
  }
}
