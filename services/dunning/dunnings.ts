// Cases of unpaid invoices as processes look at them and people command them.
import type { Pool, PoolClient } from 'pg';
import { type DunningCommand, stepDunning } from '../../domain/dunning.ts';
import {
  OVERDUE_POLICIES,
  type RungName,
  rungsAhead,
  standingOf,
  stopDecisionAskedAt,
} from '../../domain/overdue-policy.ts';
import type { AuditEntry } from '../audit/audit.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { faultsInWords, type LastingFaults, sinceFaults } from '../payments/charge-faults.ts';
import { inTransaction } from '../platform/postgres.ts';
import { audited, type Commanding, type CommandOutcome, commandOnce, type Obeyed } from '../processes/commands.ts';
import { dunningWorkflowId } from '../processes/poke.ts';
import type { CardAsk } from '../subscriptions/subscriptions.ts';
import { takeTurn } from '../subscriptions/turn.ts';
import { type DunningRow, dunningRow, seeClose } from './dunning-rows.ts';

/** ISO 8601. */
interface Moment {
  readonly what: string;
  readonly at: string;
}

export interface DunningView {
  readonly invoiceId: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly dueAt: string;
  /** Notices that the mail server took over, oldest first. */
  readonly told: readonly Moment[];
  /** Rungs of the ladder that are still to come. */
  readonly ahead: readonly Moment[];
  readonly revision: number;
  readonly policy: 'renewal' | 'postpaid';
  /** What this invoice alone brings upon its organization. */
  readonly stage: 'none' | 'limited' | 'stopped';
  /** Of the invoice, what is still to be paid. */
  readonly amountCents: number;
  readonly attempts: number;
  readonly closed: 'paid' | 'void' | 'waived' | null;
  readonly hasEnded: boolean;
  readonly asks: readonly CardAsk[];
  readonly waitMs: number | null;
  readonly wakeAt: string | null;
  readonly attention: string | null;
}

interface CaseCommanding extends Commanding {
  /** That the person has seen; undefined: whatever stands now. */
  readonly revision?: number | undefined;
  /** The workflow that waits for the answer. */
  readonly asker?: string | undefined;
}

export type CaseCommand =
  | { readonly command: 'retryNow' | 'waive' | 'decideStop' }
  | { readonly command: 'extend'; readonly until: Date }
  | { readonly command: 'skipTo'; readonly step: RungName };

/** As somebody types it. Null: it is no command, or lacks what it needs. */
export function caseCommandFrom(told: {
  readonly command: string;
  readonly until?: string | undefined;
  readonly step?: string | undefined;
}): CaseCommand | null {
  switch (told.command) {
    case 'retryNow':
    case 'waive':
    case 'decideStop':
      return { command: told.command };
    case 'extend': {
      const until = new Date(told.until ?? '');
      return Number.isNaN(until.getTime()) ? null : { command: 'extend', until };
    }
    case 'skipTo': {
      const step = RUNGS.find((name) => name === told.step);
      return step === undefined ? null : { command: 'skipTo', step };
    }
    default:
      return null;
  }
}

/** Of every policy. */
export const RUNGS: readonly RungName[] = [
  ...new Set(
    Object.values(OVERDUE_POLICIES).flatMap(({ notices, restrict, end, escalations }) =>
      [...notices, restrict, end, ...escalations].map(({ name }) => name),
    ),
  ),
];

const ACTIONS: Readonly<Record<CaseCommand['command'], string>> = {
  retryNow: 'retry_now',
  waive: 'waive',
  decideStop: 'decide_stop',
  extend: 'extend',
  skipTo: 'skip_to',
};

export class Dunnings {
  readonly #db: Pool;

  constructor(db: Pool) {
    this.#db = db;
  }

  /** Its workflow asks: time has passed, or there is news. A close is news once, however often somebody looks. */
  tick(invoiceId: string): Promise<DunningView & { readonly isCloseNews: boolean }> {
    return inTransaction(this.#db, async (tx) => {
      const { orgId } = await dunningRow(tx, invoiceId);
      const context = { orgId, actor: 'dunning', asker: dunningWorkflowId(invoiceId) };
      await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event: { kind: 'tick' } });
      const view = await viewOf(tx, invoiceId);
      return { ...view, isCloseNews: view.hasEnded && (await seeClose(tx, invoiceId)) };
    });
  }

  command(invoiceId: string, wanted: CaseCommand & CaseCommanding) {
    return inTransaction(this.#db, async (tx) =>
      audited(tx, dunningWorkflowId(invoiceId), wanted, await commandDunning(tx, invoiceId, wanted)),
    );
  }
}

export async function commandDunning(
  tx: PoolClient,
  invoiceId: string,
  wanted: CaseCommand & CaseCommanding,
): Promise<CommandOutcome<DunningView>> {
  const { orgId } = await dunningRow(tx, invoiceId);
  await lockOrganization(tx, orgId);
  return commandOnce(tx, dunningWorkflowId(invoiceId), wanted, {
    again: () => viewOf(tx, invoiceId),
    obey: () => obey(tx, invoiceId, wanted),
  });
}

