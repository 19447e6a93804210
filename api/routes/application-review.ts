// Applications as those of us see them who decide: the inbox, one with all that is known of it, and what is decided, which is a row that counts once.
import { z } from 'zod';
import { attentionOf } from '../../domain/provisioning.ts';
import { listApplications, type Application as Row } from '../../services/onboarding/application-rows.ts';
import { addMessage } from '../../services/onboarding/applications.ts';
import { decide } from '../../services/onboarding/decisions.ts';
import { applicationFile } from '../../services/onboarding/inbox.ts';
import { sendWelcomeAgain, welcomeStateOf } from '../../services/onboarding/welcome.ts';
import { organization } from '../../services/organizations/organizations.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import { onboardingWorkflowId } from '../../services/processes/poke.ts';
import { ApplicationFile, Decision, ListedApplication, stage, text, WantedDecision } from './application-fields.ts';
import { instant, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const byId = z.object({ id: uuid });
const inbox = { name: 'inbox', position: uuid, positionOf: ({ id }: { id: string }) => id };
const permission = 'application.decide';

export const applicationReviewRoutes: readonly Route[] = [
  adminRead({
    permission,
    path: '/api/v1/applications',
    summary: 'Applications for Enterprise, newest first',
    params: none,
    query: z.strictObject({ ...pageQuery, state: stage.optional() }),
    response: pageOf(ListedApplication),
    handler: ({ query }, { db }) =>
      onePage(inbox, query, async (after, pageSize) =>
        (await listApplications(db, { stage: query.state }, after, pageSize)).map(listed),
      ),
  }),
  adminRead({
    permission,
    path: '/api/v1/applications/{id}',
    summary: 'One application: what was submitted, hints, thread, decisions, deadline',
    params: byId,
    query: none,
    response: ApplicationFile,
    handler: ({ params, actor }, { db }) => file(db, params.id, actor),
  }),
  adminChange({
    permission,
    method: 'post',
    path: '/api/v1/applications/{id}/decisions',
    summary:
      'Approve with terms, ask for more, or reject; once for each revision and level, and carried out by its process',
    params: byId,
    status: 201,
    body: WantedDecision,
    response: Decision,
    handler: ({ params, body, author }, _app, change) =>
      change(async (tx) => {
        const { decision, audit } = await decide(tx, params.id, body, author);
        return { answer: decision, audit };
      }),
  }),
  adminChange({
    permission,
    method: 'post',
    path: '/api/v1/applications/{id}/messages',
    summary: 'Write to the applicant',
    params: byId,
    body: z.strictObject({ body: text(5_000) }),
    response: ApplicationFile,
    handler: ({ params, body, author }, _app, change) =>
      change(async (tx) => {
        const audit = await addMessage(tx, params.id, { side: 'staff', body: body.body }, author);
        return { answer: await file(tx, params.id, author.actor), audit };
      }),
  }),
  adminChange({
    permission,
    method: 'post',
    path: '/api/v1/applications/{id}/welcomes',
    summary: 'Send another link by which the first API key is made; the one before ends',
    params: byId,
    status: 201,
    body: z.strictObject({}),
    response: z.object({ applicationId: uuid, validUntil: instant }).meta({ id: 'Welcome' }),
    handler: ({ params, author }, _app, change) =>
      change(async (tx) => {
        const { validUntil, audit } = await sendWelcomeAgain(tx, params.id, author);
        return { answer: { applicationId: params.id, validUntil }, audit };
      }),
  }),
];

export function listed({ state, wakeAt, form, ...row }: Row) {
  const { stage: standing, formRevision: revision } = state;
  return {
    ...row,
    ...{ stage: standing.kind, revision, company: form.company ?? '' },
    level: standing.kind === 'in_review' ? standing.level : null,
    deadline: standing.kind === 'info_requested' ? new Date(standing.expiresAtMs) : wakeAt,
  };
}

async function file(db: Queryable, id: string, actor: string) {
  const { application, ...known } = await applicationFile(db, id, actor);
  const { orgId, state } = application;
  const { stage: standing, approved } = state;
  const saga = 'saga' in standing ? standing.saga : null;
  return {
    ...listed(application),
    ...known,
    orgName: (await organization(db, orgId)).name,
    failure: standing.kind === 'in_review' ? standing.failure : null,
    provisioned: saga?.done.map(({ step }) => step) ?? [],
    terms: approved?.terms ?? null,
    attention: saga === null ? null : attentionOf(saga),
    welcome: await welcomeStateOf(db, id),
    workflowId: onboardingWorkflowId(id),
  };
}
