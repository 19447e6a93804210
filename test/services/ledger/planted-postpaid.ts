// An enterprise in the books that is invoiced and pays a part, and the defects that the checks of I12 and I15 are for.
import type { Pool } from 'pg';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { recordBankTransfer, reverseBankTransfer } from '../../../services/postpaid/bank-transfers.ts';
import { makeContract } from '../../../services/postpaid/contracts.ts';
import { issueDueInvoices } from '../../../services/postpaid/usage-invoices.ts';
import { type BareGateway, newCustomer } from '../../support/bare-gateway.ts';

export async function invoiceOnce(admin: Pool, worker: Pool, gateway: BareGateway): Promise<void> {
  const customer = await newCustomer(admin, []);
  const terms = { creditLineCents: 100_000, netDays: 30, priceOfListPpm: 1_000_000, note: null, actor: 'test' };
  await inTransaction(worker, (tx) => makeContract(tx, customer.orgId, terms));
  await gateway.settle(customer, await gateway.hold(customer, '12'), '10.004999999');
  await admin.query('update usage_accounts set next_invoice_at = billing_now()');
  const [invoiceId = ''] = await issueDueInvoices(worker, null);
  await gateway.settle(customer, await gateway.hold(customer, '3'), '2.5');
  for (const reference of ['bounced', 'kept']) {
    const transfer = { amountCents: 400, reference, receivedOn: '2026-01-31', actor: 'test' };
    await inTransaction(worker, async (tx) => {
      const { id } = await recordBankTransfer(tx, invoiceId, transfer);
      if (reference === 'bounced') await reverseBankTransfer(tx, id, 'test');
    });
  }
}

/** Check, defect, the statement that plants it. */
export const PLANTED_POSTPAID: readonly (readonly [string, string, string])[] = [
  [
    'I12-lines',
    'a line of an invoice is 1 nano less',
    `update usage_invoices set lines = jsonb_set(lines, '{0,amountNano}', to_jsonb(((lines #>> '{0,amountNano}')::bigint - 1)::text))`,
  ],
  [
    'I12-lines',
    'an invoice asks for a cent more',
    `update invoices set amount_cents = amount_cents + 1 where kind = 'usage'`,
  ],
  ['I12-lines', 'an invoice says nothing', 'delete from usage_invoices'],
  [
    'I12-lines',
    'an invoice is booked otherwise',
    `update ledger_entries set amount_nano = amount_nano + 1 where account = 'receivable'`,
  ],
  [
    'I12-paid',
    'an invoice is paid by nothing',
    `update invoices set state = 'paid', closed_at = now() where kind = 'usage'`,
  ],
  ['I12-paid', 'a transfer counts a cent more', 'update invoice_payments set cents = cents + 1 where not reversed'],
  ['I12-paid', 'a transfer that was reversed counts', 'update invoice_payments set reversed = false where reversed'],
  ['I12-paid', 'a transfer counts that never came', 'delete from bank_transfers'],
  ['I12-numbers', 'a number was drawn for nothing', 'update invoice_numbers set last = last + 1'],
  ['I12-numbers', 'the first number is missing', 'update usage_invoices set number_in_year = number_in_year + 1'],
  ['I15-receivable', 'money for an invoice is forgotten', 'delete from invoice_payments where not reversed'],
  [
    'I15-used',
    'more is lent than there is',
    `update ledger_entries set amount_nano = amount_nano + 1 where account = 'credit_line' and amount_nano > 0`,
  ],
  [
    'I15-used',
    'more is invoiced than was used',
    `update usage_invoices set usage_nano = usage_nano + 5000000000;
     update ledger_entries set amount_nano = amount_nano - 5000000000 where account = 'credit_line' and amount_nano < 0`,
  ],
  ['I15-line', 'a contract lends a cent more', 'update contracts set credit_line_cents = credit_line_cents + 1'],
  ['I15-line', 'a contract that has ended lends', 'update contracts set ended_at = now()'],
  ['I10-bank', 'a transfer is a cent more', 'update bank_transfers set amount_cents = amount_cents + 1'],
];
