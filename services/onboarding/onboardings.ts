// Applications as their workflows look at them. A look takes what people have decided since, and what time brings, and then carries out at most
// one step of what is provisioned, in the transaction that says so (D91); whether there is more to do at once it says.
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { Onboarding, OnboardingEvent } from '../../domain/onboarding.ts';
import { askOf, attentionOf, nextOf, type ProvisioningFact, type StepAsk } from '../../domain/provisioning.ts';
import { writeAudit } from '../audit/audit.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction } from '../platform/postgres.ts';
import { onboardingWorkflowId } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { type Application, application, lockedApplication } from './application-rows.ts';
import { summaryOf, target } from './applications.ts';
import { asDecided, type Decision, decision, decisionsOf, objectionTo } from './decisions.ts';
import { attentionInWords, failureInWords } from './obstacle-words.ts';
import { carryOut, ONBOARDING_ACTOR } from './provisioning-steps.ts';
import { takeOnboardingTurn } from './turn.ts';

export interface OnboardingView {
  readonly orgId: string;
  readonly revision: number;
  readonly applicationId: string;
  readonly company: string;
  readonly stage: Onboarding['stage']['kind'];
  readonly formRevision: number;
  /** Whose decision it waits for; null: nobody's. */
  readonly level: number | null;
  /** Steps of what is provisioned, in their order. */
  readonly done: readonly string[];
  readonly next: string | null;
  /** There is something to do at once. */
  readonly goesOn: boolean;
  readonly hasEnded: boolean;
  readonly asks: readonly never[];
  readonly waitMs: number | null;
  readonly wakeAt: string | null;
  readonly attention: string | null;
}

export type DecisionOutcome =
  | { readonly kind: 'done'; readonly answer: OnboardingView }
  | { readonly kind: 'refused'; readonly why: string };

export class Onboardings {
  readonly #db: Pool;

  constructor(db: Pool) {
    this.#db = db;
  }

  async tick(applicationId: string): Promise<OnboardingView> {
    const ask = await inTransaction(this.#db, async (tx) => {
      const before = await lockedApplication(tx, applicationId);
      return askOfRow(tx, await turned(tx, before, await eventFor(tx, before)));
    });
    if (ask !== null) await this.#carryOut(applicationId, ask);
    return inTransaction(this.#db, (tx) => viewOf(tx, applicationId));
  }

