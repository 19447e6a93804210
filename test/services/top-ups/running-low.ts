// A customer who runs low: credit that two gateways spend, a card at the fake Stripe, and the workers' part by the hands of the test. The
// clock of billing stands still between two moves.
import type { TopUpSettings } from '../../../domain/top-up.ts';
import { lookAtBalances } from '../../../services/balance-watch/balance-watch.ts';
import { answerCardAsk } from '../../../services/payments/card-asks.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { autoTopUp, lockedAutoTopUp, setAutoTopUp, TopUps, type TopUpView } from '../../../services/top-ups/top-ups.ts';
import { ledgerOf } from '../../fake-stripe/stripe-client.ts';
import { type Customer, newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { giveCard } from '../payments/billed-customer.ts';
import type { Till } from '../payments/till.ts';

export const SETTINGS: TopUpSettings = {
  thresholdCents: 500,
  amountCents: 2_500,
  dailyCapCents: 10_000,
  monthlyCapCents: 50_000,
};

export class RunningLow {
  readonly till: Till;
  readonly topUps: TopUps;

  constructor(till: Till) {
    this.till = till;
    this.topUps = new TopUps(till.db);
  }

  async begin(): Promise<void> {
    await this.till.admin.query(`
      create table stopped_clock (at timestamptz not null);
      insert into stopped_clock values ('2027-04-10T12:00:00Z');
      grant select on stopped_clock to public;
      create or replace function billing_now() returns timestamptz language sql stable as 'select at from stopped_clock'`);
  }

  async moveTo(iso: string): Promise<void> {
    await this.till.admin.query('update stopped_clock set at = $1', [iso]);
  }

  async pass(interval: string): Promise<void> {
    await this.till.admin.query('update stopped_clock set at = at + $1::interval', [interval]);
  }

  /** With so much credit, a card, and top-up on. */
  async customer(usd: string, card = 'pm_card_visa', settings = SETTINGS): Promise<Customer> {
    const customer = await newCustomer(this.till.admin, [{ usd }]);
    await giveCard(this.till, customer.orgId, card);
    await this.set(customer, settings);
    return customer;
  }

  set({ orgId }: Customer, settings: TopUpSettings | null): Promise<unknown> {
    return inTransaction(this.till.db, async (tx) => setAutoTopUp(tx, await lockedAutoTopUp(tx, orgId), settings));
  }

  /** Each by a gateway of its own, all settled at once; two workers look while the leases are open. */
  async spend(customer: Customer, ...amounts: readonly string[]): Promise<void> {
    const gateways = await Promise.all(amounts.map(() => openBareGateway(this.till.database)));
    const spending: (() => Promise<unknown>)[] = [];
    for (const [n, gateway] of gateways.entries()) {
      const usd = String(amounts[n]);
      const reservation = await gateway.hold(customer, usd);
      spending.push(() => gateway.settle(customer, reservation, usd));
    }
    await Promise.all(spending.map((settle) => settle()));
    await Promise.all([lookAtBalances(this.till.db, 'spending'), lookAtBalances(this.till.db, 'spending')]);
    for (const gateway of gateways) await gateway.close();
  }

  /** How many are found to see to, whether they spend or not. */
  look(): Promise<number> {
    return lookAtBalances(this.till.db, 'all');
  }

  /** As its workflow does: until the row asks for nothing. */
  async work({ orgId }: Customer): Promise<TopUpView> {
    for (;;) {
      const view = await this.topUps.tick(orgId);
      if (view.asks.length === 0) return view;
      for (const ask of view.asks) await answerCardAsk(this.till, ask);
    }
  }

  async balanceOf({ orgId }: Customer): Promise<string> {
    const { rows } = await this.till.admin.query<{ usd: string }>(
      'select (balance_nano / 1e9)::numeric(20, 6)::text as usd from balance_of($1)',
      [orgId],
    );
    return rows[0]?.usd ?? '';
  }

  /** Number, state, cents, and what Stripe has of it, or what became of its intent. */
  async bought({ orgId }: Customer): Promise<string[]> {
    const { rows } = await this.till.admin.query<{ told: string; intent: string | null }>(
      `select format('%s %s %s', top_up, state, amount_cents) as told, stripe_payment_intent as intent from payments
        where org_id = $1 and purpose = 'top_up' order by top_up`,
      [orgId],
    );
    const ledger = await ledgerOf(this.till.stripeUrl);
    const told = [];
    for (const row of rows) {
      const captured = row.intent === null ? undefined : ledger[row.intent]?.captured;
      const status =
        row.intent === null ? 'no intent' : (await this.till.sdk.paymentIntents.retrieve(row.intent)).status;
      told.push(`${row.told}, ${captured ?? status}`);
    }
    return told;
  }

  async intentsAtStripe({ orgId }: Customer): Promise<number> {
    const { rows } = await this.till.admin.query(
      'select stripe_customer as id from stripe_customers where org_id = $1',
      [orgId],
    );
    return (await this.till.sdk.paymentIntents.list({ customer: rows[0]?.id })).data.length;
  }

  /** Kinds, in the order of telling. */
  async told({ orgId }: Customer): Promise<string[]> {
    const { rows } = await this.till.admin.query<{ told: string }>(
      `select concat_ws(' ', kind, facts ->> 'percent', facts ->> 'why') as told from notifications where org_id = $1 order by queued_at, id`,
      [orgId],
    );
    return rows.map(({ told }) => told);
  }

  async isOn({ orgId }: Customer): Promise<boolean> {
    return (await autoTopUp(this.till.db, orgId)).settings !== null;
  }

  async declinesInARow({ orgId }: Customer): Promise<number> {
    return (await autoTopUp(this.till.db, orgId)).declinesInARow;
  }
}
