// The link to pay, sent once more because somebody of our staff was asked for it. No ladder waits for this mail.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { invoice } from '../invoices/invoices.ts';
import { queueMail } from '../notifications/outbox.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { unpaidFacts } from './dunning-mails.ts';

/**
 * To whoever gets the bills; how many that are. Once for each request.
 * @throws TollgateError conflict for what cannot be paid by a link
 */
export async function sendPayLink(tx: PoolClient, invoiceId: string, requestId: string): Promise<number> {
  const { orgId } = await invoice(tx, invoiceId);
  await lockOrganization(tx, orgId);
  const { isPayable, state } = await invoice(tx, invoiceId);
  if (!isPayable) {
    const why = state === 'open' ? 'waits for its tax, or is on a page of Stripe' : `is ${state}`;
    throw new TollgateError('conflict', { message: `Invoice ${invoiceId} ${why}: nobody can pay it by a link.` });
  }
  const eventKey = `pay_link:${invoiceId}:${requestId}`;
  const unpaid = await unpaidFacts(tx, { invoice: { invoiceId } });
  const { rows: standing } = await tx.query<{ isOverdue: boolean }>(
    'select due_at < billing_now() as "isOverdue" from invoices where id = $1',
    [invoiceId],
  );
  const isOverdue = standing[0]?.isOverdue ?? false;
  // When it has which consequence its case says, which warns of each in time.
  const facts = { ...unpaid, which: 'first', isOverdue, limitedAt: null } as const;
  await queueMail(tx, { orgId, kind: 'remind', key: eventKey, facts });
  const { rows } = await tx.query<{ count: number }>(
    'select count(recipient)::int as count from notifications where event_key = $1',
    [eventKey],
  );
  return rows[0]?.count ?? 0;
}
