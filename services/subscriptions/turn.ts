// A turn: one fact or command, and all that follows from it at once in the processes of its organization, under the organization's lock and
// in one transaction. A payment begins a period, closes a case of dunning and lifts its restriction together or not at all; what needs
// Stripe or time is left in the rows, for the workflows that look at them.
import type { PoolClient } from 'pg';
import {
  type Dunning,
  type DunningAsk,
  type DunningCommand,
  type DunningFact,
  movedDunning,
  postpaidDunning,
  renewalDunning,
  stepDunning,
} from '../../domain/dunning.ts';
import { dateOf } from '../../domain/moments.ts';
import { overdueSince } from '../../domain/subscription.ts';
import type { SubscriptionCommand } from '../../domain/subscription-commands.ts';
import { type SubscriptionAsk, type SubscriptionFact, stepSubscription } from '../../domain/subscription-step.ts';
import { queueDunningMail } from '../dunning/dunning-mails.ts';
import {
  type DunningRow,
  dunningRow,
  findDunning,
  insertDunning,
  lastVoidDebt,
  listIncidentTimes,
  saveDunning,
} from '../dunning/dunning-rows.ts';
import { reevaluateEnforcement } from '../dunning/reevaluation.ts';
import { type HeldOrganization, lockOrganization, lockSubscriber } from '../organizations/organizations.ts';
import type { Queryable } from '../platform/postgres.ts';
import { dunningWorkflowId, pokeProcess, subscriptionWorkflowId } from '../processes/poke.ts';
import { invoiceIdOf } from './invoices-of-plans.ts';
import { applyBenefits } from './plan-benefits.ts';
import { queuePlanMails } from './plan-mails.ts';
import { write } from './plan-writes.ts';
import { noSubscription, type SubscriptionRow, saveSubscription, subscriptionRow } from './subscription-rows.ts';

export type ProcessEvent =
  | {
      readonly process: 'subscription';
      readonly id: string;
      readonly event: SubscriptionFact | SubscriptionCommand;
    }
  | { readonly process: 'dunning'; readonly id: string; readonly event: DunningFact | DunningCommand };

export interface Told {
  readonly actor: string;
  /** The workflow that waits for the answer, and needs no poke to look. */
  readonly asker?: string | undefined;
  /** The customer had his receipt in days that a restored database has forgotten: that one counts, and none is mailed again (D151). */
  readonly hasReceipt?: boolean;
}

export interface TurnContext extends Told {
  readonly orgId: string;
  /** Billing time of the event, where it is not that of the transaction. */
  readonly atMs?: number;
}

/** Null: done. Otherwise why a command was refused: then nothing has changed. */
export type TurnRefusal = string | null;

/** Takes the organization's lock. Events that follow from the first are taken in the same turn. */
export async function takeTurn(tx: PoolClient, context: TurnContext, first: ProcessEvent): Promise<TurnRefusal> {
  const turn = new Turn(tx, context, await lockOrganization(tx, context.orgId));
  const refusal = await turn.take(first);
  if (refusal === null) await turn.end();
  return refusal;
}

/** Time has passed, or there is news. Takes the organization's lock. As the subscription stands then. */
export async function tickSubscription(tx: PoolClient, id: string, told: Told): Promise<SubscriptionRow> {
  const organization = (await lockSubscriber(tx, id)) ?? noSubscription(id);
  const turn = new Turn(tx, { ...told, orgId: organization.id }, organization);
  await turn.take({ process: 'subscription', id, event: { kind: 'tick' } });
  await turn.end();
  return turn.subscription(id);
}

/** An invoice of usage is a case from its issue on: its first reminder comes before it is due. */
export async function openPostpaidCase(
  tx: PoolClient,
  context: TurnContext,
  invoiceId: string,
  dueAtMs: number,
): Promise<void> {
  const state = postpaidDunning(invoiceId, dueAtMs);
  await insertDunning(tx, { invoiceId, orgId: context.orgId, subscriptionId: null, state });
  await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event: { kind: 'tick' } });
}

/** The money that closed it went back. What its customer was told stays told, and the ladder goes on where it stands by now. */
export async function reopenCase(tx: PoolClient, context: TurnContext, invoiceId: string): Promise<void> {
  const { state } = await dunningRow(tx, invoiceId);
  if (state.closed !== 'paid') return;
  await saveDunning(tx, invoiceId, { ...state, closed: null, revision: state.revision + 1 }, null);
  await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event: { kind: 'tick' } });
}

export async function billingNow(tx: Queryable): Promise<number> {
  const { rows } = await tx.query<{ nowMs: number }>(
    'select floor(extract(epoch from billing_now()) * 1000)::float8 as "nowMs"',
  );
  return rows[0]?.nowMs ?? Number.NaN;
}

class Turn {
  readonly #tx: PoolClient;
  readonly #context: TurnContext;
  #organization: HeldOrganization;
  /**
   * When its first row was read, under the lock, and not when the transaction began: another turn may have been taken since, and nothing that
   * it saw has not happened yet.
   */
  #nowMs = Number.NaN;
  /** Nobody else changes them while the organization is held: each is read once (D114). */
  readonly #subscriptions = new Map<string, SubscriptionRow>();
  readonly #dunnings = new Map<string, DunningRow>();
  readonly #queue: ProcessEvent[] = [];
  /** Workflow id -> whose. */
  readonly #touched = new Map<string, { readonly process: ProcessEvent['process']; readonly id: string }>();
  #debtsChanged = false;

  constructor(tx: PoolClient, context: TurnContext, organization: HeldOrganization) {
    this.#tx = tx;
    this.#context = context;
    this.#organization = organization;
  }

