// Refunds that Stripe would not make, of packs, top-ups, second captures and whatever no subscription answers for: a row of each payment whose
// refund a person must see to (D80). Its workflow has news of every change.
import type { PoolClient } from 'pg';
import { pokeProcess, refundWorkflowId } from '../processes/poke.ts';

/** Somebody must see to it, unless as much has gone back since. The caller holds the organization. */
export async function tellOfRefusedRefund(tx: PoolClient, refundId: string): Promise<void> {
  const { rows } = await tx.query<{ paymentId: string }>(
    `insert into refused_refunds as f (payment_id, org_id, refund_id)
     select p.id, p.org_id, r.id from refunds r join payments p on p.id = r.payment_id where r.id = $1 and not ${IS_MADE_GOOD}
     on conflict (payment_id) do update set refund_id = excluded.refund_id, revision = f.revision + 1
     returning payment_id as "paymentId"`,
    [refundId],
  );
  for (const { paymentId } of rows) await poke(tx, paymentId);
}

/** Money of it has gone back after all. */
export async function endRefusedRefund(tx: PoolClient, refundId: string): Promise<void> {
  const { rows } = await tx.query<{ paymentId: string }>(
    `select f.payment_id as "paymentId" from refused_refunds f join refunds r on r.id = f.refund_id join payments p on p.id = r.payment_id
      where p.id = (select done.payment_id from refunds done where done.id = $1) and ${IS_MADE_GOOD}`,
    [refundId],
  );
  for (const { paymentId } of rows) await markSeenTo(tx, paymentId);
}

/** All of the payment is back, or as much as was refused. */
const IS_MADE_GOOD = `exists (
  select from refunds b where b.payment_id = p.id and b.state <> 'failed'
  having sum(b.amount_cents) >= p.amount_cents or sum(b.amount_cents) filter (where b.transaction_id > r.transaction_id) >= r.amount_cents)`;

/** It was asked for again, made good, or left. */
export async function markSeenTo(tx: PoolClient, paymentId: string): Promise<void> {
  const { rowCount } = await tx.query(
    'update refused_refunds set refund_id = null, revision = revision + 1 where payment_id = $1 and refund_id is not null',
    [paymentId],
  );
  if (rowCount === 1) await poke(tx, paymentId);
}

function poke(tx: PoolClient, paymentId: string): Promise<void> {
  return pokeProcess(tx, refundWorkflowId(paymentId), 'refund', paymentId);
}
