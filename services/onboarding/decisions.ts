// What people of ours decide about an application: a row, written once for each of its revisions and levels for whoever may decide. It takes
// effect when its workflow reads it, which believes nothing but the row, and asks again whether that one may decide (D90).
import type { PoolClient } from 'pg';
import type { EnterpriseTerms } from '../../domain/enterprise-terms.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Decision as Decided, type OnboardingRefusal, stepOnboarding } from '../../domain/onboarding.ts';
import { type Author, type WrittenAudit, writeAudit } from '../audit/audit.ts';
import { newId } from '../platform/ids.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';
import { onboardingWorkflowId, pokeProcess } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { type Application, lockedApplication } from './application-rows.ts';
import { target } from './applications.ts';
import { clockAt } from './business-calendar.ts';

export interface Decision {
  readonly id: string;
  readonly applicationId: string;
  readonly revision: number;
  readonly level: number;
  readonly kind: 'approve' | 'ask' | 'reject';
  readonly terms: EnterpriseTerms | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly at: Date;
}

export type WantedDecision = Pick<Decision, 'revision' | 'level' | 'kind' | 'terms' | 'reason'>;

const DECISIONS = `
  select d.id, d.application_id as "applicationId", d.revision, d.level, d.kind, d.terms, d.reason, d.actor, d.at from application_decisions d`;

/** The oldest first. */
export async function decisionsOf(db: Queryable, applicationId: string): Promise<Decision[]> {
  const { rows } = await db.query<Decision>(`${DECISIONS} where d.application_id = $1 order by d.revision, d.level`, [
    applicationId,
  ]);
  return rows;
}

/** Null: nobody has made it. */
export async function decision(db: Queryable, id: string): Promise<Decision | null> {
  const { rows } = await db.query<Decision>(`${DECISIONS} where d.id = $1`, [id]);
  return rows[0] ?? null;
}

/**
 * The author is authorized already, as far as his role goes.
 * @throws TollgateError not_found; conflict for what somebody decided before, or nobody is asked; forbidden for whom it concerns himself, and
 * for a second person who was the first
 */
export async function decide(
  tx: PoolClient,
  applicationId: string,
  wanted: WantedDecision,
  author: Author,
): Promise<{ readonly decision: Decision; readonly audit: WrittenAudit }> {
  const about = await lockedApplication(tx, applicationId);
  const known = await decisionsOf(tx, applicationId);
  const earlier = known.find(({ revision, level }) => revision === wanted.revision && level === wanted.level);
  if (earlier !== undefined) throw decidedBefore(earlier);
  const clock = await clockAt(tx, await billingNow(tx));
  const result = stepOnboarding(about.state, { kind: 'decided', decision: asDecided(wanted) }, clock);
  if (result.kind === 'refused') throw notAsked(about, wanted, result.reason);
  const objection = await objectionTo(tx, about, { ...wanted, actor: author.actor });
  if (objection !== null) throw new TollgateError('forbidden', { message: `${objection} Somebody else must decide.` });
  const made = await insertDecision(tx, applicationId, wanted, author.actor);
  await pokeProcess(tx, onboardingWorkflowId(applicationId), 'onboarding', applicationId);
  const { id: decisionId, revision, level, kind, terms } = made;
  const action = `application.${PAST[kind]}`;
  const audit = { action, ...target(applicationId), after: { decisionId, revision, level, terms } };
  return {
    decision: made,
    audit: await writeAudit(tx, author, { ...audit, reason: made.reason ?? undefined }),
  };
}

const PAST = { approve: 'approved', ask: 'asked', reject: 'rejected' } as const;

export function asDecided({ revision: formRevision, level, kind, terms, reason }: WantedDecision): Decided {
  return { formRevision, level, kind, terms, reason };
}

/** Why somebody may not decide, whatever his role. */
export const BARS = ['has_applied', 'belongs', 'has_approved'] as const;
export type Bar = (typeof BARS)[number];

const IN_WORDS: { readonly [B in Bar]: string } = {
  has_applied: 'has applied.',
  belongs: 'belongs, or belonged, to the organization that applies.',
  has_approved: 'has approved this revision already.',
};

/** Why this one may not decide; null: he may. */
export async function objectionTo(
  db: Queryable,
  about: Application,
  by: Pick<Decision, 'revision' | 'level' | 'actor'>,
): Promise<string | null> {
  const bar = await barTo(db, about, by);
  return bar === null ? null : `${by.actor} ${IN_WORDS[bar]}`;
}

/** Null: he may decide. */
export async function barTo(
  db: Queryable,
  { id, orgId, appliedBy }: Application,
  { revision, level, actor }: Pick<Decision, 'revision' | 'level' | 'actor'>,
): Promise<Bar | null> {
  const { rows } = await db.query<{ applies: boolean; belongs: boolean; decided: boolean }>(
    `select exists (select from application_revisions r where r.application_id = $1 and r.submitted_by = $3) as applies,
            exists (select from memberships m where m.org_id = $2 and m.person_id::text = split_part($3, ':', 2)) as belongs,
            exists (select from application_decisions d
                     where d.application_id = $1 and d.revision = $4 and d.level = 1 and $5::integer = 2 and d.actor = $3) as decided`,
    [id, orgId, actor, revision, level],
  );
  const [found] = rows;
  if (actor === appliedBy || found?.applies) return 'has_applied';
  if (found?.belongs) return 'belongs';
  return found?.decided ? 'has_approved' : null;
}

async function insertDecision(
  tx: PoolClient,
  applicationId: string,
  { revision, level, kind, terms, reason }: WantedDecision,
  actor: string,
): Promise<Decision> {
  const id = newId();
  await tx.query(
    `insert into application_decisions (id, application_id, revision, level, kind, terms, reason, actor) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, applicationId, revision, level, kind, terms === null ? null : jsonbText(terms), reason, actor],
  );
  const made = await decision(tx, id);
  if (made === null) throw new Error(`decision ${id} is not there`);
  return made;
}

function decidedBefore({ actor, at, kind, revision, level }: Decision): TollgateError {
  return new TollgateError('conflict', {
    message: `Revision ${revision} was decided at level ${level} already: ${actor} has ${PAST[kind]} at ${at.toISOString()}.`,
  });
}

function notAsked(
  { id, state }: Application,
  { revision, level }: WantedDecision,
  why: OnboardingRefusal,
): TollgateError {
  const { stage, formRevision } = state;
  switch (why) {
    case 'wrong_state':
      return conflict(`Application ${id} is ${stage.kind}: nothing is to be decided.`);
    case 'stale_revision':
      return conflict(`Application ${id} is at revision ${formRevision} by now, not at ${revision}: read it again.`);
    case 'wrong_level':
      return conflict(
        `Application ${id} waits for level ${stage.kind === 'in_review' ? stage.level : 0}, not ${level}.`,
      );
    case 'terms_missing':
      return new TollgateError('invalid_body', { message: 'A first approval says under which terms.', param: 'terms' });
    case 'terms_not_wanted':
      return new TollgateError('invalid_body', {
        message: 'A later approval agrees to the terms of the first; to change them, ask or reject.',
        param: 'terms',
      });
  }
}

function conflict(message: string): TollgateError {
  return new TollgateError('conflict', { message });
}
