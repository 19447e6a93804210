// What the customers of a billing campaign do as its months pass, and what the staff does for them.
import type { Client } from 'pg';
import { type BillingClock, insistently } from './billing-clock.ts';
import type { BillingProduct } from './billing-product.ts';
import type { Customer } from './customers.ts';
import type { Desk } from './desk.ts';
import { readOnce } from './read-once.ts';

const DAY_MS = 86_400_000;
/** Renewal of a month at the earliest. */
const SHORTEST_MONTH_DAYS = 28;
const AT_ONCE = 6;

export interface Member {
  readonly customer: Customer;
  readonly orgId: string;
  subscriptionId: string;
  readonly boughtAtMs: number;
  /** What he has done, once each. */
  readonly done: Set<string>;
}

interface OpenCase {
  readonly orgId: string;
  readonly invoiceId: string;
  readonly openedAt: Date;
}

export class Course {
  readonly members: Member[] = [];
  readonly #product: BillingProduct;
  readonly #desk: Desk;
  readonly #clock: BillingClock;
  readonly #customers: readonly Customer[];
  #beganAtMs = 0;

  constructor(product: BillingProduct, desk: Desk, clock: BillingClock, customers: readonly Customer[]) {
    this.#product = product;
    this.#desk = desk;
    this.#clock = clock;
    this.#customers = customers;
  }

  /** Days since it began. */
  async day(): Promise<number> {
    const nowMs = (await this.#clock.now()).getTime();
    if (this.#beganAtMs === 0) this.#beganAtMs = nowMs;
    return (nowMs - this.#beganAtMs) / DAY_MS;
  }

  /** What is to be done by now. */
  async act(): Promise<void> {
    const day = await this.day();
    const known = new Set(this.members.map(({ customer }) => customer));
    const buyers = this.#customers.filter((one) => one.buysOnDay <= day && !known.has(one));
    await inTurns(buyers, (customer) => this.#buys(customer));
    const nowMs = (await this.#clock.now()).getTime();
    await inTurns(this.members, (member) => this.#leavesLaterCard(member, nowMs));
    const cases = await this.#openCases();
    await inTurns(this.members, (member) => this.#deals(member, cases, nowMs));
  }

  async #buys(customer: Customer): Promise<void> {
    const { number, plan, months, card } = customer;
    const org = await this.#desk.post<{ id: string }>('/organizations', {
      name: `Customer ${number}`,
      rateTier: 'standard',
    });
    if (org === null) throw new Error('an organization was refused');
    await this.#desk.sendBillsTo(org.id, `customer-${number}@chaos.example`);
    const boughtAtMs = (await this.#clock.now()).getTime();
    const subscriptionId = await this.#checksOut(org.id, { plan, months, card });
    this.members.push({ customer, orgId: org.id, subscriptionId, boughtAtMs, done: new Set() });
  }

  /** Also when the webhook was lost: the listing of events brings it within a minute. */
  async #checksOut(orgId: string, bought: { plan: string; months: number; card: string }): Promise<string> {
    const { plan, months, card } = bought;
    const page = await this.#desk.post<{ url: string }>(`/organizations/${orgId}/subscription-checkouts`, {
      plan,
      months,
    });
    if (page === null) throw new Error(`organization ${orgId} may not buy`);
    await this.#desk.submit(page.url, { payment_method: card });
    return await insistently(async () => {
      const { data } = await this.#desk.get<{ data: { id: string; phase: string }[] }>(
        `/organizations/${orgId}/subscriptions`,
      );
      const live = data.find(({ phase }) => phase !== 'ended');
      if (live === undefined) throw new Error(`the payment of organization ${orgId} never became a subscription`);
      return live.id;
    });
  }

  async #leavesLaterCard({ customer, orgId, boughtAtMs, done }: Member, nowMs: number): Promise<void> {
    const { laterCard, laterCardMeets } = customer;
    const fromMs = boughtAtMs + ((laterCardMeets - 1) * 31 + 4) * DAY_MS;
    if (laterCard === null || nowMs < fromMs || !once(done, 'later card')) return;
    await this.#leavesCard(orgId, laterCard);
  }

