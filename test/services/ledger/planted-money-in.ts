// A payment in the books, and the defects that the checks of money in are for.
import type { Pool } from 'pg';
import { SOME_ID } from '../../support/bare-gateway.ts';

/** One that is captured twice. */
export async function payOnce(admin: Pool, orgId: string): Promise<void> {
  await admin.query(
    `insert into payments (id, org_id, purpose, pack, amount_cents, credit_nano, bonus_nano, requested_by)
       values ($1, $2, 'pack', 'pack_50', 5000, 50000000000, 5000000000, 'test')`,
    [SOME_ID, orgId],
  );
  await admin.query(`select record_payment($1, 'pi_test', 5000, 'usd', 'test')`, [SOME_ID]);
  await admin.query(`select record_payment($1, 'pi_again', 5000, 'usd', 'test')`, [SOME_ID]);
  await admin.query(`select begin_refund($1, $1, 're_test', 1000, 'test')`, [SOME_ID]);
}

/** Check, defect, the statement that plants it. */
export const PLANTED_MONEY_IN: readonly (readonly [string, string, string])[] = [
  [
    'I10-payments',
    'a payment is paid and not booked',
    `update ledger_transactions set kind = 'grant' where kind = 'payment'`,
  ],
  [
    'I10-payments',
    'a bonus is 1 nano more',
    `update credit_grants set amount_nano = amount_nano + 1 where source = 'bonus'`,
  ],
  ['I10-payments', 'a payment is booked and not paid', 'delete from payments'],
  ['I10-clearing', 'a payment counts a cent more', 'update payments set amount_cents = amount_cents + 1'],
  [
    'I10-questions',
    'a capture waits for a person',
    `insert into captures_in_question values ('pi_other', '${SOME_ID}', 1, 'usd', 'another_amount')`,
  ],
  [
    'I10-owed-back',
    'a second capture is kept',
    `delete from refunds where payment_id = (select id from payments where purpose = 'second_capture')`,
  ],
  [
    'I10-owed-back',
    'more is owed back than was captured twice',
    `update ledger_entries set amount_nano = amount_nano - 1 where account = 'owed_back' and amount_nano < 0`,
  ],
  ['I10-refunds', 'a refund is booked and not there', 'delete from refunds'],
  ['I10-refunds', 'a refund counts a cent more', 'update refunds set amount_cents = amount_cents + 1'],
  [
    'I10-refunds',
    'more goes back than came in',
    `insert into refunds (id, payment_id, amount_cents, transaction_id, requested_by)
       select gen_random_uuid(), payment_id, 4001, 0, 'test' from refunds where stripe_refund is not null`,
  ],
];
