// Money that came by bank, as a person read it on a statement. It counts like a card's; taken back, the invoice is open again, and its case
// with it.
import type { PoolClient } from 'pg';
import { cents, nanoOf } from '../../domain/cents.ts';
import { TollgateError } from '../../domain/errors.ts';
import { formatUsd } from '../../domain/nano.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { reopenCase } from '../subscriptions/turn.ts';
import { usageInvoicePaid } from './usage-payments.ts';

export interface BankTransfer {
  readonly id: string;
  readonly invoiceId: string;
  readonly orgId: string;
  readonly amountCents: number;
  readonly reference: string;
  /** As in 2027-03-31. */
  readonly receivedOn: string;
  readonly recordedBy: string;
  readonly recordedAt: Date;
  readonly reversedAt: Date | null;
}

export interface NewBankTransfer {
  readonly amountCents: number;
  readonly reference: string;
  readonly receivedOn: string;
  readonly actor: string;
}

const BANK_TRANSFERS = `
  select b.id, b.invoice_id as "invoiceId", i.org_id as "orgId", b.amount_cents as "amountCents", b.reference,
         to_char(b.received_on, 'YYYY-MM-DD') as "receivedOn", b.recorded_by as "recordedBy", b.recorded_at as "recordedAt", b.reversed_at as "reversedAt"
    from bank_transfers b join invoices i on i.id = b.invoice_id`;

/** @throws TollgateError not_found; invalid_body for a day to come; conflict where the invoice does not want it */
export async function recordBankTransfer(
  tx: PoolClient,
  invoiceId: string,
  { amountCents, reference, receivedOn, actor }: NewBankTransfer,
): Promise<BankTransfer> {
  await lockInvoiced(tx, invoiceId);
  await refuseUnwanted(tx, invoiceId, amountCents, reference);
  await refuseDayToCome(tx, receivedOn);
  const id = newId();
  await tx.query('select record_bank_transfer($1, $2, $3, $4, $5, $6)', [
    id,
    invoiceId,
    amountCents,
    reference,
    receivedOn,
    actor,
  ]);
  await usageInvoicePaid(tx, invoiceId, { actor });
  return bankTransfer(tx, id);
}

async function lockInvoiced(tx: PoolClient, invoiceId: string): Promise<void> {
  const { rows } = await tx.query<{ orgId: string }>(
    `select org_id as "orgId" from invoices where id = $1 and kind = 'usage'`,
    [invoiceId],
  );
  if (rows[0] === undefined) {
    throw new TollgateError('not_found', { message: `There is no invoice of usage ${invoiceId}.`, param: 'id' });
  }
  await lockedOrganization(tx, rows[0].orgId);
}

async function refuseUnwanted(
  tx: PoolClient,
  invoiceId: string,
  amountCents: number,
  reference: string,
): Promise<void> {
  const { rows } = await tx.query<{ remaining: number; isKnown: boolean }>(
    `select remaining_of($1) as remaining,
            exists (select from bank_transfers where invoice_id = $1 and reference = $2 and reversed_at is null) as "isKnown"`,
    [invoiceId, reference],
  );
  const { remaining, isKnown } = rows[0] ?? { remaining: 0, isKnown: false };
  if (isKnown) {
    throw new TollgateError('conflict', {
      message: `A bank transfer with the reference "${reference}" is recorded for invoice ${invoiceId} already.`,
      param: 'reference',
    });
  }
  if (amountCents > remaining) {
    throw new TollgateError('conflict', {
      message: `Invoice ${invoiceId} wants ${formatUsd(nanoOf(cents(remaining)))} USD and no more; record what is beyond it for another invoice, or as a grant.`,
      param: 'amountCents',
    });
  }
}

async function refuseDayToCome(tx: PoolClient, receivedOn: string): Promise<void> {
  // One day more: it is tomorrow already where some banks are.
  const { rows } = await tx.query<{ isToCome: boolean }>(
    `select $1::date > (billing_now() at time zone 'UTC')::date + 1 as "isToCome"`,
    [receivedOn],
  );
  if (rows[0]?.isToCome !== true) return;
  throw new TollgateError('invalid_body', {
    message: `${receivedOn} is still to come: record a transfer once it is on the account.`,
    param: 'receivedOn',
  });
}

/** @throws TollgateError not_found; conflict where it was reversed before */
export async function reverseBankTransfer(tx: PoolClient, id: string, actor: string): Promise<BankTransfer> {
  const { invoiceId, orgId } = await bankTransfer(tx, id);
  await lockedOrganization(tx, orgId);
  const { rows } = await tx.query<{ isReversed: boolean }>('select reverse_bank_transfer($1, $2) as "isReversed"', [
    id,
    actor,
  ]);
  if (rows[0]?.isReversed !== true) {
    throw new TollgateError('conflict', { message: `Bank transfer ${id} has been reversed already.` });
  }
  await reopenCase(tx, { orgId, actor }, invoiceId);
  return bankTransfer(tx, id);
}

/** @throws TollgateError not_found */
async function bankTransfer(db: Queryable, id: string): Promise<BankTransfer> {
  const { rows } = await db.query<BankTransfer>(`${BANK_TRANSFERS} where b.id = $1`, [id]);
  if (rows[0] === undefined) {
    throw new TollgateError('not_found', { message: `There is no bank transfer ${id}.`, param: 'id' });
  }
  return rows[0];
}

/** Newest first. */
export async function bankTransfersOf(db: Queryable, invoiceId: string): Promise<BankTransfer[]> {
  const { rows } = await db.query<BankTransfer>(
    `${BANK_TRANSFERS} where b.invoice_id = $1 order by b.recorded_at desc, b.id desc`,
    [invoiceId],
  );
  return rows;
}