async function obey(
  tx: PoolClient,
  invoiceId: string,
  wanted: CaseCommand & CaseCommanding,
): Promise<Obeyed<Pick<DunningView, 'stage'>, DunningView>> {
  const { command, actor, reason, asker } = wanted;
  const before = await dunningRow(tx, invoiceId);
  const context = { orgId: before.orgId, actor, asker };
  const event = commandOf(before, wanted);
  const refusal = await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event });
  if (refusal !== null) return { kind: 'refused', why: refusal };
  const answer = await viewOf(tx, invoiceId);
  const { stage, closed, wakeAt } = answer;
  const audit: AuditEntry = {
    action: `dunning.${ACTIONS[command]}`,
    targetKind: 'invoice',
    targetId: invoiceId,
    after: { stage, closed, wakeAt },
    reason,
  };
  return { kind: 'done', answer, effect: { stage }, audit };
}

function commandOf({ state }: DunningRow, wanted: CaseCommand & CaseCommanding): DunningCommand {
  const { requestId, revision = state.revision } = wanted;
  switch (wanted.command) {
    case 'retryNow':
      return { kind: 'retry_now', requestId, revision };
    case 'waive':
      return { kind: 'waive', requestId, revision };
    case 'decideStop':
      return { kind: 'decide_stop', requestId, revision };
    case 'extend':
      return { kind: 'extend', requestId, revision, untilMs: wanted.until.getTime() };
    case 'skipTo':
      return { kind: 'skip_to', requestId, revision, rung: wanted.step };
  }
}

export async function viewOf(tx: PoolClient, invoiceId: string): Promise<DunningView> {
  const row = await dunningRow(tx, invoiceId);
  const { orgId, state, wakeAt, readAtMs: nowMs } = row;
  const { stage } = standingOf(state.invoice, state.incidents, nowMs);
  const { rows } = await tx.query<{ amountCents: number; dueAt: Date; orgName: string }>(
    `select coalesce(remaining_of(i.id), i.amount_cents) as "amountCents", i.due_at as "dueAt", o.name as "orgName"
       from invoices i join organizations o on o.id = i.org_id where i.id = $1`,
    [invoiceId],
  );
  if (rows[0] === undefined) throw new Error(`there is no invoice ${invoiceId}`);
  const { amountCents, dueAt, orgName } = rows[0];
  const ahead = state.closed === null ? rungsAhead(state.invoice, state.incidents, nowMs) : [];
  return {
    invoiceId,
    orgId,
    orgName,
    dueAt: dueAt.toISOString(),
    told: Object.entries(state.invoice.handedOver)
      .sort(([, one], [, other]) => one - other)
      .map(([what, atMs]) => moment(what, atMs)),
    ahead: ahead.map(({ name, atMs }) => moment(name, atMs)),
    revision: state.revision,
    policy: state.invoice.policy,
    stage: state.closed === null ? stage : 'none',
    amountCents,
    attempts: state.invoice.attempts.length,
    closed: state.closed,
    hasEnded: state.closed !== null,
    asks: asksOf(invoiceId, state, nowMs),
    waitMs: wakeAt === null ? null : Math.max(wakeAt.getTime() - nowMs, 0),
    wakeAt: wakeAt?.toISOString() ?? null,
    attention: inWords(await waitsForUs(tx, row)),
  };
}

function moment(what: string, atMs: number): Moment {
  return { what, at: new Date(atMs).toISOString() };
}

/** A step repeats its asks: one that changes nothing tells what is still unanswered. */
function asksOf(invoiceId: string, state: DunningRow['state'], nowMs: number): CardAsk[] {
  const result = stepDunning(state, { kind: 'tick' }, nowMs);
  if (result.kind === 'refused') return [];
  return result.asks.flatMap((ask): CardAsk[] => {
    if (ask.kind === 'charge') return [{ kind: 'charge', invoiceId, attempt: ask.attempt }];
    return ask.kind === 'look_at_payment' ? [{ kind: 'look', invoiceId }] : [];
  });
}

/** What a person of ours is asked. */
export type WaitsForUs =
  | { readonly code: 'stop_decision' }
  | { readonly code: 'charge_faults'; readonly faults: LastingFaults };

/** A postpaid customer is stopped by a person's word alone. Null: nobody is waited for. */
export async function waitsForUs(
  tx: PoolClient,
  { invoiceId, state, readAtMs }: DunningRow,
): Promise<WaitsForUs | null> {
  if (state.closed !== null) return null;
  if (stopDecisionAskedAt(state.invoice, readAtMs) !== null) return { code: 'stop_decision' };
  const faults = await sinceFaults(tx, { invoiceId });
  return faults === null ? null : { code: 'charge_faults', faults };
}

/** For the logs and Temporal's UI. */
function inWords(waits: WaitsForUs | null): string | null {
  if (waits === null) return null;
  return waits.code === 'stop_decision'
    ? 'the debt is 30 days overdue: stop the customer, or give him time'
    : faultsInWords(waits.faults);
}