  async take(first: ProcessEvent): Promise<TurnRefusal> {
    const row = first.process === 'subscription' ? this.subscription(first.id) : this.#dunning(first.id);
    this.#nowMs = this.#context.atMs ?? (await row).readAtMs;
    const refusal = await this.#step(first);
    if (refusal !== null) return refusal;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) await this.#step(next);
    return null;
  }

  async end(): Promise<void> {
    const { orgId, asker } = this.#context;
    if (this.#debtsChanged) await reevaluateEnforcement(this.#tx, orgId, this.#nowMs);
    for (const [workflowId, { process, id }] of this.#touched) {
      if (workflowId !== asker) await pokeProcess(this.#tx, workflowId, process, id);
    }
  }

  async subscription(id: string): Promise<SubscriptionRow> {
    const row = this.#subscriptions.get(id) ?? (await subscriptionRow(this.#tx, id));
    this.#subscriptions.set(id, row);
    return row;
  }

  async #dunning(invoiceId: string): Promise<DunningRow> {
    const row = this.#dunnings.get(invoiceId) ?? (await dunningRow(this.#tx, invoiceId));
    this.#dunnings.set(invoiceId, row);
    return row;
  }

  #step(event: ProcessEvent): Promise<TurnRefusal> {
    return event.process === 'subscription' ? this.#stepSubscription(event) : this.#stepDunning(event);
  }

  async #stepSubscription({ id, event }: ProcessEvent & { process: 'subscription' }): Promise<TurnRefusal> {
    const row = await this.subscription(id);
    const { state: before } = row;
    const result = stepSubscription(before, event, this.#nowMs);
    if (result.kind === 'refused') return result.reason;
    const { state, writes, asks, wakeAtMs } = result;
    const about = { ...this.#context, subscriptionId: id, state };
    for (const one of writes) await write(this.#tx, about, one);
    const wakeAt = dateOf(wakeAtMs);
    if (state !== before || wakeAt?.getTime() !== row.wakeAt?.getTime())
      await saveSubscription(this.#tx, id, state, wakeAt);
    this.#subscriptions.set(id, { ...row, state, wakeAt });
    if (overdueSince(before) !== null || overdueSince(state) !== null) this.#debtsChanged = true;
    // One that ended before has had its say: another may give benefits by now.
    if (before.phase.kind !== 'ended') {
      this.#organization = await applyBenefits(this.#tx, this.#organization, state, this.#nowMs);
    }
    await queuePlanMails(this.#tx, { ...about, before, event, writes, nowMs: this.#nowMs });
    for (const ask of asks) await this.#seeToAsk(id, ask, event);
    this.#touched.set(subscriptionWorkflowId(id), { process: 'subscription', id });
    return null;
  }

  async #seeToAsk(
    subscriptionId: string,
    ask: SubscriptionAsk,
    event: SubscriptionFact | SubscriptionCommand,
  ): Promise<void> {
    if (ask.kind !== 'start_dunning' || event.kind !== 'charged' || event.outcome.kind !== 'declined') return;
    const invoiceId = invoiceIdOf(subscriptionId, ask.invoice);
    if ((await findDunning(this.#tx, invoiceId)) !== null) return;
    const answer = { atMs: this.#nowMs, decline: event.outcome.decline };
    const declined = { number: 1, askedAtMs: this.#nowMs, doubtfulAtMs: null, answer };
    const former = ask.overdueSinceMs < this.#nowMs ? await lastVoidDebt(this.#tx, subscriptionId) : null;
    const state =
      former === null
        ? renewalDunning(invoiceId, ask.overdueSinceMs, declined)
        : movedDunning(former.state, invoiceId, declined);
    await insertDunning(this.#tx, { invoiceId, orgId: this.#context.orgId, subscriptionId, state });
    this.#queue.push({ process: 'dunning', id: invoiceId, event: { kind: 'tick' } });
  }

  async #stepDunning({ id, event }: ProcessEvent & { process: 'dunning' }): Promise<TurnRefusal> {
    const row = await this.#dunning(id);
    const incidents = await listIncidentTimes(this.#tx, row.orgId, id);
    const result = stepDunning({ ...row.state, incidents }, event, this.#nowMs);
    if (result.kind === 'refused') return result.reason;
    const wakeAt = dateOf(result.wakeAtMs);
    await saveDunning(this.#tx, id, result.state, wakeAt);
    this.#dunnings.set(id, { ...row, state: result.state, wakeAt });
    for (const ask of result.asks) await this.#seeToDunningAsk(row.subscriptionId, result.state, ask);
    this.#touched.set(dunningWorkflowId(id), { process: 'dunning', id });
    return null;
  }

  async #seeToDunningAsk(subscriptionId: string | null, state: Dunning, ask: DunningAsk): Promise<void> {
    switch (ask.kind) {
      case 'reevaluate_enforcement':
        this.#debtsChanged = true;
        return;
      case 'notify':
        return queueDunningMail(this.#tx, this.#context.orgId, state, ask.notice);
      case 'end_plan': {
        if (subscriptionId === null) return;
        const invoice = await nameOf(this.#tx, state.invoice.invoiceId);
        this.#queue.push({ process: 'subscription', id: subscriptionId, event: { kind: 'grace_over', invoice } });
        return;
      }
      // Stripe is asked by the workflow.
      case 'charge':
      case 'look_at_payment':
        return;
    }
  }
}

/** As its subscription knows it. */
async function nameOf(tx: PoolClient, invoiceId: string): Promise<string> {
  const { rows } = await tx.query<{ name: string }>('select name from invoices where id = $1', [invoiceId]);
  if (rows[0] === undefined) throw new Error(`there is no invoice ${invoiceId}`);
  return rows[0].name;
}
