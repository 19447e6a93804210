// An enterprise that pays afterwards, in the shop whose clock stands still: what it spends, holds, is invoiced and pays.
import { formatUsd, type Nano, nano } from '../../../domain/nano.ts';
import type { Reservation } from '../../../services/leases/lease.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { recordBankTransfer, reverseBankTransfer } from '../../../services/postpaid/bank-transfers.ts';
import { contract, creditStanding, makeContract } from '../../../services/postpaid/contracts.ts';
import { type UsageInvoice, usageInvoice } from '../../../services/postpaid/usage-invoices.ts';
import { type BareGateway, type Customer, newCustomer, openBareGateway, rowsOf } from '../../support/bare-gateway.ts';
import type { PlanShop } from '../subscriptions/plan-shop.ts';

export async function enterprise(shop: PlanShop, creditLineCents: number, netDays = 30): Promise<Customer> {
  const customer = await newCustomer(shop.admin, []);
  await contracted(shop, customer, creditLineCents, netDays);
  return customer;
}

export async function contracted(
  shop: PlanShop,
  { orgId }: Customer,
  creditLineCents: number,
  netDays = 30,
): Promise<void> {
  await shop.admin.query(
    `insert into billing_details (org_id, billing_email) values ($1, 'billing@example.com') on conflict do nothing`,
    [orgId],
  );
  const wanted = { creditLineCents, netDays, priceOfListPpm: 1_000_000, note: null, actor: 'test' };
  await inTransaction(shop.db, (tx) => makeContract(tx, orgId, wanted));
}

export interface Request {
  readonly nano: bigint;
  readonly modelId?: string;
}

/** Of a gateway that goes on; what it leases beyond these requests stays leased. */
async function spendAt(gateway: BareGateway, shop: PlanShop, customer: Customer, request: Request): Promise<void> {
  await settleAt(gateway, shop, customer, await holdAt(gateway, customer, request.nano), request);
}

export function holdAt(gateway: BareGateway, customer: Customer, amount: bigint): Promise<Reservation> {
  return gateway.hold(customer, formatUsd(nano(amount)));
}

/** Admitted now, by the clock of billing. */
export async function settleAt(
  { leases, writer }: BareGateway,
  shop: PlanShop,
  customer: Customer,
  reservation: Reservation,
  { nano: amount, modelId = 'std' }: Request,
): Promise<void> {
  const admittedAt = await shop.now();
  const { usage, attempts } = rowsOf(customer, reservation.lease.id, nano(amount), newId());
  leases.settle(reservation, nano(amount));
  await new Promise<void>((settled) =>
    writer.settle({
      usage: { ...usage, model_id: modelId, admitted_ms: admittedAt.getTime() },
      attempts,
      segments: [],
      acknowledged: () => settled(),
      inDatabase: () => leases.confirmed(reservation.lease),
    }),
  );
}

/** By a gateway that leaves nothing leased. */
export async function spend(shop: PlanShop, customer: Customer, usd: string, modelId = 'std'): Promise<void> {
  const gateway = await openBareGateway(shop.database);
  await spendAt(gateway, shop, customer, { nano: nanoOfUsd(usd), modelId });
  await gateway.close();
}

export function nanoOfUsd(usd: string): Nano {
  const [whole = '0', fraction = ''] = usd.split('.');
  return nano(BigInt(whole + fraction.padEnd(9, '0')));
}

export interface Standing {
  readonly open: string;
  readonly unbilled: string;
  readonly held: string;
  readonly available: string;
}

export async function standing(shop: PlanShop, { orgId }: Customer): Promise<Standing> {
  const { openInvoicesCents, unbilledNano, heldNano, availableNano } = await creditStanding(
    shop.db,
    await contract(shop.db, orgId),
  );
  return {
    open: (openInvoicesCents / 100).toFixed(2),
    unbilled: formatUsd(unbilledNano),
    held: formatUsd(heldNano),
    available: formatUsd(availableNano),
  };
}

/** What gateways could lease, from the grants themselves; who is limited may not, until he has paid. */
export async function spendable(shop: PlanShop, { orgId }: Customer): Promise<string> {
  const { rows } = await shop.admin.query<{ available: string }>(
    'select coalesce(sum(available_nano), 0) as available from grant_balances where org_id = $1',
    [orgId],
  );
  return formatUsd(nano(rows[0]?.available ?? '0'));
}

/** Oldest first. */
export async function invoicesOf(shop: PlanShop, { orgId }: Customer): Promise<UsageInvoice[]> {
  const { rows } = await shop.admin.query<{ id: string }>(
    `select id from invoices where org_id = $1 and kind = 'usage' order by name`,
    [orgId],
  );
  return Promise.all(rows.map(({ id }) => usageInvoice(shop.db, id)));
}

export function linesOf(invoice: UsageInvoice | undefined): string[] {
  return (invoice?.lines ?? []).map((line) =>
    line.kind === 'usage' ? `${line.modelId} x${line.requests} ${line.amountNano}` : `${line.kind} ${line.amountNano}`,
  );
}

export async function transfer(
  shop: PlanShop,
  invoiceId: string,
  amountCents: number,
  { reference = newId(), receivedOn = '2027-01-01' } = {},
): Promise<string> {
  const wanted = { amountCents, reference, receivedOn, actor: 'staff' };
  const { id } = await inTransaction(shop.db, (tx) => recordBankTransfer(tx, invoiceId, wanted));
  await shop.rest();
  return id;
}

export async function reverse(shop: PlanShop, transferId: string): Promise<void> {
  await inTransaction(shop.db, (tx) => reverseBankTransfer(tx, transferId, 'staff'));
  await shop.rest();
}