  async #leavesCard(orgId: string, card: string): Promise<void> {
    const [customer] = await this.#rows<{ id: string }>(
      'select stripe_customer as id from stripe_customers where org_id = $1',
      [orgId],
    );
    if (customer === undefined) throw new Error(`Stripe does not know organization ${orgId}`);
    await this.#desk.leaveCard(customer.id, card);
  }

  async #deals(member: Member, cases: readonly OpenCase[], nowMs: number): Promise<void> {
    if (member.customer.fate === 'upgrading') return this.#upgrades(member, nowMs);
    const open = cases.find(({ orgId }) => orgId === member.orgId);
    if (open !== undefined) return this.#leavesDebt(member, open, (nowMs - open.openedAt.getTime()) / DAY_MS);
    // Whoever has paid on the page owes once: his card would refuse the next month, too.
    if (member.done.has('owed')) {
      await untilTaken(member.done, 'good card', () => this.#leavesGoodCard(member.orgId, member.customer));
    }
    await this.#buysAgain(member);
  }

  async #upgrades({ customer, subscriptionId, boughtAtMs, done }: Member, nowMs: number): Promise<void> {
    const onDay = SHORTEST_MONTH_DAYS + 2 + (customer.number % 20);
    if (nowMs < boughtAtMs + onDay * DAY_MS) return;
    await untilTaken(done, 'upgrade', () => this.#changesToTeam(subscriptionId));
  }

  /** What is refused, as while a payment is in doubt, is tried again after the next leap; so is a page on which nothing was paid. */
  async #leavesDebt(
    { customer, orgId, subscriptionId, done }: Member,
    { invoiceId }: OpenCase,
    owesDays: number,
  ): Promise<void> {
    const orders = (path: string, body = {}) => this.#desk.post(path, { reason: 'as the customer wishes', ...body });
    switch (customer.fate) {
      case 'new_card':
        if (owesDays >= 4) await untilTaken(done, 'new card', () => this.#leavesGoodCard(orgId, customer));
        return;
      case 'pay_page':
        done.add('owed');
        if (owesDays >= 8) await this.#paysOnPage(orgId, invoiceId);
        return;
      case 'last_day':
        done.add('owed');
        return;
      case 'cancelled':
        if (owesDays >= 5) await untilTaken(done, 'cancel', () => orders(`/subscriptions/${subscriptionId}/cancel`));
        return;
      case 'extended': {
        const until = new Date((await this.#clock.now()).getTime() + 6 * DAY_MS).toISOString();
        const extend = () => orders(`/invoices/${invoiceId}/dunning/extend`, { until });
        if (owesDays >= 3) await untilTaken(done, 'extend', extend);
        if (owesDays >= 12) await this.#paysOnPage(orgId, invoiceId);
        return;
      }
      case 'waived':
        if (owesDays >= 9) await untilTaken(done, 'waive', () => orders(`/invoices/${invoiceId}/dunning/waive`));
        return;
      case 'plan_changed':
        if (owesDays < 2) return;
        // The card that refuses is asked for the other plan, too: with a good one he would pay what he owes, and change nothing.
        await untilTaken(done, 'change', () => this.#changesToTeam(subscriptionId));
        await untilTaken(done, 'good card', () => this.#leavesGoodCard(orgId, customer));
        return;
      default:
        return;
    }
  }

  /** Whoever waits for his last warning has it, and pays before his plan ends. False: there is none. */
  async payOnLastDay(): Promise<boolean> {
    const warned = await this.#rows<{ orgId: string; invoiceId: string }>(
      `select d.org_id as "orgId", d.invoice_id as "invoiceId" from dunnings d join notifications n on n.invoice_id = d.invoice_id
        where d.closed is null and n.notice = 'plan_end_warning' and n.handed_over_at is not null`,
      [],
    );
    const isLate = (orgId: string) =>
      this.members.some((one) => one.orgId === orgId && one.customer.fate === 'last_day');
    const late = warned.filter(({ orgId }) => isLate(orgId));
    await inTurns(late, ({ orgId, invoiceId }) => this.#paysOnPage(orgId, invoiceId));
    return late.length > 0;
  }

  #changesToTeam(subscriptionId: string): Promise<object | null> {
    const body = { plan: 'team', months: 1, reason: 'we grow' };
    return this.#desk.post<object>(`/subscriptions/${subscriptionId}/plan-changes`, body);
  }

  async #leavesGoodCard(orgId: string, { number }: Customer): Promise<object> {
    await this.#leavesCard(orgId, `pm_card_mastercard~${number}`);
    return {};
  }

  /** With the card that he bought with, on our page. */
  async #paysOnPage(orgId: string, invoiceId: string): Promise<void> {
    const { payUrl } = await this.#desk.get<{ payUrl: string | null }>(`/invoices/${invoiceId}`);
    const { data } = await this.#desk.get<{ data: { id: string }[] }>(`/organizations/${orgId}/cards`);
    const first = data.at(-1);
    if (payUrl !== null && first !== undefined) await this.#desk.submit(payUrl, { paymentMethod: first.id });
  }

  /** Coming back is a new subscription. */
  async #buysAgain(member: Member): Promise<void> {
    if (member.customer.fate !== 'plan_ended' || member.done.has('bought again')) return;
    const { phase } = await this.#desk.get<{ phase: string }>(`/subscriptions/${member.subscriptionId}`);
    if (phase !== 'ended' || !once(member.done, 'bought again')) return;
    const card = `pm_card_visa~again-${member.customer.number}`;
    member.subscriptionId = await this.#checksOut(member.orgId, { plan: 'pro', months: 1, card });
  }

  #openCases(): Promise<OpenCase[]> {
    return this.#rows<OpenCase>(
      `select org_id as "orgId", invoice_id as "invoiceId", opened_at as "openedAt" from dunnings where closed is null`,
      [],
    );
  }

  #rows<Row extends object>(statement: string, values: unknown[]): Promise<Row[]> {
    return insistently(() =>
      readOnce(this.#product.database, async (db: Client) => (await db.query<Row>(statement, values)).rows),
    );
  }
}

function once(done: Set<string>, what: string): boolean {
  if (done.has(what)) return false;
  done.add(what);
  return true;
}

/** Null: it was refused. */
async function untilTaken(done: Set<string>, what: string, act: () => Promise<unknown>): Promise<void> {
  if (!done.has(what) && (await act()) !== null) done.add(what);
}

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const takeOn = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takeOn));
}
