// An application as those read it who decide: what was submitted, what to look at twice, what was said and decided, and who must act by when.
import type { ApplicationForm } from '../../domain/application-form.ts';
import { type EarlierApplication, type RiskHint, riskHints } from '../../domain/risk-hints.ts';
import type { Queryable } from '../platform/postgres.ts';
import { type Application, application, type Message, messagesOf, submittedForm } from './application-rows.ts';
import { type Decision, decisionsOf } from './decisions.ts';

export interface ApplicationFile {
  readonly application: Application;
  /** As it is to be decided on; null: nothing was submitted yet. */
  readonly submitted: ApplicationForm | null;
  readonly hints: readonly RiskHint[];
  readonly thread: readonly Message[];
  readonly decisions: readonly Decision[];
  /** When we are reminded, or the applicant's time is over; null: nobody's clock runs. */
  readonly deadline: Date | null;
}

/** @throws TollgateError not_found */
export async function applicationFile(db: Queryable, id: string): Promise<ApplicationFile> {
  const found = await application(db, id);
  const submitted = await submittedForm(db, id, found.state.formRevision);
  const { stage } = found.state;
  return {
    application: found,
    submitted,
    hints: submitted === null ? [] : riskHints({ orgId: found.orgId, form: submitted, earlier: await others(db, id) }),
    thread: await messagesOf(db, id),
    decisions: await decisionsOf(db, id),
    deadline: stage.kind === 'info_requested' ? new Date(stage.expiresAtMs) : found.wakeAt,
  };
}

/** What was submitted last of each, of the thousand newest. */
async function others(db: Queryable, id: string): Promise<EarlierApplication[]> {
  const { rows } = await db.query<EarlierApplication>(
    `select a.id, a.org_id as "orgId", r.form ->> 'company' as company, r.form ->> 'domain' as domain, a.stage
       from applications a
       join lateral (select form from application_revisions where application_id = a.id order by revision desc limit 1) r on true
      where a.id <> $1 order by a.created_at desc, a.id desc limit 1000`,
    [id],
  );
  return rows;
}
