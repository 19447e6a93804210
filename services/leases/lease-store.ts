// The lease statements of PostgreSQL (migrations/0003: take_credit, give_back), typed.
import type { Pool } from 'pg';
import type { PayUrlOf } from '../../domain/enforcement.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import type { Stage } from '../../domain/overdue-policy.ts';

export type TakeOutcome =
  | 'leased'
  | 'insufficient'
  | 'in_use'
  | 'cap_reached'
  | 'cap_in_use'
  | 'blocked'
  | 'provisioning';

export interface Taken {
  readonly outcome: TakeOutcome;
  readonly amount: Nano;
  readonly expiresAtMs: number | null;
  /** What could still be leased after this: the smaller of available credit and the tightest cap. */
  readonly left: Nano;
  /** Of a refusal: what leases hold of the money, or of the cap, that was short. */
  readonly held: Nano;
  readonly shortCapId: string | null;
  readonly resetsAtMs: number | null;
  /** The stage of the organization under which this was decided. */
  readonly enforcementSeq: number;
  readonly overdueStage: Stage;
  readonly payLink: string | null;
  /** What is spent of the lease costs list price up to here, and beyond it this many millionths of that; null: list price. */
  readonly atList: Nano;
  readonly beyondPpm: number | null;
}

export interface CreditWanted {
  readonly incarnationId: string;
  readonly leaseId: string;
  readonly apiKeyId: string;
  /** What requests wait for now, beyond what the lease has in hand. */
  readonly waiting: Nano;
  readonly target: Nano;
  /** What the smallest of them needs, and how much the lease has in hand for it. */
  readonly least: Nano;
  readonly inHand: Nano;
}

interface TakenRow {
  outcome: TakeOutcome;
  amount_nano: string;
  expires_ms: string | null;
  left_nano: string;
  held_nano: string;
  short_cap: string | null;
  resets_ms: string | null;
  enforcement_seq: number;
  overdue_stage: Stage;
  pay_invoice_id: string | null;
  at_list_nano: string | null;
  beyond_ppm: number | null;
}

/** One transaction. Throws what pg throws; a fenced incarnation is SQLSTATE TG001. */
export async function takeCredit(db: Pool, wanted: CreditWanted, payUrlOf: PayUrlOf): Promise<Taken> {
  const { incarnationId, leaseId, apiKeyId, waiting, target, least, inHand } = wanted;
  const { rows } = await db.query<TakenRow>({
    name: 'take-credit',
    text: `select outcome, amount_nano, (extract(epoch from expires_at) * 1000)::bigint as expires_ms, left_nano, held_nano,
                  short_cap, (extract(epoch from resets_at) * 1000)::bigint as resets_ms,
                  enforcement_seq::float8 as enforcement_seq, overdue_stage, pay_invoice_id, at_list_nano, beyond_ppm
             from take_credit($1, $2, $3, $4, $5, $6, $7)`,
    values: [incarnationId, leaseId, apiKeyId, waiting, target, least, inHand],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('take_credit returned no row');
  return {
    outcome: row.outcome,
    amount: nano(row.amount_nano),
    expiresAtMs: row.expires_ms === null ? null : Number(row.expires_ms),
    left: nano(row.left_nano),
    held: nano(row.held_nano),
    shortCapId: row.short_cap,
    resetsAtMs: row.resets_ms === null ? null : Number(row.resets_ms),
    enforcementSeq: row.enforcement_seq,
    overdueStage: row.overdue_stage,
    payLink: row.pay_invoice_id === null ? null : payUrlOf(row.pay_invoice_id),
    atList: nano(row.at_list_nano ?? '0'),
    beyondPpm: row.beyond_ppm,
  };
}

/** SQLSTATE TG002 of migrations/0003: this lease is closed, or older than the period of a cap, the organization's stage or the key's member. */
export function cannotGrow(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'TG002';
}

/** Returns unspent credit to its grants; with `close` all of it, and the lease ends, also one that was never opened. */
export async function giveBack(
  db: Pool,
  incarnationId: string,
  lease: { readonly id: string; readonly apiKeyId: string },
  amount: Nano,
  close: boolean,
): Promise<Nano> {
  const { rows } = await db.query<{ returned: string }>({
    name: 'give-back',
    text: 'select give_back($1, $2, $3, $4, $5) as returned',
    values: [incarnationId, lease.id, lease.apiKeyId, amount, close],
  });
  return nano(rows[0]?.returned ?? '0');
}

/** Asks every gateway to give back the free credit that it holds for an organization. */
export async function recall(db: Pool, orgId: string): Promise<void> {
  await db.query(`select pg_notify('tollgate_config', 'recall:' || $1)`, [orgId]);
}

export interface CapView {
  readonly scope: string;
  readonly period: string;
  readonly amount: Nano;
}

/** Null: it was removed meanwhile. */
export async function capById(db: Pool, capId: string): Promise<CapView | null> {
  const { rows } = await db.query<{ scope: string; period: string; amount_nano: string }>(
    'select scope, period, amount_nano from caps where id = $1',
    [capId],
  );
  const [row] = rows;
  return row === undefined ? null : { scope: row.scope, period: row.period, amount: nano(row.amount_nano) };
}
