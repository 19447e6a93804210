// Applications as those read them who decide: what was submitted, what to look at twice, what was said and decided, who must act by when; and
// which of them wait for somebody of us.
import type { ApplicationForm } from '../../domain/application-form.ts';
import { attentionOf, type ProvisioningAttention } from '../../domain/provisioning.ts';
import { comparable, type EarlierApplication, type RiskHint, riskHints } from '../../domain/risk-hints.ts';
import type { Queryable } from '../platform/postgres.ts';
import {
  APPLICATION_COLUMNS,
  type Application,
  application,
  type Message,
  messagesOf,
  submittedForm,
} from './application-rows.ts';
import { type Bar, barTo, type Decision, decisionsOf } from './decisions.ts';

export interface ApplicationFile {
  readonly application: Application;
  /** As it is to be decided on; null: nothing was submitted yet. */
  readonly submitted: ApplicationForm | null;
  readonly hints: readonly RiskHint[];
  readonly thread: readonly Message[];
  readonly decisions: readonly Decision[];
  /** When we are reminded, or the applicant's time is over; null: nobody's clock runs. */
  readonly deadline: Date | null;
  /** Why whoever reads it may not decide on it; null: he may, or nobody is asked. */
  readonly bar: Bar | null;
}

/** actor: who reads it. @throws TollgateError not_found */
export async function applicationFile(db: Queryable, id: string, actor: string): Promise<ApplicationFile> {
  const found = await application(db, id);
  const submitted = await submittedForm(db, id, found.state.formRevision);
  const { stage } = found.state;
  return {
    application: found,
    submitted,
    hints: submitted === null ? [] : hintsAt(found, submitted, await earlierThan(db, [{ ...found, form: submitted }])),
    thread: await messagesOf(db, id),
    decisions: await decisionsOf(db, id),
    deadline: stage.kind === 'info_requested' ? new Date(stage.expiresAtMs) : found.wakeAt,
    bar: await barAt(db, found, actor),
  };
}

export interface WaitingApplication {
  readonly application: Application;
  readonly submitted: ApplicationForm;
  readonly since: Date;
  /** Who approved before; null: it waits for a first person. */
  readonly firstBy: string | null;
  readonly hints: readonly RiskHint[];
  readonly bar: Bar | null;
  /** What keeps it from being provisioned; null: it waits for a decision, or for an answer. */
  readonly attention: ProvisioningAttention | null;
  /** Nothing is to be decided, but the applicant was the last to write. */
  readonly isUnanswered: boolean;
}

/** Few enough for one look. */
const MOST_WAITING = 200;

/** Who has waited longest comes first. What is decided, and only not carried out yet, waits for nobody unless he has written since. actor: who would decide. */
export async function waitingApplications(db: Queryable, actor: string): Promise<WaitingApplication[]> {
  type Row = Application & Pick<WaitingApplication, 'submitted' | 'since' | 'firstBy' | 'isUnanswered'>;
  const { rows } = await db.query<Row>(
    `select ${APPLICATION_COLUMNS}, r.form as submitted,
            case when w.decision or w.attention then greatest(r.submitted_at, decided.at) else said.at end as since,
            w.answer and not w.decision as "isUnanswered",
            (select d.actor from application_decisions d where d.application_id = a.id and d.revision = r.revision and d.level = 1) as "firstBy"
       from applications a
       join application_revisions r on r.application_id = a.id and r.revision = (a.state ->> 'formRevision')::integer
       left join lateral (select max(d.at) as at from application_decisions d where d.application_id = a.id) decided on true
       left join lateral (
              select m.side, m.at from application_messages m where m.application_id = a.id order by m.at desc, m.id desc limit 1) said on true
       cross join lateral (
              select a.stage = 'in_review' and not exists (
                       select from application_decisions d
                        where d.application_id = a.id and d.revision = r.revision and d.level = (a.state #>> '{stage,level}')::integer) as decision,
                     a.stage in ('provisioning', 'active') and a.state #>> '{stage,saga,why}' is not null as attention,
                     a.stage not in ('rejected', 'withdrawn', 'expired') and said.side = 'applicant'
                       and said.at > coalesce(decided.at, '-infinity') as answer) w
      where w.decision or w.attention or w.answer
      order by since, a.id limit $1`,
    [MOST_WAITING],
  );
  if (rows.length === 0) return [];
  const earlier = await earlierThan(
    db,
    rows.map(({ orgId, submitted }) => ({ orgId, form: submitted })),
  );
  const waiting = rows.map(async ({ submitted, since, firstBy, isUnanswered, ...found }) => ({
    ...{ application: found, submitted, since, firstBy, isUnanswered: isUnanswered === true },
    hints: hintsAt(found, submitted, earlier),
    bar: await barAt(db, found, actor),
    attention: 'saga' in found.state.stage ? attentionOf(found.state.stage.saga) : null,
  }));
  const all = await Promise.all(waiting);
  return all.filter(
    ({ application: { state }, attention, isUnanswered }) =>
      state.stage.kind === 'in_review' || attention !== null || isUnanswered,
  );
}

async function barAt(db: Queryable, about: Application, actor: string): Promise<Bar | null> {
  const { stage, formRevision: revision } = about.state;
  return stage.kind === 'in_review' ? barTo(db, about, { revision, level: stage.level, actor }) : null;
}

function hintsAt({ id, orgId }: Application, form: ApplicationForm, all: readonly EarlierApplication[]): RiskHint[] {
  return riskHints({ orgId, form, earlier: all.filter((one) => one.id !== id) });
}

/** What was submitted last of each application that could be one before these: of the same organization, company or domain. */
async function earlierThan(
  db: Queryable,
  these: readonly { readonly orgId: string; readonly form: ApplicationForm }[],
): Promise<EarlierApplication[]> {
  const named = these.map(({ form }) => comparable(form));
  const { rows } = await db.query<EarlierApplication>(
    `select a.id, a.org_id as "orgId", r.form ->> 'company' as company, r.form ->> 'domain' as domain, a.stage
       from (select id from applications where org_id = any($1::uuid[])
             union select application_id from application_revisions where company = any($2) or domain = any($3)) likely
       join applications a on a.id = likely.id
       join lateral (select form from application_revisions where application_id = a.id order by revision desc limit 1) r on true
      order by a.created_at desc, a.id desc`,
    [these.map(({ orgId }) => orgId), named.map(({ company }) => company), named.map(({ domain }) => domain)],
  );
  return rows;
}
