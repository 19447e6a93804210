// Refused refunds as their workflows look at them and people tell them what to do. What was to go back is in our books again meanwhile; what
// is asked for again is sent like every refund, by the caretaker.
import type { Pool, PoolClient } from 'pg';
import { inDollars } from '../../domain/cents.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { audited, type Commanding, type CommandOutcome, commandOnce, type Obeyed } from '../processes/commands.ts';
import { refundWorkflowId } from '../processes/poke.ts';
import { beginRefund } from './refund-rows.ts';
import { markSeenTo } from './refused-refund-rows.ts';

export interface RefusedRefundView {
  readonly orgId: string;
  readonly orgName: string;
  readonly revision: number;
  readonly paymentId: string;
  readonly purpose: string;
  /** Cents that Stripe would not give back; null: nobody must see to it any more. */
  readonly refusedCents: number | null;
  readonly hasEnded: boolean;
  readonly asks: readonly never[];
  readonly waitMs: null;
  readonly wakeAt: null;
  readonly attention: string | null;
}

export type RefusedRefundCommand = Commanding & { readonly command: 'retryRefund' | 'dismiss' };

export class RefusedRefunds {
  readonly #db: Pool;

  constructor(db: Pool) {
    this.#db = db;
  }

  tick(paymentId: string): Promise<RefusedRefundView> {
    return viewOf(this.#db, paymentId);
  }

  command(paymentId: string, told: RefusedRefundCommand) {
    return inTransaction(this.#db, async (tx) =>
      audited(tx, refundWorkflowId(paymentId), told, await command(tx, paymentId, told)),
    );
  }
}

async function viewOf(db: Queryable, paymentId: string): Promise<RefusedRefundView> {
  const { rows } = await db.query<
    Pick<RefusedRefundView, 'orgId' | 'orgName' | 'revision' | 'purpose' | 'refusedCents'>
  >(
    `select f.org_id as "orgId", o.name as "orgName", f.revision, p.purpose, r.amount_cents as "refusedCents"
       from refused_refunds f join organizations o on o.id = f.org_id join payments p on p.id = f.payment_id left join refunds r on r.id = f.refund_id where f.payment_id = $1`,
    [paymentId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`no refund of payment ${paymentId} was ever refused`);
  const attention =
    row.refusedCents === null
      ? null
      : `Stripe would not give back ${inDollars(row.refusedCents)} of payment ${paymentId} (${row.purpose}): find out why at Stripe, then retryRefund or dismiss`;
  const rest = { asks: [], waitMs: null, wakeAt: null };
  return { ...row, paymentId, hasEnded: attention === null, attention, ...rest };
}

async function command(
  tx: PoolClient,
  paymentId: string,
  told: RefusedRefundCommand,
): Promise<CommandOutcome<RefusedRefundView>> {
  await lockOrganization(tx, (await viewOf(tx, paymentId)).orgId);
  return commandOnce(tx, refundWorkflowId(paymentId), told, {
    again: () => viewOf(tx, paymentId),
    obey: () => obey(tx, paymentId, told),
  });
}

async function obey(
  tx: PoolClient,
  paymentId: string,
  { command, actor, reason }: RefusedRefundCommand,
): Promise<Obeyed<object, RefusedRefundView>> {
  const { refusedCents } = await viewOf(tx, paymentId);
  if (refusedCents === null) return { kind: 'refused', why: 'wrong_state' };
  const { amountCents } = command === 'dismiss' ? NONE : await beginRefund(tx, paymentId, actor, refusedCents);
  if (command === 'retryRefund' && amountCents === 0) {
    return { kind: 'refused', why: 'nothing of it is unused or with us any more: dismiss it' };
  }
  await markSeenTo(tx, paymentId);
  const effect = { amountCents };
  const audit = { action: `refund.${KINDS[command]}`, targetKind: 'payment', targetId: paymentId } as const;
  return { kind: 'done', answer: await viewOf(tx, paymentId), effect, audit: { ...audit, after: effect, reason } };
}

const NONE = { amountCents: 0 };

/** As the audit log names them. */
const KINDS = { retryRefund: 'retried', dismiss: 'dismissed' } as const;
