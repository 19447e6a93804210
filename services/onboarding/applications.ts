// What an applicant does with an application: write, save and go on later, submit, answer, withdraw. An organization has one that has not
// ended. Each leaves its entry in the audit log, which says nothing of what was written (D52).
import type { PoolClient } from 'pg';
import { type DraftForm, isComplete, missingIn } from '../../domain/application-form.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { OnboardingEvent } from '../../domain/onboarding.ts';
import { type Author, type WrittenAudit, writeAudit } from '../audit/audit.ts';
import { queueMail } from '../notifications/outbox.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import {
  type Application,
  application,
  freezeForm,
  insertApplication,
  insertMessage,
  lockedApplication,
  openApplicationOf,
  saveForm,
} from './application-rows.ts';
import { takeOnboardingTurn } from './turn.ts';

export interface Changed {
  readonly application: Application;
  readonly audit: WrittenAudit;
}

/** @throws TollgateError not_found; conflict where one has not ended */
export async function startApplication(
  tx: PoolClient,
  orgId: string,
  form: DraftForm,
  author: Author,
): Promise<Changed> {
  await lockOrganization(tx, orgId);
  const open = await openApplicationOf(tx, orgId);
  if (open !== null) {
    throw new TollgateError('conflict', {
      message: `Organization ${orgId} has application ${open.id}, which is ${open.state.stage.kind}: go on with it, or withdraw it first.`,
    });
  }
  return changed(tx, author, 'started', null, await insertApplication(tx, orgId, form, author.actor));
}

/** The given fields are then all that is written. @throws TollgateError conflict while it is with us */
export async function saveDraft(
  tx: PoolClient,
  before: Application,
  form: DraftForm,
  author: Author,
): Promise<Changed> {
  const { kind } = before.state.stage;
  if (kind !== 'draft' && kind !== 'info_requested') throw wrongStage(before, 'written');
  return changed(tx, author, 'written', before, await saveForm(tx, before.id, form));
}

/** The first time, or anew with the answers to what was asked. @throws TollgateError invalid_body for what is missing; no_verified_owner; conflict */
export async function submitApplication(tx: PoolClient, before: Application, author: Author): Promise<Changed> {
  const { id, orgId, form } = before;
  if (!isComplete(form)) {
    const missing = missingIn(form);
    throw new TollgateError('invalid_body', {
      message: `The application is not complete: fill in ${missing.join(', ')}.`,
      ...(missing[0] === undefined ? {} : { param: missing[0] }),
    });
  }
  await requireOwner(tx, orgId);
  await turned(tx, before, { kind: 'submitted' }, 'submitted');
  const { state } = await application(tx, id);
  await freezeForm(tx, id, state.formRevision, { form, by: author.actor });
  return changed(tx, author, 'submitted', before, await application(tx, id));
}

/** @throws TollgateError conflict for one that has ended, or is being provisioned */
export async function withdrawApplication(
  tx: PoolClient,
  before: Application,
  reason: string | undefined,
  author: Author,
): Promise<Changed> {
  await turned(tx, before, { kind: 'withdrawn' }, 'withdrawn');
  return changed(tx, author, 'withdrawn', before, await application(tx, before.id), reason);
}

/** Part of its thread, as long as it has not ended: owners are mailed what we write, and what they write waits in our inbox. @throws TollgateError not_found; conflict */
export async function addMessage(
  tx: PoolClient,
  applicationId: string,
  { side, body }: { readonly side: 'applicant' | 'staff'; readonly body: string },
  author: Author,
): Promise<WrittenAudit> {
  const before = await lockedApplication(tx, applicationId);
  if (['rejected', 'withdrawn', 'expired'].includes(before.state.stage.kind)) throw wrongStage(before, 'written about');
  const messageId = await insertMessage(tx, applicationId, { side, actor: author.actor, body });
  if (side === 'staff') {
    await queueMail(tx, {
      orgId: before.orgId,
      kind: 'application_message',
      key: `application_message:${messageId}`,
      facts: { applicationId, company: before.form.company ?? '', message: body },
    });
  }
  const action = 'application.message_added';
  return writeAudit(tx, author, { action, ...target(applicationId), after: { messageId, side } });
}

async function turned(tx: PoolClient, before: Application, event: OnboardingEvent, what: string): Promise<void> {
  const result = await takeOnboardingTurn(tx, before, event);
  if (result.kind === 'refused') throw wrongStage(before, what);
}

/** Who is to be welcomed, and may make its first API key. */
async function requireOwner(tx: PoolClient, orgId: string): Promise<void> {
  const { rowCount } = await tx.query(
    `select from memberships m join persons p on p.id = m.person_id
      where m.org_id = $1 and m.role = 'owner' and m.status = 'active' and p.email_verified_at is not null limit 1`,
    [orgId],
  );
  if (rowCount === 1) return;
  throw new TollgateError('no_verified_owner', {
    message: `Organization ${orgId} has no active owner whose mail address is verified: answers go to its owners.`,
  });
}

async function changed(
  tx: PoolClient,
  author: Author,
  how: string,
  before: Application | null,
  after: Application,
  reason?: string,
): Promise<Changed> {
  const audit = await writeAudit(tx, author, {
    action: `application.${how}`,
    ...target(after.id),
    ...(before === null ? {} : { before: summaryOf(before) }),
    after: summaryOf(after),
    reason,
  });
  return { application: after, audit };
}

export function summaryOf({ orgId, version, state }: Application): object {
  return { orgId, version, stage: state.stage.kind, revision: state.formRevision };
}

export function target(applicationId: string) {
  return { targetKind: 'application', targetId: applicationId } as const;
}

function wrongStage({ id, state }: Application, what: string): TollgateError {
  return new TollgateError('conflict', {
    message: `Application ${id} is ${state.stage.kind} and cannot be ${what} now.`,
  });
}
