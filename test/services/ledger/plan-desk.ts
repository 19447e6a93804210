// Customers who have agreed on a plan, what their requests cost them, and what the ledger's own checks say of it.
import type { Pool } from 'pg';
import { settleBatch } from '../../../services/ledger/settle-batch.ts';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { newId } from '../../../services/platform/ids.ts';
import {
  type BareGateway,
  type Customer,
  type GrantWish,
  newCustomer,
  oneRow,
  type rowsOf,
} from '../../support/bare-gateway.ts';

export type Rows = ReturnType<typeof rowsOf>;

export const included = (usd: string): GrantWish => ({ usd, source: 'included', priority: 10, expiresIn: '30 days' });
export const pack = (usd: string): GrantWish => ({ usd, source: 'pack', priority: 20 });

export class PlanDesk {
  readonly #admin: Pool;

  constructor(admin: Pool) {
    this.#admin = admin;
  }

  /** Null: it has agreed on none. */
  async customer(plan: string | null, ...grants: GrantWish[]): Promise<Customer & { grantIds: string[] }> {
    const customer = await newCustomer(this.#admin, grants);
    await this.putOn(customer, plan);
    return customer;
  }

  async putOn({ orgId }: Customer, plan: string | null): Promise<void> {
    await this.#admin.query('update organizations set plan_version_id = $2 where id = $1', [orgId, plan]);
  }

  async spentOf(grantId: string | undefined): Promise<string> {
    const { spent } = await oneRow<{ spent: string }>(
      this.#admin,
      `select ((g.amount_nano - b.available_nano) / 1e9)::numeric(20, 9)::text as spent
         from credit_grants g join grant_balances b on b.grant_id = g.id where g.id = $1`,
      [grantId],
    );
    return spent;
  }

  async costOf(requestId: string): Promise<object> {
    return oneRow(
      this.#admin,
      `select rated_nano as rated, beyond_nano as beyond, due_nano as due, charge_nano as charge
         from usage_records where request_id = $1`,
      [requestId],
    );
  }

  async totalsOf({ orgId }: Customer): Promise<{ requests: number; paid: string }> {
    return oneRow(
      this.#admin,
      'select count(*)::int as requests, coalesce(sum(charge_nano), 0)::text as paid from usage_records where org_id = $1',
      [orgId],
    );
  }

  /** Beside the price of the records, which name no price version. */
  async findings(): Promise<unknown[]> {
    const { checks } = await verifyLedger(this.#admin);
    return checks.filter(({ ok, id }) => !ok && id !== 'rated');
  }

  /** Past the gateway's own writer. `isReplay`: it is fenced. */
  async settle(gateway: BareGateway, batch: readonly Rows[], isReplay: boolean): Promise<void> {
    const client = await this.#admin.connect();
    try {
      await settleBatch(client, gateway.incarnation.id, isReplay, batch);
    } finally {
      client.release();
    }
  }
}

export async function spend(gateway: BareGateway, customer: Customer, usd: string, holding = usd): Promise<string> {
  const requestId = newId();
  await gateway.settle(customer, await gateway.hold(customer, holding), usd, requestId);
  return requestId;
}
