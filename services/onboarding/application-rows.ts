// Applications as rows: the state of domain/onboarding.ts as JSON, and beside it what others look for them by. Their form is the applicant's
// while he writes it; what he submitted is kept as it was.
import type { PoolClient } from 'pg';
import type { ApplicationForm, DraftForm } from '../../domain/application-form.ts';
import type { EnterpriseTerms } from '../../domain/enterprise-terms.ts';
import { TollgateError } from '../../domain/errors.ts';
import { newOnboarding, type Onboarding } from '../../domain/onboarding.ts';
import { comparable } from '../../domain/risk-hints.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';

export interface Application {
  readonly id: string;
  readonly orgId: string;
  readonly form: DraftForm;
  /** Counts changes of the form. */
  readonly version: number;
  readonly appliedBy: string;
  readonly state: Onboarding;
  readonly wakeAt: Date | null;
  readonly createdAt: Date;
  readonly submittedAt: Date | null;
}

/** Of `applications a`. */
export const APPLICATION_COLUMNS = `
  a.id, a.org_id as "orgId", a.form, a.version, a.applied_by as "appliedBy", a.state, a.wake_at as "wakeAt",
  a.created_at as "createdAt", a.submitted_at as "submittedAt"`;

const APPLICATIONS = `select ${APPLICATION_COLUMNS} from applications a`;

/** @throws TollgateError not_found */
export async function application(db: Queryable, id: string): Promise<Application> {
  const { rows } = await db.query<Application>(`${APPLICATIONS} where a.id = $1`, [id]);
  const [found] = rows;
  if (found !== undefined) return found;
  throw new TollgateError('not_found', { message: `There is no application ${id}.`, param: 'applicationId' });
}

/** With its organization. @throws TollgateError not_found */
export async function lockedApplication(tx: PoolClient, id: string): Promise<Application> {
  const { orgId } = await application(tx, id);
  await lockOrganization(tx, orgId);
  return application(tx, id);
}

/** Null: none that has not ended. */
export async function openApplicationOf(db: Queryable, orgId: string): Promise<Application | null> {
  const { rows } = await db.query<Application>(
    `${APPLICATIONS} where a.org_id = $1 and a.stage not in ('active', 'rejected', 'withdrawn', 'expired')`,
    [orgId],
  );
  return rows[0] ?? null;
}

export interface Listed {
  readonly orgId?: string | undefined;
  readonly stage?: Onboarding['stage']['kind'] | undefined;
}

/** Newest first. */
export async function listApplications(
  db: Queryable,
  { orgId, stage }: Listed,
  after: string | null,
  pageSize: number,
): Promise<Application[]> {
  const { rows } = await db.query<Application>(
    `${APPLICATIONS}
      where ($1::uuid is null or a.org_id = $1) and ($2::text is null or a.stage = $2)
        and ($3::uuid is null or (a.created_at, a.id) < (select b.created_at, b.id from applications b where b.id = $3))
      order by a.created_at desc, a.id desc limit $4`,
    [orgId ?? null, stage ?? null, after, pageSize],
  );
  return rows;
}

export function approvedTerms({ id, state }: Application): EnterpriseTerms {
  if (state.approved === null || state.approved.formRevision !== state.formRevision) {
    throw new Error(`revision ${state.formRevision} of application ${id} was not approved`);
  }
  return state.approved.terms;
}

/** The caller holds the organization. */
export async function insertApplication(
  tx: PoolClient,
  orgId: string,
  form: DraftForm,
  appliedBy: string,
): Promise<Application> {
  const id = newId();
  const state = newOnboarding();
  await tx.query(
    'insert into applications (id, org_id, stage, form, applied_by, state, revision) values ($1, $2, $3, $4, $5, $6, $7)',
    [id, orgId, state.stage.kind, jsonbText(form), appliedBy, jsonbText(state), state.revision],
  );
  return application(tx, id);
}

export async function saveForm(tx: PoolClient, id: string, form: DraftForm): Promise<Application> {
  await tx.query('update applications set form = $2, version = version + 1 where id = $1', [id, jsonbText(form)]);
  return application(tx, id);
}

export async function saveState(tx: PoolClient, id: string, state: Onboarding, wakeAtMs: number | null): Promise<void> {
  await tx.query('update applications set stage = $2, state = $3, revision = $4, wake_at = $5 where id = $1', [
    id,
    state.stage.kind,
    jsonbText(state),
    state.revision,
    wakeAtMs === null ? null : new Date(wakeAtMs),
  ]);
}

/** As it is submitted; whatever is written afterwards leaves it as it is. */
export async function freezeForm(
  tx: PoolClient,
  id: string,
  revision: number,
  { form, by }: { readonly form: ApplicationForm; readonly by: string },
): Promise<void> {
  const { company, domain } = comparable(form);
  await tx.query(
    'insert into application_revisions (application_id, revision, form, company, domain, submitted_by) values ($1, $2, $3, $4, $5, $6)',
    [id, revision, jsonbText(form), company, domain, by],
  );
  await tx.query('update applications set submitted_at = billing_now() where id = $1', [id]);
}

/** Null: that revision was never submitted. */
export async function submittedForm(db: Queryable, id: string, revision: number): Promise<ApplicationForm | null> {
  const { rows } = await db.query<{ form: ApplicationForm }>(
    'select form from application_revisions where application_id = $1 and revision = $2',
    [id, revision],
  );
  return rows[0]?.form ?? null;
}

export interface Message {
  readonly id: string;
  readonly side: 'applicant' | 'staff';
  readonly actor: string;
  readonly body: string;
  readonly at: Date;
}

export async function insertMessage(
  tx: PoolClient,
  applicationId: string,
  { side, actor, body }: Pick<Message, 'side' | 'actor' | 'body'>,
): Promise<string> {
  const id = newId();
  await tx.query(
    'insert into application_messages (id, application_id, side, actor, body) values ($1, $2, $3, $4, $5)',
    [id, applicationId, side, actor, body],
  );
  return id;
}

/** The oldest first. */
export async function messagesOf(db: Queryable, applicationId: string): Promise<Message[]> {
  const { rows } = await db.query<Message>(
    'select id, side, actor, body, at from application_messages where application_id = $1 order by at, id',
    [applicationId],
  );
  return rows;
}
