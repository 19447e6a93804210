// An organization's owners apply for Enterprise: write, save and go on later, submit, answer, withdraw. What we think of it they are not told.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import {
  application,
  listApplications,
  lockedApplication,
  messagesOf,
  type Application as Row,
} from '../../services/onboarding/application-rows.ts';
import {
  addMessage,
  saveDraft,
  startApplication,
  submitApplication,
  withdrawApplication,
} from '../../services/onboarding/applications.ts';
import { decisionsOf } from '../../services/onboarding/decisions.ts';
import { organization } from '../../services/organizations/organizations.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import { Application, DraftForm, ListedApplication, text } from './application-fields.ts';
import { listed } from './application-review.ts';
import { reason, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, type Route } from './route.ts';

const ofOrganization = z.object({ orgId: uuid });
const ofApplication = z.object({ orgId: uuid, applicationId: uuid });
const PATH = '/api/v1/organizations/{orgId}/applications';
const ONE = `${PATH}/{applicationId}`;
const applications = { name: 'applications', position: uuid, positionOf: ({ id }: { id: string }) => id };

interface Params {
  readonly orgId: string;
  readonly applicationId: string;
}
const write = { permission: 'application.write', of: ({ params }: { params: { orgId: string } }) => params } as const;
const read = { permission: 'application.read', of: ({ params }: { params: { orgId: string } }) => params } as const;

export const applicationRoutes: readonly Route[] = [
  adminChange({
    ...write,
    method: 'post',
    path: PATH,
    summary: 'Begin an application for Enterprise; an organization has one that has not ended',
    params: ofOrganization,
    status: 201,
    body: z.strictObject({ form: DraftForm.default({}) }),
    response: Application,
    handler: ({ params, body, author }, _app, change) =>
      change(async (tx) => {
        const { application: begun, audit } = await startApplication(tx, params.orgId, body.form, author);
        return { answer: await seen(tx, begun), audit };
      }),
  }),
  adminRead({
    ...read,
    path: PATH,
    summary: 'Applications of an organization, newest first',
    params: ofOrganization,
    query: z.strictObject(pageQuery),
    response: pageOf(ListedApplication),
    handler: async ({ params, query }, { db }) => {
      const { id: orgId } = await organization(db, params.orgId);
      return onePage(applications, query, async (after, pageSize) =>
        (await listApplications(db, { orgId }, after, pageSize)).map(listed),
      );
    },
  }),
  adminRead({
    ...read,
    path: ONE,
    summary: 'One application, with what was said about it',
    params: ofApplication,
    query: z.strictObject({}),
    response: Application,
    handler: async ({ params }, { db }) => seen(db, own(params, await application(db, params.applicationId))),
  }),
  adminChange({
    ...write,
    method: 'patch',
    path: ONE,
    summary: 'Save what is written so far: the given fields are all that is kept',
    ifMatch: 'required',
    params: ofApplication,
    body: z.strictObject({ form: DraftForm }),
    response: Application,
    handler: ({ params, body, author, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = own(params, await lockedApplication(tx, params.applicationId));
        requireSeen(ifMatch, before);
        const { application: saved, audit } = await saveDraft(tx, before, body.form, author);
        return { answer: await seen(tx, saved), audit };
      }),
  }),
  adminChange({
    ...write,
    method: 'post',
    path: `${ONE}/submit`,
    summary: 'Hand it in, the first time or with the answer to what was asked',
    params: ofApplication,
    body: z.strictObject({}),
    response: Application,
    handler: ({ params, author }, _app, change) =>
      change(async (tx) => {
        const before = own(params, await lockedApplication(tx, params.applicationId));
        const { application: submitted, audit } = await submitApplication(tx, before, author);
        return { answer: await seen(tx, submitted), audit };
      }),
  }),
  adminChange({
    ...write,
    method: 'post',
    path: `${ONE}/withdraw`,
    summary: 'End it, as long as it is not approved',
    params: ofApplication,
    body: z.strictObject({ reason: reason.optional() }),
    response: Application,
    handler: ({ params, body, author }, _app, change) =>
      change(async (tx) => {
        const before = own(params, await lockedApplication(tx, params.applicationId));
        const { application: withdrawn, audit } = await withdrawApplication(tx, before, body.reason, author);
        return { answer: await seen(tx, withdrawn), audit };
      }),
  }),
  adminChange({
    ...write,
    method: 'post',
    path: `${ONE}/messages`,
    summary: 'Write to those who decide',
    params: ofApplication,
    body: z.strictObject({ body: text(5_000) }),
    response: Application,
    handler: ({ params, body, author }, _app, change) =>
      change(async (tx) => {
        const before = own(params, await lockedApplication(tx, params.applicationId));
        const audit = await addMessage(tx, before.id, { side: 'applicant', body: body.body }, author);
        return { answer: await seen(tx, before), audit };
      }),
  }),
];

/** @throws TollgateError not_found for one of another organization */
function own({ orgId, applicationId }: Params, found: Row): Row {
  if (found.orgId === orgId) return found;
  throw new TollgateError('not_found', {
    message: `There is no application ${applicationId}.`,
    param: 'applicationId',
  });
}

async function seen(db: Queryable, { state, ...row }: Row) {
  const { stage, formRevision: revision, approved } = state;
  const asked = stage.kind === 'info_requested' ? stage : null;
  const decisions = await decisionsOf(db, row.id);
  const questions = decisions.flatMap(({ kind, reason, at }) =>
    kind === 'ask' && reason !== null ? [{ side: 'staff' as const, body: reason, at }] : [],
  );
  const thread = [...(await messagesOf(db, row.id)), ...questions].sort((a, b) => a.at.getTime() - b.at.getTime());
  return {
    ...row,
    ...{ stage: stage.kind, revision, thread },
    question: asked?.question ?? null,
    answerBy: asked === null ? null : new Date(asked.expiresAtMs),
    reason: stage.kind === 'rejected' ? (decisions.at(-1)?.reason ?? null) : null,
    // A first approval may need a second one, and what was provisioned may be undone.
    terms: 'saga' in stage ? (approved?.terms ?? null) : null,
  };
}
