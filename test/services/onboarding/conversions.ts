// Customers whose conversion is about to begin, and what it makes of them.
import type { EnterpriseTerms } from '../../../domain/enterprise-terms.ts';
import { organization } from '../../../services/organizations/organizations.ts';
import { liveSubscriptionOf } from '../../../services/subscriptions/subscription-rows.ts';
import type { Customer, PlanShop } from '../subscriptions/plan-shop.ts';
import { type Desk, EVE, TERMS } from './desk.ts';

export const STEPS = ['settle', 'hold', 'contract', 'budget', 'activate', 'welcome'];

/** As TERMS have it. */
export const ENTERPRISE = {
  ...{ provisioning: false, plan: 'enterprise', seats: null, isSubscribed: false },
  caps: [{ period: 'month', amountNano: 7_000_000_000_000n }],
  line: '10000000000000',
};

export class Conversions {
  readonly shop: PlanShop;
  readonly desk: Desk;

  constructor(shop: PlanShop, desk: Desk) {
    this.shop = shop;
    this.desk = desk;
  }

  /** Who pays for a month of Pro since the first of it, and whose application is approved on the tenth. */
  async approved(terms: EnterpriseTerms = TERMS): Promise<{ readonly id: string; readonly customer: Customer }> {
    await this.desk.admin.query('delete from process_pokes');
    const now = await this.shop.now();
    const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
    const customer = await this.shop.customer('pro', 1, first.toISOString());
    const id = await this.desk.applied(customer.orgId, await this.desk.owner(customer.orgId));
    await this.desk.pass('9 days');
    await this.desk.decides(EVE, id, { terms });
    return { id, customer };
  }

  /** All that a conversion changes; what it makes has ids of its own. */
  async standing({ orgId }: Customer) {
    const { provisioning, plan, seats, caps } = await organization(this.desk.db, orgId);
    const { rows } = await this.desk.admin.query<{ credit: string; line: string }>(
      `select coalesce(sum(b.available_nano) filter (where g.source <> 'credit_line'), 0)::text as credit,
              coalesce(sum(b.available_nano) filter (where g.source = 'credit_line'), 0)::text as line
         from credit_grants g join grant_balances b on b.grant_id = g.id where g.org_id = $1`,
      [orgId],
    );
    const isSubscribed = (await liveSubscriptionOf(this.desk.db, orgId)) !== null;
    return { provisioning, plan, seats, caps, isSubscribed, ...rows[0] };
  }

  /** Of 19.00 for a month of which nine days have passed, nano, as text. */
  async unusedOf({ subscriptionId }: Customer): Promise<string> {
    const { rows } = await this.desk.admin.query<{ days: number }>(
      'select extract(day from ends_at - starts_at)::integer as days from subscription_periods where subscription_id = $1',
      [subscriptionId],
    );
    const days = rows[0]?.days ?? 0;
    return `${Math.floor((1_900 * (days - 9)) / days)}0000000`;
  }
}