  /** Told by an id that anybody may have made up: it counts if the row does. */
  async decide(applicationId: string, decisionId: string): Promise<DecisionOutcome> {
    const made = await decision(this.#db, decisionId);
    if (made === null || made.applicationId !== applicationId) {
      return { kind: 'refused', why: `application ${applicationId} has no decision ${decisionId}` };
    }
    const refusal = await inTransaction(this.#db, async (tx) => {
      const before = await lockedApplication(tx, applicationId);
      const objection = await objectionTo(tx, before, made);
      if (objection !== null) return objection;
      const result = await takeOnboardingTurn(
        tx,
        before,
        { kind: 'decided', decision: asDecided(made) },
        asker(before),
      );
      if (result.kind === 'refused') return `decision ${decisionId} counts no more: ${result.reason}`;
      await auditStage(tx, before, made.reason ?? undefined);
      return null;
    });
    if (refusal !== null) return { kind: 'refused', why: refusal };
    return { kind: 'done', answer: await inTransaction(this.#db, (tx) => viewOf(tx, applicationId)) };
  }

  /** Somebody else may have carried it out meanwhile: then it is not asked for any more. */
  async #carryOut(applicationId: string, ask: StepAsk): Promise<void> {
    try {
      await inTransaction(this.#db, async (tx) => {
        const before = await lockedApplication(tx, applicationId);
        const wanted = await askOfRow(tx, before);
        if (JSON.stringify(wanted) === JSON.stringify(ask)) await turned(tx, before, await carryOut(tx, before, ask));
      });
    } catch (error) {
      const failure = failureOf(ask, error);
      // Where PostgreSQL does not answer this fails, too, and no failure is counted.
      await inTransaction(this.#db, async (tx) => turned(tx, await lockedApplication(tx, applicationId), failure));
    }
  }
}

function asker({ id }: Application) {
  return { asker: onboardingWorkflowId(id) };
}

async function turned(tx: PoolClient, before: Application, event: OnboardingEvent): Promise<Application> {
  const result = await takeOnboardingTurn(tx, before, event, asker(before));
  if (result.kind === 'refused') throw new Error(`${event.kind} was refused: ${result.reason}`);
  return auditStage(tx, before);
}

/** Who decided has his entry already; this is what came of it, and what time and provisioning brought. */
async function auditStage(tx: PoolClient, before: Application, reason?: string): Promise<Application> {
  const after = await application(tx, before.id);
  const [was, is] = [standing(before), standing(after)];
  if (JSON.stringify(was) === JSON.stringify(is)) return after;
  const author = { actor: ONBOARDING_ACTOR, requestId: newId(), workflowId: onboardingWorkflowId(before.id) };
  await writeAudit(tx, author, { action: 'application.went_on', ...target(before.id), before: was, after: is, reason });
  return after;
}

function standing(about: Application): object {
  const { stage } = about.state;
  if (!('saga' in stage)) return { ...summaryOf(about), ...('level' in stage ? { level: stage.level } : {}) };
  const { done, course, gaveUp } = stage.saga;
  return { ...summaryOf(about), course, done, gaveUp };
}

/** What people decided, if they may have, else that time has passed. */
async function eventFor(tx: PoolClient, about: Application): Promise<OnboardingEvent> {
  const made = await awaitedDecision(tx, about);
  if (made === null || (await objectionTo(tx, about, made)) !== null) return { kind: 'tick' };
  return { kind: 'decided', decision: asDecided(made) };
}

async function awaitedDecision(tx: PoolClient, { id, state }: Application): Promise<Decision | null> {
  const { stage, formRevision } = state;
  if (stage.kind !== 'in_review') return null;
  const made = await decisionsOf(tx, id);
  return made.find(({ revision, level }) => revision === formRevision && level === stage.level) ?? null;
}

async function askOfRow(tx: PoolClient, { state: { stage } }: Application): Promise<StepAsk | null> {
  return 'saga' in stage ? askOf(stage.saga, await billingNow(tx)) : null;
}

function failureOf(ask: StepAsk, error: unknown): ProvisioningFact {
  const why = { code: 'defect', detail: error instanceof Error ? error.message : String(error) } as const;
  if (ask.kind === 'undo') return { kind: 'undo_failed', step: ask.done.step, why };
  return { kind: 'step_failed', step: ask.step, why, isRefused: error instanceof TollgateError };
}

async function viewOf(tx: PoolClient, id: string): Promise<OnboardingView> {
  const about = await application(tx, id);
  const { state, wakeAt, orgId, form } = about;
  const { stage, revision, formRevision } = state;
  const saga = 'saga' in stage ? stage.saga : null;
  const next = saga === null ? null : nextOf(saga);
  const isEnd = stage.kind === 'rejected' || stage.kind === 'withdrawn' || stage.kind === 'expired';
  return {
    ...{ orgId, revision, applicationId: id, company: form.company ?? '', stage: stage.kind, formRevision },
    level: stage.kind === 'in_review' ? stage.level : null,
    done: saga?.done.map(({ step }) => step) ?? [],
    next,
    goesOn: (await askOfRow(tx, about)) !== null,
    hasEnded: isEnd || (stage.kind === 'active' && next === null),
    asks: [],
    waitMs: wakeAt === null ? null : Math.max(wakeAt.getTime() - (await billingNow(tx)), 0),
    wakeAt: wakeAt?.toISOString() ?? null,
    attention: await attentionFor(tx, about),
  };
}

async function attentionFor(tx: PoolClient, about: Application): Promise<string | null> {
  const { stage } = about.state;
  if ('saga' in stage) {
    const waits = attentionOf(stage.saga);
    return waits === null ? null : attentionInWords(waits);
  }
  if (stage.kind !== 'in_review') return null;
  const made = await awaitedDecision(tx, about);
  const objection = made === null ? null : await objectionTo(tx, about, made);
  if (objection !== null) return `decision ${made?.id} does not count: ${objection}`;
  return stage.failure === null
    ? null
    : `provisioning was undone, ${failureInWords(stage.failure)}: decide anew at level ${stage.level}`;
}
